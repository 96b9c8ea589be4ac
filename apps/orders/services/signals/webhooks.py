"""Alerts from outside: each becomes a signal of its strategy, once, and is followed like any other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from algotrendy.trading.alerts import symbol_form
from algotrendy.trading.errors import TradingError
from algotrendy.trading.signals import Action
from apps.common.origin import current_origin, printable
from apps.orders.services.entry.placing import Market, market_of
from apps.orders.services.signals.executing import signal_take
from apps.orders.services.steps.stepping import send_soon
from apps.portfolio.services import portfolio_lock
from apps.strategies import metrics
from apps.strategies.models import Signal, SignalSource, Strategy, StrategyWebhook, WebhookDelivery

OLDEST, FARTHEST = timedelta(minutes=5), timedelta(minutes=1)
"""How old an alert may be, and how far its clock may be ahead."""


class AlertRefused(TradingError):
    """The alert cannot be taken."""

    code = "alert_refused"


class StrategyDisabled(TradingError):
    """The strategy takes no signals now."""

    code = "strategy_disabled"


@dataclass(frozen=True, slots=True)
class Alert:
    """What an alert says; what it does not say is None."""

    action: Action
    symbol: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    id: str | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The signal of an alert, and whether this call made it; None where it is gone."""

    signal: Signal | None
    is_new: bool


def webhook_receive(*, webhook: StrategyWebhook, alert: Alert) -> Received:
    """Take an alert and follow it; the same one again returns the first signal and changes nothing.

    Raises AlertRefused (code wrong_symbol or alert_time) and StrategyDisabled.
    """
    now = timezone.now()
    _require_symbol(webhook.strategy, alert)
    _require_time(alert, now)
    received = _take(webhook, alert, market_of(webhook.strategy.instrument), now)
    metrics.WEBHOOKS.labels("taken" if received.is_new else "repeated").inc()
    return received


@transaction.atomic
def _take(webhook: StrategyWebhook, alert: Alert, market: Market, now: datetime) -> Received:
    portfolio = portfolio_lock(webhook.strategy.portfolio_id)  # one alert at a time from here on
    strategy = Strategy.objects.select_related("instrument", "portfolio").get(pk=webhook.strategy_id)
    known = _known(webhook, alert, now)
    if known is not None:
        return Received(known.signal, is_new=False)
    if not strategy.enabled:
        raise StrategyDisabled(f"{strategy.name} is disabled; enable it to let it trade.")
    signal = Signal.objects.create(strategy=strategy, **_as_row(strategy, alert, market))
    WebhookDelivery.objects.create(webhook=webhook, key=_keys(alert, now)[0], signal=signal)
    ip = current_origin().ip
    StrategyWebhook.objects.filter(pk=webhook.pk).update(used_at=now, used_from=ip)
    order = signal_take(signal=signal, portfolio=portfolio, market=market)
    if order is not None:
        send_soon(order)
    return Received(signal, is_new=True)


def _known(webhook: StrategyWebhook, alert: Alert, now: datetime) -> WebhookDelivery | None:
    rows = WebhookDelivery.objects.filter(webhook=webhook, key__in=_keys(alert, now)).select_related("signal")
    if alert.id is None and alert.time is None:
        rows = rows.filter(received_at__gt=now - OLDEST)
    return rows.first()


def _keys(alert: Alert, now: datetime) -> list[str]:
    """Return the keys by which an alert is known: the first is its own.

    It is told by its id, else by what it says with its time. One that has neither is the same as an equal one of the
    last five minutes: its key holds the stretch of five minutes in which it came, or the one before.
    """
    if alert.id is not None:
        return [_hashed("id", alert.id)]
    said = [f"{name}={getattr(alert, name)}" for name in Alert.__slots__]
    if alert.time is not None:
        return [_hashed("said", *said)]
    stretch = int(now.timestamp() // OLDEST.total_seconds())
    return [_hashed("said", *said, str(number)) for number in (stretch, stretch - 1)]


def _hashed(*words: str) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def _as_row(strategy: Strategy, alert: Alert, market: Market) -> dict[str, object]:
    named = f" {alert.id}" if alert.id else ""
    at = f" at {alert.price.normalize():f}" if alert.price is not None else ""
    return {
        "strategy_version": strategy.version,
        "source": SignalSource.WEBHOOK,
        "candle_open_time": market.at,
        "at": market.at,
        "action": alert.action,
        "confidence": 1.0,
        "price": market.price,
        "quantity": alert.quantity,
        "stop_loss": alert.stop_loss,
        "take_profit": alert.take_profit,
        "reason": printable(f"Alert{named}: {alert.action}{at}")[:500],
    }


def _require_symbol(strategy: Strategy, alert: Alert) -> None:
    if alert.symbol is not None and symbol_form(alert.symbol) != symbol_form(strategy.instrument.symbol):
        raise AlertRefused(
            f"The alert is of {alert.symbol}, the strategy trades {strategy.instrument}.", code="wrong_symbol"
        )


def _require_time(alert: Alert, now: datetime) -> None:
    if alert.time is not None and not now - OLDEST <= alert.time <= now + FARTHEST:
        raise AlertRefused(
            f"The alert is of {alert.time:%Y-%m-%d %H:%M:%S} UTC: send the present time, which TradingView puts in for "
            "{{timenow}}; it may be 5 minutes old and 1 minute ahead.",
            code="alert_time",
        )

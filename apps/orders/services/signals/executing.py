"""From a signal to an order: approved where it must be, sized, protected, checked; one order for each signal ever."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from algotrendy.trading.candles import Bar, Candles
from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.signals import Action, Direction, Move, follow
from algotrendy.trading.values import ZERO
from apps.brokers.live import LiveRefused
from apps.orders.models import Order, OrderRole
from apps.orders.selectors import working_orders
from apps.orders.services.entry.placing import Market, Origin, order_commit
from apps.orders.services.entry.sizing import require_unpassed, signal_intent
from apps.orders.services.steps.stepping import tell_exchange
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import position_held
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Signal, SignalOutcome, SignalSource, Strategy
from apps.strategies.services import signal_await, signal_settle

REFUSALS = (InvalidOrder, LiveRefused)
"""What keeps a signal from becoming an order, and is kept as its outcome."""
SUPERSEDED = "A newer signal of the strategy has superseded it."


@dataclass(frozen=True, slots=True)
class Plan:
    """What a signal would do now: the move, and the order for it."""

    move: Move
    intent: OrderIntent


@transaction.atomic
def signal_execute(*, signal: Signal, bar: Bar, candles: Candles | None = None) -> Order | None:
    """Turn a signal into a committed market order, or write down why not; a second call changes nothing.

    Where the strategy needs approval, the signal waits for somebody instead.
    """
    portfolio = portfolio_lock(signal.strategy.portfolio_id)
    signal = signal_read(signal.pk)
    if signal.outcome != SignalOutcome.NEW:
        return None
    return signal_take(
        signal=signal, portfolio=portfolio, market=Market(price=bar.close, at=bar.close_time), candles=candles
    )


@transaction.atomic
def signal_drop(*, signal: Signal, reason: str) -> None:
    """Write down why a signal that is new still becomes no order."""
    portfolio_lock(signal.strategy.portfolio_id)
    signal = signal_read(signal.pk)
    if signal.outcome == SignalOutcome.NEW:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=reason)


def signal_take(
    *, signal: Signal, portfolio: Portfolio, market: Market, candles: Candles | None = None
) -> Order | None:
    """Follow a new signal, or let it wait for approval; inside the caller's transaction, under the portfolio's lock.

    Simulations trade at once: nobody watches them.
    """
    strategy = signal.strategy
    _supersede(signal)
    if not strategy.needs_approval or portfolio.is_simulation:
        return signal_follow(signal=signal, portfolio=portfolio, market=market, candles=candles)
    try:
        signal_plan(signal=signal, portfolio=portfolio, market=market, candles=candles)
    except REFUSALS as error:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=error.message)
    else:
        signal_await(signal=signal)
    return None


def signal_follow(
    *,
    signal: Signal,
    portfolio: Portfolio,
    market: Market,
    candles: Candles | None = None,
) -> Order | None:
    """Commit the order that a signal asks for and settle the signal; return it unless it was denied or skipped."""
    try:
        plan = signal_plan(signal=signal, portfolio=portfolio, market=market, candles=candles)
        order = _commit(signal, portfolio, plan, market)
    except REFUSALS as error:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=error.message)
        return None
    is_denied = order.status == OrderStatus.DENIED
    outcome = SignalOutcome.DENIED if is_denied else SignalOutcome.ORDERED
    signal_settle(signal=signal, outcome=outcome, reason=order.reason)
    return None if is_denied else order


def signal_plan(*, signal: Signal, portfolio: Portfolio, market: Market, candles: Candles | None = None) -> Plan:
    """Return what the signal would order at this market; raise InvalidOrder where that is nothing."""
    strategy = signal.strategy
    held = held_quantity(portfolio, strategy)
    move = follow(Action(signal.action), (held > 0) - (held < 0), Direction(strategy.direction))
    if move is None:
        raise InvalidOrder("It asks for what is held already.", code="nothing_to_do")
    if _is_being_traded(strategy):
        raise InvalidOrder("An order of the strategy is still working.", code="order_working")
    if signal.source == SignalSource.WEBHOOK or market.price != signal.price:
        require_unpassed(signal, move, market.price)
    intent = signal_intent(signal=signal, portfolio=portfolio, move=move, held=held, market=market, candles=candles)
    return Plan(move, intent)


def signal_read(signal_id: uuid.UUID) -> Signal:
    """Return the signal as it is now; the caller holds its portfolio's lock, under which alone it changes."""
    return Signal.objects.select_related("strategy__instrument", "strategy__portfolio").get(pk=signal_id)


def held_quantity(portfolio: Portfolio, strategy: Strategy) -> Decimal:
    """Return the signed quantity that the strategy holds and can trade."""
    held = position_held(portfolio, strategy.instrument_id, strategy.slug)
    return held.tradable_quantity if held else ZERO


def _commit(signal: Signal, portfolio: Portfolio, plan: Plan, market: Market) -> Order:
    strategy, move, opens = signal.strategy, plan.move, not plan.intent.reduce_only
    role = OrderRole.ENTRY if not move.closes else OrderRole.FLIP if opens else OrderRole.EXIT
    placement = order_commit(
        portfolio=portfolio,
        instrument=strategy.instrument,
        intent=plan.intent,
        market=market,
        client_order_id=f"signal-{signal.pk.hex}",
        origin=Origin(book=strategy.slug, role=role, strategy=strategy, signal=signal),
    )
    tell_exchange(placement.order)
    return placement.order


def _supersede(signal: Signal) -> None:
    """Settle what still waits of the strategy's older signals: the newest word counts."""
    waiting = Signal.objects.filter(strategy=signal.strategy, outcome=SignalOutcome.AWAITING).exclude(pk=signal.pk)
    for older in waiting.select_related("strategy__instrument", "strategy__portfolio"):
        signal_settle(signal=older, outcome=SignalOutcome.SKIPPED, reason=SUPERSEDED)


def _is_being_traded(strategy: Strategy) -> bool:
    roles = (OrderRole.ENTRY, OrderRole.EXIT, OrderRole.FLIP)
    return working_orders().filter(strategy=strategy, role__in=roles).exists()

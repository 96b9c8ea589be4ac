"""From a signal to an order: sized, protected, checked; one order for each signal ever."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.signals import Action, Direction, Move, follow
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.orders.models import Order, OrderRole
from apps.orders.selectors import working_orders
from apps.orders.services.placing import Market, Origin, order_commit
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import equity_with, open_positions, position_held
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Signal, SignalOutcome, SizingMode, Strategy
from apps.strategies.services import signal_settle


@transaction.atomic
def signal_execute(*, signal: Signal, bar: Bar) -> Order | None:
    """Turn a signal into a committed market order, or write down why not; a second call changes nothing."""
    portfolio = portfolio_lock(signal.strategy.portfolio_id)
    signal = Signal.objects.select_related("strategy__instrument", "strategy__portfolio").get(pk=signal.pk)
    strategy = signal.strategy
    if signal.outcome != SignalOutcome.NEW:
        return None
    held = position_held(portfolio, strategy.instrument_id, strategy.slug)
    quantity = held.quantity if held else ZERO
    move = follow(Action(signal.action), (quantity > 0) - (quantity < 0), Direction(strategy.direction))
    if move is None:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason="It asks for what is held already.")
        return None
    if _is_being_traded(strategy):
        reason = "An order of the strategy is still working."
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=reason)
        return None
    try:
        order = _commit(signal, strategy, portfolio, move, quantity, bar)
    except InvalidOrder as error:
        signal_settle(signal=signal, outcome=SignalOutcome.SKIPPED, reason=error.message)
        return None
    is_denied = order.status == OrderStatus.DENIED
    outcome = SignalOutcome.DENIED if is_denied else SignalOutcome.ORDERED
    signal_settle(signal=signal, outcome=outcome, reason=order.reason)
    return None if is_denied else order


def _commit(signal: Signal, strategy: Strategy, portfolio: Portfolio, move: Move, held: Decimal, bar: Bar) -> Order:
    opening = _size(strategy, portfolio, bar.close) if move.opens else ZERO
    if move.opens and not opening and not move.closes:
        raise InvalidOrder("The size comes to less than the least quantity that trades.", code="size_too_small")
    protect = bool(opening) and strategy.protect
    stop_loss, take_profit = _protection(signal, portfolio, move.side, bar.close) if protect else (None, None)
    intent = OrderIntent(
        side=move.side,
        type=OrderType.MARKET,
        quantity=opening + (abs(held) if move.closes else ZERO),
        reduce_only=not opening,
        stop_loss=stop_loss,
        take_profit=take_profit,
    )
    role = OrderRole.ENTRY if not move.closes else OrderRole.FLIP if opening else OrderRole.EXIT
    placement = order_commit(
        portfolio=portfolio,
        instrument=strategy.instrument,
        intent=intent,
        market=Market(price=bar.close, at=bar.close_time),
        client_order_id=f"signal-{signal.pk.hex}",
        origin=Origin(book=strategy.slug, role=role, strategy=strategy, signal=signal),
    )
    return placement.order


def _size(strategy: Strategy, portfolio: Portfolio, price: Decimal) -> Decimal:
    """Return the quantity to open, on the instrument's grid; 0 where it comes to less than the least that trades."""
    spec = strategy.instrument.spec
    if strategy.sizing_mode == SizingMode.FIXED_QUANTITY:
        quantity = spec.round_quantity(strategy.sizing_value)
    else:
        equity = equity_with(portfolio, open_positions(portfolio))
        value = max(equity, ZERO) * strategy.sizing_value / 100
        quantity = spec.round_quantity(value / (price * spec.contract_size))
    return quantity if quantity >= spec.min_quantity else ZERO


def _protection(
    signal: Signal, portfolio: Portfolio, side: Side, price: Decimal
) -> tuple[Decimal | None, Decimal | None]:
    """Return stop and target on the tick grid: the signal's own, else at the portfolio's default distance."""
    profile = portfolio.risk_profile
    spec = signal.strategy.instrument.spec
    wanted = (
        (signal.stop_loss, -side.sign, profile.default_stop_loss_percent),
        (signal.take_profit, side.sign, profile.default_take_profit_percent),
    )
    prices: list[Decimal | None] = []
    for own, direction, percent in wanted:
        target = own if own is not None else price * (1 + direction * percent / 100) if percent else None
        rounded = None if target is None else spec.round_price(target)
        # A level that the price has passed already would end the position at once: it protects nothing.
        prices.append(rounded if rounded is not None and (rounded - price) * direction > 0 and rounded > 0 else None)
    return prices[0], prices[1]


def _is_being_traded(strategy: Strategy) -> bool:
    roles = (OrderRole.ENTRY, OrderRole.EXIT, OrderRole.FLIP)
    return working_orders().filter(strategy=strategy, role__in=roles).exists()

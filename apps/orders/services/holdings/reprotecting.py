"""Changing a position's protection: its stop, its target, or a stop that trails.

Each protective order that works gets a successor with the new price, which goes once the venue has confirmed the end
of the old one; one that was never sent is changed as it stands. What no order covers gets new ones.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.triggers import WatchedOrder, followed
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Order, OrderClass, OrderRole
from apps.orders.selectors import PROTECTIVE, waited_for, working_orders
from apps.orders.services.entry.admitting import tradable_require
from apps.orders.services.entry.placing import Market, market_of
from apps.orders.services.holdings.closing import PositionClosed
from apps.orders.services.holdings.exiting import strategy_of
from apps.orders.services.holdings.protecting import order_cancel_request, protective_begin, rests_at_venue
from apps.orders.services.steps.stepping import order_begin, order_lock, order_step, send_soon
from apps.orders.services.steps.succession import successor_build, successor_waiting
from apps.portfolio.models import Position
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)
KEPT = object()
"""Stands for a price that stays as it is."""
PRICES = ("type", "stop_price", "trail_amount", "trail_percent", "best_price")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What protects a position in a role from now on; None for nothing."""

    role: OrderRole
    prices: dict[str, Any] | None


def position_protect(
    *,
    position: Position,
    actor: User,
    stop_loss: Any = KEPT,
    take_profit: Any = KEPT,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
) -> Position:
    """Set where a position is protected; None takes a stop or target away. A trail takes the stop's place.

    Asking for what is there already changes nothing. Raises InvalidOrder for a price on the wrong side of the market or
    off the grid, and PositionClosed.
    """
    market = market_of(position.instrument)
    with transaction.atomic():
        portfolio = portfolio_lock(position.portfolio_id)
        position = Position.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=position.pk)
        position.portfolio = portfolio
        if position.closed_at is not None:
            raise PositionClosed("The position is closed already.")
        tradable_require(portfolio=portfolio, instrument=position.instrument)
        wanted = _wanted(position, market, stop_loss, take_profit, trail_amount, trail_percent)
        for each in wanted:
            _apply(position, each, market)
        for each in wanted:
            name = "stop_loss" if each.role is OrderRole.STOP_LOSS else "take_profit"
            setattr(position, name, None if each.prices is None else each.prices["stop_price"])
        position.save(update_fields=["stop_loss", "take_profit", "updated_at"])
        told = {each.role.value: _told(each.prices) for each in wanted}
        audit(Action.POSITION_PROTECTED, user=actor, target=position, protection=told)
    log.info("position_protected", position=str(position.pk), actor=actor.pk, protection=told)
    return position


def _wanted(
    position: Position,
    market: Market,
    stop_loss: Any,
    take_profit: Any,
    trail_amount: Decimal | None,
    trail_percent: Decimal | None,
) -> list[Wanted]:
    trails = trail_amount is not None or trail_percent is not None
    if trails and stop_loss is not KEPT:
        raise InvalidOrder("Give a stop loss or a trail, not both.", code="stop_loss_and_trail")
    if stop_loss is KEPT and take_profit is KEPT and not trails:
        raise InvalidOrder(
            "Say what is to be different: a stop loss, a take profit or a trail.", code="nothing_to_change"
        )
    wanted = []
    if trails:
        wanted.append(Wanted(OrderRole.STOP_LOSS, _trail(position, market, trail_amount, trail_percent)))
    elif stop_loss is not KEPT:
        wanted.append(Wanted(OrderRole.STOP_LOSS, _fixed(position, market, OrderType.STOP, stop_loss)))
    if take_profit is not KEPT:
        wanted.append(Wanted(OrderRole.TAKE_PROFIT, _fixed(position, market, OrderType.TAKE_PROFIT, take_profit)))
    return wanted


def _fixed(position: Position, market: Market, kind: OrderType, price: Decimal | None) -> dict[str, Any] | None:
    if price is None:
        return None
    name, direction = ("stop_loss", -1) if kind is OrderType.STOP else ("take_profit", 1)
    if (price - market.price) * position.state.sign * direction <= 0:
        where = "above" if position.state.sign * direction > 0 else "below"
        raise InvalidOrder(
            f"The {name.replace('_', ' ')} of a {position.side} position must be {where} the market, "
            f"{market.price:f}, not {price:f}.",
            code=f"{name}_wrong_side",
        )
    intent = OrderIntent(
        _exit_side(position), kind, abs(position.tradable_quantity), stop_price=price, reduce_only=True
    )
    intent.validate(position.instrument.spec, market.price)
    return {**dict.fromkeys(PRICES), "type": kind, "stop_price": price}


def _trail(
    position: Position, market: Market, trail_amount: Decimal | None, trail_percent: Decimal | None
) -> dict[str, Any]:
    kind, side = OrderType.TRAILING_STOP, _exit_side(position)
    intent = OrderIntent(
        side,
        kind,
        abs(position.tradable_quantity),
        reduce_only=True,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
    )
    intent.validate(position.instrument.spec, market.price)
    _require_trail(trail_amount, trail_percent, market)
    trails = {"trail_amount": trail_amount, "trail_percent": trail_percent}
    seen = followed(WatchedOrder(side, kind, **trails), market.price, position.instrument.spec)
    return {"type": kind, **trails, "stop_price": seen.stop_price, "best_price": seen.best_price}


def _require_trail(trail_amount: Decimal | None, trail_percent: Decimal | None, market: Market) -> None:
    if trail_amount is not None and trail_percent is not None:
        raise InvalidOrder("Give a trail amount or a trail percent, not both.", code="trail_ambiguous")
    share = trail_amount / market.price * 100 if trail_amount is not None else trail_percent
    if share is None or not 0 < share < 100:
        raise InvalidOrder(
            "The trail must be above 0 and below the market's price; a percent below 100.", code="trail_out_of_range"
        )


def _apply(position: Position, wanted: Wanted, market: Market) -> None:
    """Bring the role's orders in line, then cover what none of them covers."""
    covered = ZERO
    for order in _protective(position, wanted.role):
        if wanted.prices is None:
            order_cancel_request(order=order, code="protection_removed", reason="The position goes on without it.")
            enqueue("orders.settle", str(order.pk))
            continue
        covered += order.kept_quantity
        if not _is_so(order, wanted.prices):
            _change(order, wanted.prices)
    if wanted.prices is not None:
        _cover(position, wanted, abs(position.tradable_quantity) - covered, market)


def _change(order: Order, prices: dict[str, Any]) -> None:
    detail = {"protection": _told(prices)}
    if order.status == OrderStatus.HELD:
        for name, value in prices.items():
            setattr(order, name, value)
        order_step(order=order, kind="changed", detail=detail)
        return
    new_id = f"{order.pk.hex}-{order.version}-p"
    successor = successor_build(order=order, client_order_id=new_id, quantity=order.quantity, **prices)
    order_begin(order=successor, detail={**detail, "replaces": str(order.pk), "waits_for": "its predecessor's end"})
    metrics.count_order(successor)
    order_cancel_request(order=order, code="replaced", reason=f"Replaced by {new_id}.")
    enqueue("orders.settle", str(order.pk))


def _cover(position: Position, wanted: Wanted, uncovered: Decimal, market: Market) -> None:
    """Make orders for what none covers, each in the group of its counterpart where that has no partner yet."""
    other = next(role for role in PROTECTIVE if role != wanted.role)
    partners = {order.oco_group for order in _protective(position, wanted.role)}
    for counterpart in _protective(position, other):
        if uncovered > 0 and counterpart.oco_group and counterpart.oco_group not in partners:
            quantity = min(counterpart.kept_quantity, uncovered)
            _begin(position, wanted, quantity, counterpart.oco_group, market, is_pair=True)
            _stand_back(counterpart)
            uncovered -= quantity
    if uncovered > 0:
        _begin(position, wanted, uncovered, f"protect-{uuid.uuid4().hex}", market, is_pair=False)


def _stand_back(counterpart: Order) -> None:
    """Take a target off a venue that does not know it as one of a pair: from now on the platform watches its price."""
    sent = counterpart.status != OrderStatus.HELD and counterpart.cancel_requested_at is None
    if sent and not rests_at_venue(counterpart, is_pair=True):
        _change(counterpart, {name: getattr(counterpart, name) for name in PRICES})


def _begin(position: Position, wanted: Wanted, quantity: Decimal, group: str, market: Market, *, is_pair: bool) -> None:
    is_stop = wanted.role is OrderRole.STOP_LOSS
    order = Order(
        owner_id=position.portfolio.owner_id,
        portfolio=position.portfolio,
        instrument=position.instrument,
        strategy=strategy_of(position),
        book=position.book,
        role=wanted.role,
        client_order_id=f"pr-{uuid.uuid4().hex}-{'sl' if is_stop else 'tp'}",
        side=_exit_side(position),
        status=OrderStatus.PENDING,
        quantity=quantity,
        order_class=OrderClass.BRACKET,
        oco_group=group,
        reference_price=market.price,
        reduce_only=True,
        active_from=market.at,
        **(wanted.prices or {}),
    )
    if protective_begin(order=order, protects=position.pk, is_pair=is_pair).status == OrderStatus.PENDING:
        send_soon(order)


def _protective(position: Position, role: OrderRole) -> list[Order]:
    """Return the role's orders that will stand, locked: of one that is about to end its successor, if it has one."""
    rows = working_orders().filter(
        portfolio_id=position.portfolio_id, instrument_id=position.instrument_id, book=position.book, role=role
    )
    found = []
    for key in rows.order_by("created_at", "id").values_list("pk", flat=True):
        order = order_lock(key)
        order.portfolio = position.portfolio
        if waited_for(order) is not None:
            continue  # It is found by the one that it waits for.
        stands = successor_waiting(order) if order.cancel_requested_at is not None else order
        if stands is not None and stands.side == _exit_side(position):
            found.append(stands)
    return found


def _is_so(order: Order, prices: dict[str, Any]) -> bool:
    """Tell whether the order is what is wanted; where a trail has brought its stop does not matter."""
    names = ("type", "trail_amount", "trail_percent")
    is_fixed = prices["type"] != OrderType.TRAILING_STOP
    return all(getattr(order, name) == prices[name] for name in (*names, *(["stop_price"] if is_fixed else [])))


def _exit_side(position: Position) -> Side:
    return Side.SELL if position.quantity > 0 else Side.BUY


def _told(prices: dict[str, Any] | None) -> dict[str, str]:
    return {name: f"{value}" for name, value in (prices or {}).items() if value is not None}

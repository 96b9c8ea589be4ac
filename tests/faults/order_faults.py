"""What must be true of both sides once all is settled; each function returns everything in which it is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from tests.faults.order_trials import ACCOUNTS
from tests.faults.order_truth import AT_EXCHANGE, ZERO, Ours, Sides

PROTECTIVE = ("stop_loss", "take_profit")
NOBODY_ASKED = ("", "position_closed", "group_filled", "below_min_quantity", "unknown_at_venue", "reduced")


def faults_of(sides: Sides, accepted: Mapping[str, Decimal]) -> list[str]:
    """Return everything that is not as it must be; `accepted` are the quantities asked for, by client order id."""
    return [
        *_lost(sides, accepted),
        *_different(sides),
        *_fills(sides),
        *_holdings(sides),
        *_untriggered(sides),
        *_groups(sides),
        *_successions(sides, accepted),
        *_protection(sides),
        *_pairs(sides),
    ]


def _lost(sides: Sides, accepted: Mapping[str, Decimal]) -> list[str]:
    return [f"{name} is lost" for name in accepted if name not in sides.ours]


def _different(sides: Sides) -> list[str]:
    """Each order is at the exchange once at most, in the account of its own, as the platform says that it is."""
    found = []
    for name in {**sides.ours, **sides.theirs}:
        order, there = sides.ours.get(name), sides.theirs.get(name, [])
        if order is None or len(there) > 1:
            found.append(f"{name} is {len(there)} times at the exchange and {order} here")
            continue
        words, done = {each.status for each in there}, sum((each.filled for each in there), ZERO)
        never_sent = order.status in ("canceled", "expired") and not there
        if (words != AT_EXCHANGE.get(order.status) and not never_sent) or done != order.filled:
            found.append(f"{name} is {order.status}, filled {order.filled}, and {words}, filled {done}, there")
        if any(each.account != order.account for each in there):
            found.append(f"{name} is in another account: {there}")
    return found


def _fills(sides: Sides) -> list[str]:
    if sides.fills == sides.trades:
        return []
    apart = sorted(set(sides.fills) ^ set(sides.trades))
    return [f"{len(sides.fills)} fills and {len(sides.trades)} trades: {apart}"]


def _holdings(sides: Sides) -> list[str]:
    return [
        f"{place} holds {sides.held_here.get(place, ZERO)} here, {sides.held_there.get(place, ZERO)} there"
        for place in {**sides.held_here, **sides.held_there}
        if sides.held_here.get(place, ZERO) != sides.held_there.get(place, ZERO)
    ]


def _untriggered(sides: Sides) -> list[str]:
    """What the platform watches in the exchange's place goes once its price is there."""
    return [
        f"{order.name} waits, though {order.symbol} is at {sides.prices[order.symbol]}: {order}"
        for order in sides.ours.values()
        if order.status == "held" and order.is_reached(sides.prices[order.symbol])
    ]


def _groups(sides: Sides) -> list[str]:
    """Of two orders of which one cancels the other never both are filled; both are for what is left of one of them."""
    found = []
    for group in _by(sides, lambda order: order.group):
        if any(order.parent for order in group):
            continue  # A bracket's: these may have shrunk with their position.
        filled = sum((order.filled for order in group), ZERO)
        asked = max(order.quantity for order in group if order.replaces is None)
        if filled > asked:
            found.append(f"more of a group is filled than was asked for: {group}")
        left = asked - filled
        found += [f"only {left} of a group's {asked} are left: {each}" for each in group if each.remaining > left]
    return found


def _successions(sides: Sides, accepted: Mapping[str, Decimal]) -> list[str]:
    """Of an order and those that came in its place one works at most, and no more is filled than was asked for."""
    found = []
    replaced = {order.replaces for order in sides.ours.values() if order.replaces}
    for last in (order for order in sides.ours.values() if order.replaces and order.name not in replaced):
        chain = [last]
        while (before := chain[-1].replaces) is not None:
            chain.append(sides.ours[before])
        if sum(order.works for order in chain) > 1:
            found.append(f"several of a chain work: {chain}")
        if any(order.works for order in chain[1:]):
            found.append(f"an order works that was replaced: {chain}")
        filled = sum((order.filled for order in chain[:2]), ZERO)  # A quantity counts from the predecessor's beginning.
        if last.filled and filled > accepted.get(last.name, filled):
            found.append(f"a chain has filled {filled}, asked for were {accepted[last.name]}: {chain}")
        ended = {after.status for after in chain[:2]} == {"canceled"} and last.reason in NOBODY_ASKED
        if ended and not last.is_reducing:
            found.append(f"a successor ended that nobody asked to end: {chain}")
    return found


def _protection(sides: Sides) -> list[str]:
    """What is held is stopped as a whole, exactly once; where nothing is, nothing that would reduce it is left.

    Stops have made room for a close that came to nothing: that part the platform closes itself at the stop's price.
    """
    found = []
    places = {(order.account, order.symbol) for order in sides.ours.values() if ACCOUNTS[order.account].is_guarded}
    for place in sorted(places):
        held, dust = sides.held_there.get(place, ZERO), sides.dust.get(place, ZERO)
        orders = [order for order in sides.ours.values() if (order.account, order.symbol) == place and order.works]
        reducing = [order for order in orders if order.is_reducing]
        stopped = sum((order.remaining for order in reducing if order.role == "stop_loss"), ZERO)
        target = sum((order.remaining for order in reducing if order.role == "take_profit"), ZERO)
        exit_side = "sell" if held > 0 else "buy"
        failed = [order for order in sides.ours.values() if order.role == "exit" and not order.works]
        room = sum((each.quantity - each.filled for each in failed if (each.account, each.symbol) == place), ZERO)
        if not abs(held) - dust - room <= stopped <= abs(held) or target > abs(held):
            found.append(f"{place} holds {held}, stopped are {stopped}, to be taken {target}: {reducing}")
        found += [f"{place} holds {held}: {order}" for order in reducing if order.side != exit_side]
        if abs(held) <= dust:
            found += [f"{place} is closed: {order}" for order in reducing]
    here = {order.name for order in sides.ours.values() if order.status in ("open", "partially_filled")}
    for orders_there in sides.theirs.values():
        working = [each for each in orders_there if each.status in ("NEW", "PARTIALLY_FILLED")]
        found += [f"an orphan: {each}" for each in working if each.name not in here]
    return found


def _pairs(sides: Sides) -> list[str]:
    """A bracket's stop and target fill together no more than their entry did, and are for the same quantity.

    The last holds where they alone guard a position: of several pairs what closes a part takes each kind's newest.
    """
    found = []
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order in sides.ours.values():
        if order.role in PROTECTIVE and order.works:
            groups[order.account, order.symbol].add(order.group)
    for legs in _by(sides, lambda order: order.group if order.role in PROTECTIVE and order.parent else ""):
        by_role = {role: [leg for leg in legs if leg.role == role] for role in PROTECTIVE}
        left = {role: sum((leg.remaining for leg in rows), ZERO) for role, rows in by_role.items()}
        alone = len(groups[legs[0].account, legs[0].symbol]) == 1
        if alone and all(by_role.values()) and left["stop_loss"] != left["take_profit"]:
            found.append(f"a stop and its target differ, {left}: {legs}")
        entry = sides.ours[legs[0].parent or ""]
        if sum((leg.filled for leg in legs), ZERO) > entry.filled:
            found.append(f"more is closed than was opened by {entry.name}: {legs}")
    return found


def _by(sides: Sides, key: Callable[[Ours], str]) -> list[list[Ours]]:
    """Return the orders that have the same key, leaving out those without."""
    groups: dict[str, list[Ours]] = defaultdict(list)
    for order in sides.ours.values():
        if name := key(order):
            groups[name].append(order)
    return list(groups.values())

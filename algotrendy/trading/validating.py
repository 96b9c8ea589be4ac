"""What an order may ask for: each fault is refused with a stable code and a sentence that says what to do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from .errors import InvalidOrder
from .instruments import InstrumentSpec
from .values import OrderType, Side, TimeInForce

if TYPE_CHECKING:
    from .orders import OrderIntent

MAX_QUANTITY = Decimal(1_000_000)
MAX_PRICE = Decimal(10_000_000)
MIN_AMOUNT = Decimal("0.00000001")
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
MAY_BE_IMMEDIATE = frozenset({OrderType.MARKET, OrderType.LIMIT})
"""The types of which all or a part can be had at once; the others wait for a price before they are worth anything."""


def quantity_for(notional: Decimal, price: Decimal, instrument: InstrumentSpec) -> Decimal:
    """Return the largest quantity on the step grid that is worth no more than `notional` at the price.

    Raises InvalidOrder where the amount is not positive, or too small for the least that the instrument trades.
    """
    _check_notional(notional)
    quantity = instrument.round_quantity(notional / (price * instrument.contract_size))
    if quantity < max(instrument.min_quantity, instrument.quantity_step):
        raise InvalidOrder(
            f"{notional:f} {instrument.quote_currency} buys less than the least that {instrument.symbol} trades at "
            f"{price:f}, {instrument.min_quantity.normalize():f}; ask for more.",
            code="notional_too_small",
        )
    return quantity


def validate_order(intent: OrderIntent, instrument: InstrumentSpec, market_price: Decimal, at: datetime | None) -> None:
    """Raise InvalidOrder unless the order fits its type, the instrument's grid and the market at time `at`."""
    if intent.notional is not None:
        _check_notional(intent.notional)
    _check_quantity(intent.quantity, instrument)
    _check_price_given(intent, "limit price", intent.limit_price, intent.type.needs_limit_price, instrument)
    _check_price_given(intent, "stop price", intent.stop_price, intent.type.needs_stop_price, instrument)
    _check_trail(intent, instrument, market_price)
    _check_trigger(intent, market_price)
    _check_lifetime(intent, at)
    _check_post_only(intent)
    _check_protection(intent, instrument, market_price)
    value = instrument.notional(intent.value_price(market_price), intent.quantity)
    if value < instrument.min_notional and not intent.reduce_only:
        raise InvalidOrder(
            f"The order is worth {value:f} {instrument.quote_currency}; "
            f"{instrument.symbol} takes orders from {instrument.min_notional.normalize():f}.",
            code="below_min_notional",
        )


def _check_notional(notional: Decimal) -> None:
    if not notional.is_finite() or notional <= 0:
        raise InvalidOrder(f"The notional must be above 0, not {notional:f}.", code="notional_out_of_range")


def _check_quantity(quantity: Decimal, instrument: InstrumentSpec) -> None:
    if not quantity.is_finite() or not MIN_AMOUNT <= quantity <= MAX_QUANTITY:
        raise InvalidOrder(
            f"Quantity must be above 0 and at most {MAX_QUANTITY:,f}, not {quantity:f}.",
            code="quantity_out_of_range",
        )
    if not instrument.is_on_step(quantity):
        raise InvalidOrder(
            f"Quantity {quantity:f} is too precise: {instrument.symbol} trades in steps of "
            f"{instrument.quantity_step.normalize():f}.",
            code="quantity_off_step",
        )
    if quantity < instrument.min_quantity:
        raise InvalidOrder(
            f"Quantity {quantity:f} is below the least that {instrument.symbol} trades, "
            f"{instrument.min_quantity.normalize():f}.",
            code="below_min_quantity",
        )


def _check_price_given(
    intent: OrderIntent, name: str, price: Decimal | None, needed: bool, instrument: InstrumentSpec
) -> None:
    code = name.replace(" ", "_")
    if price is None:
        if needed:
            raise InvalidOrder(f"A {_kind(intent)} order needs a {name}.", code=f"{code}_missing")
        return
    if not needed:
        raise InvalidOrder(f"A {_kind(intent)} order takes no {name}; leave it out.", code=f"{code}_not_allowed")
    _check_price(name, code, price, instrument)


def _check_trail(intent: OrderIntent, instrument: InstrumentSpec, market_price: Decimal) -> None:
    amount, percent = intent.trail_amount, intent.trail_percent
    if intent.type is not OrderType.TRAILING_STOP:
        if amount is not None or percent is not None:
            raise InvalidOrder(f"A {_kind(intent)} order takes no trail; leave it out.", code="trail_not_allowed")
        return
    if (amount is None) == (percent is None):
        raise InvalidOrder(
            "A trailing-stop order needs trail_amount or trail_percent, and not both.",
            code="trail_missing" if amount is None else "trail_ambiguous",
        )
    if amount is not None:
        _check_price("trail amount", "trail_amount", amount, instrument)
        if intent.side is Side.SELL and amount >= market_price:
            raise InvalidOrder(
                f"A trail of {amount:f} below a price of {market_price:f} can never be reached; give a smaller one.",
                code="trail_amount_out_of_range",
            )
    if percent is not None and not (percent.is_finite() and 0 < percent < 100):
        raise InvalidOrder(
            f"The trail percent must be above 0 and below 100, not {percent:f}.", code="trail_percent_out_of_range"
        )


def _check_trigger(intent: OrderIntent, market_price: Decimal) -> None:
    """Refuse a stop or target price that the market has reached already.

    Binance refuses such an order ("Stop price would trigger immediately"), and Alpaca wants each leg's price on its own
    side of the market: taken, it would trade at once at whatever the market gives, which is a market order that nobody
    asked for. Protective orders that a fill makes are not asked for here: those must stand, wherever the price is by
    then.
    """
    if intent.stop_price is None:
        return
    # Stops wait for the price to move on the order's own way (a buy's up), targets for it to come back.
    direction = -intent.side.sign if intent.type is OrderType.TAKE_PROFIT else intent.side.sign
    if (intent.stop_price - market_price) * direction > 0:
        return
    where = "above" if direction > 0 else "below"
    raise InvalidOrder(
        f"A {_kind(intent)} to {intent.side} at {intent.stop_price:f} would trigger at once; its stop price must be "
        f"{where} the market's {market_price:f}.",
        code="stop_price_would_trigger",
    )


def _check_lifetime(intent: OrderIntent, at: datetime | None) -> None:
    if intent.time_in_force in IMMEDIATE and intent.type not in MAY_BE_IMMEDIATE:
        raise InvalidOrder(
            f"A {_kind(intent)} order waits for its price, so it cannot be {intent.time_in_force}; choose gtc, day "
            "or gtd.",
            code="time_in_force_not_allowed",
        )
    if (intent.time_in_force is TimeInForce.GTD) != (intent.expires_at is not None):
        raise InvalidOrder("Give expires_at with time in force gtd, and only with it.", code="expires_at_mismatch")
    if intent.expires_at is None:
        return
    if intent.expires_at.tzinfo is None:
        raise InvalidOrder("Give expires_at with its time zone.", code="expires_at_without_zone")
    if at is not None and intent.expires_at <= at:
        raise InvalidOrder(
            f"The order would end at {intent.expires_at:%Y-%m-%d %H:%M:%S} UTC, and the market's time is "
            f"{at:%Y-%m-%d %H:%M:%S} already; give a later expires_at.",
            code="expires_at_passed",
        )


def _check_post_only(intent: OrderIntent) -> None:
    if not intent.post_only:
        return
    if not intent.type.may_post_only:
        raise InvalidOrder(
            f"Only a limit order can be post-only, not a {_kind(intent)} order.", code="post_only_not_allowed"
        )
    if intent.time_in_force in IMMEDIATE:
        raise InvalidOrder(
            f"A post-only order never takes, and {intent.time_in_force} means to take at once; choose one of them.",
            code="post_only_not_immediate",
        )


def _check_protection(intent: OrderIntent, instrument: InstrumentSpec, market_price: Decimal) -> None:
    entry = intent.value_price(market_price)
    for name, price, direction in (("stop loss", intent.stop_loss, -1), ("take profit", intent.take_profit, 1)):
        if price is None:
            continue
        code = name.replace(" ", "_")
        if intent.reduce_only:
            raise InvalidOrder(f"An order that only reduces a position takes no {name}.", code=f"{code}_not_allowed")
        _check_price(name, code, price, instrument)
        if (price - entry) * intent.side.sign * direction <= 0:
            where = "above" if intent.side.sign * direction > 0 else "below"
            raise InvalidOrder(
                f"The {name} of a {intent.side} must be {where} {entry:f}, not {price:f}.",
                code=f"{code}_wrong_side",
            )


def _check_price(name: str, code: str, price: Decimal, instrument: InstrumentSpec) -> None:
    if not price.is_finite() or not MIN_AMOUNT <= price <= MAX_PRICE:
        raise InvalidOrder(
            f"The {name} must be above 0 and at most {MAX_PRICE:,f}, not {price:f}.", code=f"{code}_out_of_range"
        )
    if not instrument.is_on_tick(price):
        raise InvalidOrder(
            f"The {name} {price:f} is too precise: {instrument.symbol} is priced in steps of "
            f"{instrument.price_tick.normalize():f}.",
            code=f"{code}_off_tick",
        )


def _kind(intent: OrderIntent) -> str:
    return intent.type.replace("_", "-")

"""The check that every order passes before it is committed: deny, with the figures compared, or approve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum

from .values import ZERO


class TradingMode(StrEnum):
    """How far trading goes: everything, only what makes positions smaller, or nothing at all."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """A portfolio's limits. Percentages are of equity; sizes are in the portfolio's currency; None is no limit.

    `price_band_percent` is how far an order's own prices may lie from the last one; `instruments` are the symbols that
    may be opened, any where it is empty.
    """

    enabled: bool = True
    max_position_size_percent: Decimal = Decimal(10)
    max_total_exposure_percent: Decimal = Decimal(50)
    max_concurrent_positions: int = 5
    min_order_size: Decimal = Decimal(10)
    max_order_size: Decimal | None = None
    max_leverage: Decimal | None = None
    price_band_percent: Decimal | None = None
    max_orders_per_minute: int | None = None
    instruments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RiskCeilings:
    """What no portfolio's limits may pass, for the whole platform; None is no ceiling."""

    max_position_size_percent: Decimal | None = None
    max_total_exposure_percent: Decimal | None = None
    max_concurrent_positions: int | None = None
    max_order_size: Decimal | None = None
    max_leverage: Decimal | None = None
    price_band_percent: Decimal | None = None
    max_orders_per_minute: int | None = None

    @property
    def any_set(self) -> bool:
        return any(getattr(self, each.name) is not None for each in fields(self))


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """What a portfolio holds and has promised at the moment of the check, in its currency.

    Working orders that would open or add count as if they were filled, so that orders placed one after another cannot
    together pass a limit. `position_value` is that of the order's own book, `exposure` that of all of them.
    `orders_last_minute` are those that people, programs and strategies placed; `mode` is the kill switch's word.
    """

    equity: Decimal
    exposure: Decimal
    open_positions: int
    position_value: Decimal
    orders_last_minute: int = 0
    mode: TradingMode = TradingMode.ACTIVE
    halt_reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """What an order does to the position: `opening_value` of new exposure, `closing_value` of exposure released.

    `prices` are the order's own, limit and stop, to be held against `last_price`. `passes_halts` is for the orders by
    which the platform itself ends positions.
    """

    opening_value: Decimal
    closing_value: Decimal = ZERO
    opens_position: bool = True
    symbol: str = ""
    prices: tuple[Decimal, ...] = ()
    last_price: Decimal = ZERO
    passes_halts: bool = False

    @property
    def only_reduces(self) -> bool:
        return self.opening_value == 0


@dataclass(frozen=True, slots=True)
class Approved:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal: a stable code, a sentence, and the figures that were compared."""

    code: str
    message: str
    figures: dict[str, str] = field(default_factory=dict)


def effective(limits: RiskLimits, ceilings: RiskCeilings) -> RiskLimits:
    """Return the stricter of each limit and its ceiling; where there is any ceiling, limits cannot be switched off."""
    stricter = {
        each.name: stricter_of(getattr(limits, each.name), getattr(ceilings, each.name)) for each in fields(ceilings)
    }
    own = {each.name: getattr(limits, each.name) for each in fields(limits)}
    return RiskLimits(**{**own, **stricter, "enabled": limits.enabled or ceilings.any_set})


def stricter_of[Figure: (int, Decimal)](limit: Figure | None, ceiling: Figure | None) -> Figure | None:
    """Return the lower of two limits, of which None is none."""
    if limit is None or ceiling is None:
        return ceiling if limit is None else limit
    return min(limit, ceiling)


def check_order(limits: RiskLimits, account: AccountSnapshot, order: OrderEffect) -> Approved | Denied:
    """Hold an order against the kill switch and then the limits, in their fixed order; the first it breaks denies it.

    The order: trading mode, instrument, order rate, price band, least and most order size, position size, concurrent
    positions, total exposure, leverage. An order that only reduces a position is exempt from all but the kill switch,
    and so is every order where the limits are switched off.
    """
    halted = _halted(account, order)
    if halted is not None:
        return halted
    if not limits.enabled or order.only_reduces:
        return Approved()
    return next(_denials(limits, account, order), Approved())


def _halted(account: AccountSnapshot, order: OrderEffect) -> Denied | None:
    if account.mode is TradingMode.ACTIVE or order.passes_halts:
        return None
    if account.mode is TradingMode.REDUCING:
        if order.only_reduces:
            return None
        message = f"Only orders that reduce a position are taken: {account.halt_reason}"
        return Denied("trading_reducing", message, {"actual": f"{order.opening_value:f}", "limit": "0"})
    value = order.opening_value + order.closing_value
    return Denied("trading_halted", f"Trading is halted: {account.halt_reason}", {"actual": f"{value:f}", "limit": "0"})


def _denials(limits: RiskLimits, account: AccountSnapshot, order: OrderEffect) -> Iterator[Denied]:
    yield from _conduct(limits, account, order)
    value = order.opening_value + order.closing_value
    if value < limits.min_order_size:
        yield _denied(
            "min_order_size", "The order's value", value, "is below the least allowed,", limits.min_order_size
        )
    if limits.max_order_size is not None and value > limits.max_order_size:
        yield _denied("max_order_size", "The order's value", value, "is above the most allowed,", limits.max_order_size)
    position = account.position_value - order.closing_value + order.opening_value
    most = account.equity * limits.max_position_size_percent / 100
    if position > most:
        share = f"{limits.max_position_size_percent.normalize():f} % of equity,"
        yield _denied("max_position_size", "The position's value", position, f"would pass {share}", most)
    if order.opens_position and account.open_positions >= limits.max_concurrent_positions:
        yield Denied(
            "max_concurrent_positions",
            f"{account.open_positions} positions are open, of {limits.max_concurrent_positions} allowed.",
            {"actual": str(account.open_positions), "limit": str(limits.max_concurrent_positions)},
        )
    exposure = account.exposure - order.closing_value + order.opening_value
    most = account.equity * limits.max_total_exposure_percent / 100
    if exposure > most:
        share = f"{limits.max_total_exposure_percent.normalize():f} % of equity,"
        yield _denied("max_total_exposure", "The total exposure", exposure, f"would pass {share}", most)
    if limits.max_leverage is not None and exposure > account.equity * limits.max_leverage:
        times = f"would pass {limits.max_leverage.normalize():f} times equity,"
        yield _denied("max_leverage", "The total exposure", exposure, times, account.equity * limits.max_leverage)


def _conduct(limits: RiskLimits, account: AccountSnapshot, order: OrderEffect) -> Iterator[Denied]:
    """Yield what is wrong with the order itself, whatever the account holds."""
    if limits.instruments and order.symbol not in limits.instruments:
        listed = ", ".join(sorted(limits.instruments))
        yield Denied(
            "instrument_not_allowed",
            f"{order.symbol} is not among the instruments that may be opened: {listed}.",
            {"actual": order.symbol, "limit": listed},
        )
    most = limits.max_orders_per_minute
    if most is not None and account.orders_last_minute >= most:
        yield Denied(
            "order_rate",
            f"{account.orders_last_minute} orders were placed in the last minute, of {most} allowed; wait a little.",
            {"actual": str(account.orders_last_minute), "limit": str(most)},
        )
    band = limits.price_band_percent
    if band is not None and order.last_price:
        far = max(order.prices, key=lambda price: abs(price - order.last_price), default=order.last_price)
        # Compared without dividing, so that a price just at the edge is inside.
        if abs(far - order.last_price) * 100 > band * order.last_price:
            yield _off_band(far, order.last_price, band)


def _off_band(price: Decimal, last: Decimal, band: Decimal) -> Denied:
    percent = abs(price - last) * 100 / last
    return Denied(
        "price_band",
        f"The price {price.normalize():f} is {percent:.2f} % off the last price, {last.normalize():f}; "
        f"{band.normalize():f} % are allowed.",
        {
            "actual": f"{percent:.8f}",
            "limit": f"{band.normalize():f}",
            "price": f"{price.normalize():f}",
            "last_price": f"{last.normalize():f}",
        },
    )


def _denied(code: str, subject: str, actual: Decimal, verb: str, limit: Decimal) -> Denied:
    return Denied(
        code, f"{subject}, {actual:,.2f}, {verb} {limit:,.2f}.", {"actual": f"{actual:f}", "limit": f"{limit:f}"}
    )

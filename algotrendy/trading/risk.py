"""The check that every order passes before it is committed: deny, with the figures compared, or approve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    """A portfolio's limits. Percentages are of equity; sizes are in the portfolio's currency."""

    enabled: bool = True
    max_position_size_percent: Decimal = Decimal(10)
    max_total_exposure_percent: Decimal = Decimal(50)
    max_concurrent_positions: int = 5
    min_order_size: Decimal = Decimal(10)
    max_order_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """What a portfolio holds and has promised at the moment of the check, in its currency.

    Working orders that would open or add count as if they were filled, so that orders placed one after another cannot
    together pass a limit. `position_value` is that of the order's own book, `exposure` that of all of them.
    """

    equity: Decimal
    exposure: Decimal
    open_positions: int
    position_value: Decimal


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """What an order does to the position: `opening_value` of new exposure, `closing_value` of exposure released."""

    opening_value: Decimal
    closing_value: Decimal = ZERO
    opens_position: bool = True

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


def check_order(limits: RiskLimits, account: AccountSnapshot, order: OrderEffect) -> Approved | Denied:
    """Hold an order against the limits in their fixed order; the first that it breaks denies it.

    An order that only reduces a position is exempt, and so is every order where the limits are switched off.
    """
    if not limits.enabled or order.only_reduces:
        return Approved()
    return next(_denials(limits, account, order), Approved())


def _denials(limits: RiskLimits, account: AccountSnapshot, order: OrderEffect) -> Iterator[Denied]:
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


def _denied(code: str, subject: str, actual: Decimal, verb: str, limit: Decimal) -> Denied:
    return Denied(
        code, f"{subject}, {actual:,.2f}, {verb} {limit:,.2f}.", {"actual": f"{actual:f}", "limit": f"{limit:f}"}
    )

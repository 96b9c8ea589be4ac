"""Strategies and their figures as the console words them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from apps.common.console import amount
from apps.common.console.figures import EMPTY, MINUS
from apps.strategies.models import SizingMode, Strategy
from apps.strategies.selectors import Change

NOTICED, ALARMING = Decimal("0.1"), Decimal(1)
"""From these drifts on, in percent of the account, either way, a drift is yellow, and red."""

PERCENTS = {
    SizingMode.PERCENT_OF_EQUITY: "{} of equity",
    SizingMode.RISK_PERCENT: "{} of equity at risk",
    SizingMode.VOLATILITY_TARGET: "{} volatility a year",
}
"""How a size in percent is worded."""


def rule_title(strategy: Strategy) -> str:
    """Return the rule's title; its bare name where the rule is not registered any more."""
    try:
        return registry.get(strategy.rule).title
    except TradingError:
        return strategy.rule


def size_of(strategy: Strategy) -> str:
    if strategy.sizing_mode == SizingMode.FIXED_QUANTITY:
        return f"{amount(strategy.sizing_value, strategy.instrument.quantity_decimals)} {strategy.instrument}"
    percent = f"{strategy.sizing_value.normalize():f} %"
    return PERCENTS[SizingMode(strategy.sizing_mode)].format(percent)


def drift_shown(percent: Decimal | None) -> SafeString | str:
    """Return a drift in percent, colored by its size: for a drift either way is a fault; a dash for none."""
    if percent is None:
        return EMPTY
    tone = "flat" if abs(percent) < NOTICED else "warn" if abs(percent) < ALARMING else "down"
    text = f"{percent:+.2f} %".replace("-", MINUS) if round(percent, 2) else "0.00 %"
    return format_html('<span class="tone-{}">{}</span>', tone, text)


def changes_shown(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """Return each change as its name and "old → new"."""
    return [(_name(change.name), f"{_value(change.old)} → {_value(change.new)}") for change in changes]


def _name(name: str) -> str:
    return name.removeprefix("parameters.").replace("_", " ").capitalize()


def _value(value: object) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Alerts in plain text, read by a template such as `{action} {symbol} at {price}`."""

from __future__ import annotations

import re
from functools import lru_cache

from algotrendy.trading.errors import TradingError

NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
PLACEHOLDERS = {
    "action": r"[A-Za-z_]{1,20}",
    "symbol": r"[A-Za-z0-9:._/!-]{1,40}",
    "price": NUMBER,
    "quantity": NUMBER,
    "stop_loss": NUMBER,
    "take_profit": NUMBER,
    "id": r"[^\s{}]{1,100}",
    "time": r"[0-9][0-9TZ:+.\-]{0,39}",
}
"""What a template may ask for, and what each looks like."""
LONGEST_TEMPLATE = 500
BETWEEN = re.compile(r"\{([^{}]*)\}")


class InvalidTemplate(TradingError):
    """The template cannot be read by."""

    code = "invalid_template"


class AlertNotUnderstood(TradingError):
    """The alert does not say what it must."""

    code = "alert_not_understood"


def template_check(template: str) -> None:
    """Raise InvalidTemplate where a text could not be read by the template in one way only."""
    _compiled(template)


def alert_read(template: str, text: str) -> dict[str, str]:
    """Return what the text says, by the placeholders' names; raise AlertNotUnderstood where it is of another form."""
    found = _compiled(template).fullmatch(text.strip())
    if found is None:
        raise AlertNotUnderstood(f"The text is not of the form {template.strip()!r}.")
    return found.groupdict()


def symbol_form(symbol: str) -> str:
    """Return a symbol as charts and the platform both write it: BINANCE:BTCUSD and BTC/USD are BTCUSD."""
    return re.sub(r"[^A-Z0-9]", "", symbol.rpartition(":")[2].upper())


@lru_cache(maxsize=256)
def _compiled(template: str) -> re.Pattern[str]:
    parts = BETWEEN.split(template.strip())
    names, literals = parts[1::2], parts[0::2]
    unknown = [name for name in names if name not in PLACEHOLDERS]
    if unknown:
        raise InvalidTemplate(f"There is no placeholder {{{unknown[0]}}}; there are {', '.join(PLACEHOLDERS)}.")
    if "action" not in names:
        raise InvalidTemplate("The template must name {action}.")
    if len(set(names)) < len(names) or len(template) > LONGEST_TEMPLATE:
        raise InvalidTemplate(f"Name each placeholder once, in at most {LONGEST_TEMPLATE} characters.")
    if any("{" in literal or "}" in literal for literal in literals):
        raise InvalidTemplate("Braces stand only around the names of placeholders.")
    if not all(literals[1:-1]):
        raise InvalidTemplate("Put something between two placeholders, such as a space.")
    pattern = re.escape(literals[0])
    for name, literal in zip(names, literals[1:], strict=True):
        pattern += f"(?P<{name}>{PLACEHOLDERS[name]}){re.escape(literal)}"
    return re.compile(pattern, re.ASCII)

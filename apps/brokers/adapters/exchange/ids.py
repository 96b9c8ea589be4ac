"""Client order ids on the wire: an exchange takes shorter ones than the platform, of fewer characters.

Most of ours are 32 hexadecimal digits with a word before or after them. One that does not fit is written as a number
in base 62 behind a marker, from which it is read back: an order in a listing is known by it, in any process.
"""

from __future__ import annotations

import re
import string

from algotrendy.trading.errors import BrokerRejected

from .abilities import takes_id

MARKER = "AT"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LETTERS = _DIGITS + "-_."
_HEX = re.compile(r"[0-9a-f]{32}")
_BITS = 1 << 128


def to_wire(exchange: str, client_order_id: str) -> str:
    """Return the id under which an order goes to the exchange; raise BrokerRejected where none can be made."""
    if takes_id(exchange, client_order_id) and from_wire(client_order_id) == client_order_id:
        return client_order_id
    written = _packed(client_order_id)
    if written is None or not takes_id(exchange, written):
        raise BrokerRejected(
            f"{exchange} cannot take the client order id {client_order_id}; leave it out, or use a shorter one of "
            "letters and digits.",
            code="client_order_id_too_long",
        )
    return written


def from_wire(wire_id: str) -> str:
    """Return the platform's id of an order at the exchange; another's id stays what it is."""
    if not wire_id.startswith(MARKER) or not set(wire_id) <= set(_DIGITS):
        return wire_id
    words, number = divmod(_number(wire_id[len(MARKER) :], _DIGITS), _BITS)
    before, dot, after = _text(words, _LETTERS, 1).partition(".")
    read = f"{before}{number:032x}{after}"
    return read if dot and _packed(read) == wire_id else wire_id


def _packed(client_order_id: str) -> str | None:
    found = _HEX.search(client_order_id)
    if found is None:
        return None
    words = f"{client_order_id[: found.start()]}.{client_order_id[found.end() :]}"
    return MARKER + _text(_number(words, _LETTERS, 1) * _BITS + int(found.group(), 16), _DIGITS)


def _number(text: str, alphabet: str, first: int = 0) -> int:
    """Read a text as a number; with `first` 1 no digit is 0, so that none is lost in front."""
    number = 0
    for letter in text:
        number = number * (len(alphabet) + first) + alphabet.index(letter) + first
    return number


def _text(number: int, alphabet: str, first: int = 0) -> str:
    letters = []
    while number:
        number, digit = divmod(number, len(alphabet) + first)
        letters.append(alphabet[digit - first] if digit >= first else "")
    return "".join(reversed(letters))

"""JSON in, without losing digits on the way."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, get_encoding  # type: ignore[attr-defined]

MAX_DIGITS = 300
"""Beyond this a whole number has no float near it, which whatever computes with it would stumble over."""


SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class ExactJSONParser(JSONParser):
    """Read numbers with a point as decimals, so that a price is taken as it was written.

    Refuse half a character, which could neither be stored nor be named in an answer.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            text = codecs.decode(stream.read(), get_encoding(dict(parser_context or {})))
            return _whole_texts(text, json.loads(text, parse_float=Decimal, parse_int=_whole, parse_constant=_refuse))
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no valid JSON: {error}.") from error


def _whole_texts(text: str, value: Any) -> Any:
    """Return the value; raise ValueError where an escape in its text was a surrogate without its other half."""
    if SURROGATE.search(text):
        try:
            json.dumps(value, default=str, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("a text has a surrogate without its other half") from error
    return value


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a whole number has more than {MAX_DIGITS} digits")
    return int(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")

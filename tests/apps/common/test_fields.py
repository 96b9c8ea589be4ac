"""Figures in and out: exact, in one form, and never more than can be kept."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rest_framework.exceptions import ValidationError

from apps.common.api.serializers import AmountField, JSONObjectField, plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("1.50000000", "1.5"),
        ("1E+3", "1000"),
        ("1e-8", "0.00000001"),
        ("0E-8", "0"),
        ("-0.10", "-0.1"),
        ("20000000000000000000.00000001", "20000000000000000000.00000001"),
    ],
)
def test_a_decimal_is_shown_plainly(given: str, shown: str) -> None:
    assert plain(Decimal(given)) == shown


@pytest.mark.parametrize("given", ["0.1", 0.1, Decimal("0.1"), "1e-1", " 0.10 "])
def test_an_amount_may_come_as_text_or_number(given: object) -> None:
    assert AmountField().run_validation(given) == Decimal("0.1")


@pytest.mark.parametrize(
    "given",
    ["0.000000001", "NaN", "Infinity", "-inf", "1e400", "1e99999", "1_000", "\uff11", "0x10", "", True, [1], {}, "1,5"],
)
def test_what_is_no_amount_is_refused_in_one_sentence(given: object) -> None:
    with pytest.raises(ValidationError) as caught:
        AmountField().run_validation(given)
    assert len(caught.value.detail) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"note": "a\0b"},
        {"note": "\ud800"},
        {"long": "x" * 5000},
        {"big": Decimal("1e400")},
        ["a list"],
        "text",
    ],
)
def test_an_object_that_cannot_be_kept_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        JSONObjectField().run_validation(given)


def test_an_object_comes_out_as_it_went_in() -> None:
    given = {"note": "a literal \\u0000 is text", "nested": {"list": [1, 2.5, None, True]}, "exact": Decimal("0.25")}
    assert JSONObjectField().run_validation(given) == {**given, "exact": 0.25}

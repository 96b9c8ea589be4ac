"""What a signal asks of a position: every action, holding and direction."""

import pytest

from algotrendy.trading.signals import Action, Direction, Move, follow
from algotrendy.trading.values import Side

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("action", "held", "direction", "expected"),
    [
        ("buy", 0, "long_only", Move(BUY, closes=False, opens=True)),
        ("buy", 0, "both", Move(BUY, closes=False, opens=True)),
        ("buy", 0, "short_only", None),
        ("buy", 1, "long_only", None),
        ("buy", 1, "both", None),
        ("buy", 1, "short_only", None),
        ("buy", -1, "short_only", Move(BUY, closes=True, opens=False)),
        ("buy", -1, "both", Move(BUY, closes=True, opens=True)),
        ("buy", -1, "long_only", Move(BUY, closes=True, opens=True)),
        ("sell", 0, "long_only", None),
        ("sell", 0, "both", Move(SELL, closes=False, opens=True)),
        ("sell", 0, "short_only", Move(SELL, closes=False, opens=True)),
        ("sell", 1, "long_only", Move(SELL, closes=True, opens=False)),
        ("sell", 1, "both", Move(SELL, closes=True, opens=True)),
        ("sell", 1, "short_only", Move(SELL, closes=True, opens=True)),
        ("sell", -1, "long_only", None),
        ("sell", -1, "both", None),
        ("sell", -1, "short_only", None),
        ("close_long", 1, "both", Move(SELL, closes=True, opens=False)),
        ("close_long", 1, "short_only", Move(SELL, closes=True, opens=False)),
        ("close_long", 0, "both", None),
        ("close_long", -1, "both", None),
        ("close_short", -1, "both", Move(BUY, closes=True, opens=False)),
        ("close_short", -1, "long_only", Move(BUY, closes=True, opens=False)),
        ("close_short", 0, "both", None),
        ("close_short", 1, "both", None),
        ("hold", 0, "both", None),
        ("hold", 1, "both", None),
        ("hold", -1, "both", None),
    ],
)
def test_the_move_that_follows_a_signal(action, held, direction, expected):
    assert follow(Action(action), held, Direction(direction)) == expected

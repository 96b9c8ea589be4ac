"""`manage.py halt`: the kill switch at the terminal."""

from __future__ import annotations

from contextvars import Context
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import AuditEvent, User
from apps.portfolio.models import TradingHalt
from tests.builders import make_halt, make_portfolio, make_strategy

pytestmark = pytest.mark.django_db


def halt(*args: str) -> str:
    out = StringIO()
    # In a context of its own, as in a process of its own: nobody's request is being answered.
    Context().run(call_command, "halt", *args, stdout=out)
    return out.getvalue()


def test_the_platform_is_halted_listed_and_let_go(trader: User) -> None:
    assert halt("--list") == "Nothing is halted.\n"
    said = halt("--platform", "--reason", "Testing.")
    assert said.startswith("halted   platform: Testing. (a person; the platform, ")
    assert halt("--list").strip() == said.splitlines()[0]
    assert halt("--platform", "--end").startswith("Ended: halted   platform: Testing.")
    assert TradingHalt.objects.get().ended_at is not None
    events = (
        AuditEvent.objects.filter(action__startswith="halt.").order_by("pk").values_list("action", "via", "user_id")
    )
    assert list(events) == [("halt.started", "platform", None), ("halt.ended", "platform", None)]


def test_a_portfolio_is_halted_with_flattening(trader: User) -> None:
    make_portfolio(trader)
    said = halt("--portfolio", "Main", "--mode", "reducing", "--flatten", "--reason", "Testing.")
    assert "reducing portfolio Main of trader, flattening: Testing." in said
    assert "A worker cancels the orders and closes the positions" in said
    made = TradingHalt.objects.get()
    assert (made.width, made.mode, made.flatten) == ("portfolio", "reducing", True)


def test_a_strategy_is_halted_by_its_name_and_ended_by_its_slug(trader: User) -> None:
    portfolio = make_portfolio(trader)
    strategy = make_strategy(portfolio, "Reversion")
    halt("--portfolio", "Main", "--strategy", "Reversion", "--reason", "Testing.")
    made = TradingHalt.objects.get()
    assert (made.width, made.portfolio, made.book) == ("strategy", portfolio, strategy.slug)
    halt("--portfolio", str(portfolio.pk), "--strategy", strategy.slug, "--end")
    assert not TradingHalt.objects.filter(ended_at=None).exists()


def test_ending_ends_whatever_halts_the_place_and_nothing_else(trader: User) -> None:
    portfolio = make_portfolio(trader)
    make_halt(portfolio, cause="drawdown")
    make_halt(portfolio)
    platform = make_halt()
    assert halt("--portfolio", "Main", "--end").count("Ended:") == 2
    assert list(TradingHalt.objects.filter(ended_at=None)) == [platform]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Say what: --platform, or --portfolio NAME"),
        (["--platform", "--portfolio", "Main"], "Say what: --platform, or --portfolio NAME"),
        (["--platform", "--strategy", "RSI"], "name that with --portfolio"),
        (["--platform"], "Give a reason with --reason"),
        (["--portfolio", "Nest egg", "--reason", "x"], "There is no portfolio 'Nest egg'; there are: 'Main', 'Main'."),
        (["--portfolio", "Main", "--reason", "x"], "choose with --owner one of: other_trader, trader."),
        (["--portfolio", "Main", "--owner", "trader", "--strategy", "RSI", "--reason", "x"], "has no strategy 'RSI'"),
        (["--platform", "--end"], "Nothing halts this place by itself"),
    ],
)
def test_what_cannot_be_done_is_said_and_fails(args: list[str], said: str, trader: User, other_trader: User) -> None:
    make_portfolio(trader)
    make_portfolio(other_trader)
    with pytest.raises(CommandError) as caught:
        halt(*args)
    assert said in str(caught.value)
    assert caught.value.returncode == 1
    assert not TradingHalt.objects.exists()

"""The forms write through the services, and say what is wrong at the field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse

from algotrendy.trading.strategies import registry
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.portfolio.models import Portfolio, RiskProfile
from apps.strategies.models import Strategy
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import make_instrument, make_portfolio

ADD = reverse("admin:strategies_strategy_add")


def wanted(portfolio: Portfolio, **overrides: Any) -> dict[str, Any]:
    return {
        "name": "Oversold", "portfolio": str(portfolio.pk), "instrument": make_instrument().pk, "timeframe": "1h",
        "rule": "rsi", "rsi__period": "10", "rsi__oversold": "25", "rsi__overbought": "", "direction": "long_only",
        "sizing_mode": "percent_of_equity", "sizing_value": "5", "min_confidence": "0", "protect": "on",
        "approval_minutes": "15", **overrides,
    }  # fmt: skip


def test_the_form_has_a_field_for_each_parameter_of_each_rule(trader: User, console_for: ConsoleFor) -> None:
    fields = console_for(trader).get(ADD).context["adminform"].form.fields
    for rule in registry.all_strategies():
        for spec in rule.parameters():
            assert f"{rule.name}__{spec.name}" in fields
    assert "parameters" not in fields
    assert "enabled" not in fields


def test_adding_a_strategy_keeps_all_parameters_and_leaves_it_disabled(trader: User, console_for: ConsoleFor) -> None:
    portfolio = make_portfolio(trader)
    console_for(trader).post(ADD, wanted(portfolio))
    strategy = Strategy.objects.get(name="Oversold")
    assert strategy.parameters == {"period": 10, "oversold": 25.0, "overbought": 70.0}
    assert strategy.slug == "oversold"
    assert not strategy.enabled


def test_a_parameter_out_of_range_is_said_at_its_field(trader: User, console_for: ConsoleFor) -> None:
    response = console_for(trader).post(ADD, wanted(make_portfolio(trader), rsi__period="1"))
    assert "greater than or equal to 2" in str(response.context["adminform"].form.errors["rsi__period"])
    assert not Strategy.objects.exists()


def test_parameters_that_contradict_each_other_are_refused_by_the_rule(trader: User, console_for: ConsoleFor) -> None:
    given = wanted(make_portfolio(trader), rsi__oversold="80", rsi__overbought="70")
    response = console_for(trader).post(ADD, given)
    assert "oversold 80 must be below overbought 70" in str(response.context["adminform"].form.errors)
    assert not Strategy.objects.exists()


def test_another_traders_portfolio_cannot_be_chosen(trader: User, other_trader: User, console_for: ConsoleFor) -> None:
    response = console_for(trader).post(ADD, wanted(make_portfolio(other_trader)))
    assert "portfolio" in response.context["adminform"].form.errors
    assert not Strategy.objects.exists()


def test_an_instrument_in_another_currency_is_refused_at_its_field(trader: User, console_for: ConsoleFor) -> None:
    euro = make_instrument("BTC/EUR")
    response = console_for(trader).post(ADD, wanted(make_portfolio(trader), instrument=euro.pk))
    assert "is quoted in EUR" in str(response.context["adminform"].form.errors["instrument"])


def test_changing_a_parameter_keeps_the_others_and_the_book(trader: User, book: Book, console_for: ConsoleFor) -> None:
    url = reverse("admin:strategies_strategy_change", args=[book.strategy.pk])
    given = wanted(book.portfolio, name="Renamed", rsi__period="21", rsi__oversold="30", rsi__overbought="65")
    assert console_for(trader).post(url, given).status_code == 302
    changed = Strategy.objects.get(pk=book.strategy.pk)
    assert changed.parameters == {"period": 21, "oversold": 30.0, "overbought": 65.0}
    assert (changed.name, changed.slug) == ("Renamed", book.strategy.slug)


def test_a_trader_opens_a_connection_and_a_portfolio_of_their_own(trader: User, console_for: ConsoleFor) -> None:
    client = console_for(trader)
    rates = {"commission_rate": "0.001", "slippage_rate": "0.0005"}
    client.post(reverse("admin:brokers_brokerconnection_add"), {"name": "Second", **rates})
    connection = BrokerConnection.objects.get(name="Second")
    assert connection.owner == trader
    given = {"name": "Savings", "connection": str(connection.pk), "base_currency": "USD", "initial_cash": "2500"}
    client.post(reverse("admin:portfolio_portfolio_add"), given)
    portfolio = Portfolio.objects.get(name="Savings")
    assert (portfolio.owner, portfolio.cash, portfolio.peak_equity) == (trader, Decimal(2500), Decimal(2500))
    assert RiskProfile.objects.filter(portfolio=portfolio).exists()


def test_cash_is_no_field_of_the_form(trader: User, book: Book, console_for: ConsoleFor) -> None:
    url = reverse("admin:portfolio_portfolio_change", args=[book.portfolio.pk])
    fields = console_for(trader).get(url).context["adminform"].form.fields
    assert set(fields) == {"name"}

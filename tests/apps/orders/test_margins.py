"""Margin that runs out, and funding: figures by hand, closing by force, alerts that end with their cause."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algotrendy.trading.values import MarginMode
from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.orders.services.holdings.margins import margin_watch
from apps.portfolio.models import PlatformLimits, Portfolio, Position
from apps.portfolio.services import LeverageNotAllowed, position_leverage_set
from tests.apps.orders.stepped_desk import HOUR, SteppedDesk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    return SteppedDesk(trader)


def open_alerts(code: str) -> list[Alert]:
    return list(Alert.objects.filter(code=code, resolved_at=None))


def test_a_fill_sets_collateral_and_liquidation_price_by_leverage(desk: SteppedDesk) -> None:
    position = desk.hold(quantity="4")
    assert (position.collateral, position.liquidation_price, position.margin_health) == (D(400), None, D(1))
    position = position_leverage_set(position=position, leverage=D(2), actor=desk.owner)
    assert (position.collateral, position.liquidation_price) == (D(200), D("97.5"))
    desk.hold(quantity="4", price="110")  # 8 that cost 840: 105 each, 105 x (1 - 0.05 / 2) = 102.375.
    assert (desk.position.collateral, desk.position.liquidation_price) == (D(420), D("102.375"))
    desk.hold("sell", "2", "120")
    assert (desk.position.collateral, desk.position.liquidation_price) == (D(315), D("102.375"))
    desk.hold("sell", "6", "120")
    assert (desk.position.collateral, desk.position.liquidation_price) == (D(0), None)


@pytest.mark.parametrize("leverage", ["0.5", "3.01", "11"])
def test_leverage_is_bounded_by_the_portfolio(desk: SteppedDesk, leverage: str) -> None:
    with pytest.raises(LeverageNotAllowed):
        position_leverage_set(position=desk.hold(), leverage=D(leverage), actor=desk.owner)


def test_leverage_is_bounded_by_the_platform_and_by_the_initial_margin(desk: SteppedDesk) -> None:
    desk.portfolio.risk_profile.max_leverage = D(50)
    desk.portfolio.risk_profile.save()
    position = Position.objects.select_related("portfolio__risk_profile").get(pk=desk.hold().pk)
    with pytest.raises(LeverageNotAllowed, match="from 1 to 10,"):
        position_leverage_set(position=position, leverage=D(11), actor=desk.owner)
    PlatformLimits.objects.update_or_create(pk=1, defaults={"max_leverage": D(2)})
    with pytest.raises(LeverageNotAllowed, match="from 1 to 2,"):
        position_leverage_set(position=position, leverage=D(3), actor=desk.owner)


def test_a_levered_position_is_closed_by_force_at_its_liquidation_price(desk: SteppedDesk) -> None:
    position_leverage_set(position=desk.hold(), leverage=D(2), actor=desk.owner)
    desk.tick("97.51")
    assert desk.orders(role="liquidation") == []
    desk.tick("97.5")
    desk.tick("97")
    (order,) = desk.orders(role="liquidation")
    assert (order.side, order.quantity, order.type, order.reduce_only) == ("sell", D(5), "market", True)
    desk.settle()
    desk.flat_bar("97")
    desk.tick("90")
    assert len(desk.orders(role="liquidation")) == 1
    assert (desk.position.quantity, desk.position.realized_pnl) == (D(0), D(-15))


def test_a_position_that_is_paid_in_full_is_never_closed_by_force(desk: SteppedDesk) -> None:
    desk.hold()
    desk.tick("1")
    assert desk.orders(role="liquidation") == []


def short(desk: SteppedDesk, quantity: str, cash: str) -> None:
    """Let the portfolio be short at 100 with so much money of its own."""
    desk.hold("sell", quantity)
    Portfolio.objects.update(cash=D(cash) + D(quantity) * 100)


def test_margin_in_use_warns_then_calls_then_closes(desk: SteppedDesk) -> None:
    # Short 5 at 100 with 100 of one's own. At 114 equity is 30 and 0.05 x 570 = 28.5 of it are needed: 95 %.
    short(desk, "5", "100")
    desk.tick("110")  # Equity 50, needed 27.5: 55 %.
    assert open_alerts("margin_warning") + open_alerts("margin_call") == []
    desk.tick("112.5")  # 37.5 and 28.125: 75 %.
    (warning,) = open_alerts("margin_warning")
    assert (warning.owner, warning.severity) == (desk.owner, "warning")
    assert "75 %" in warning.message
    desk.tick("113.2")  # 34 and 28.3: 83 %.
    assert (open_alerts("margin_warning"), len(open_alerts("margin_call"))) == ([], 1)
    assert desk.orders(role="liquidation") == []
    desk.tick("114")
    (order,) = desk.orders(role="liquidation")
    assert (order.side, order.quantity) == ("buy", D(5))
    desk.settle()
    desk.flat_bar("114")
    margin_watch()
    assert open_alerts("margin_call") == []
    assert desk.position.closed_at is not None


def test_an_isolated_position_answers_with_its_own_collateral_only(desk: SteppedDesk) -> None:
    # Short 5 at 100 with leverage 3: 166.67 set aside. At 101.6 the loss of 8 leaves 158.67 for 508: 16 % in use.
    desk.hold("sell")
    position_leverage_set(position=desk.position, leverage=D(3), margin_mode=MarginMode.ISOLATED, actor=desk.owner)
    desk.tick("101.6")
    assert desk.position.margin_state == "caution"
    assert desk.orders(role="liquidation") == []
    Position.objects.update(liquidation_price=None)  # What follows is about the margin in use alone.
    desk.tick("127")  # 166.67 - 135 = 31.67 for 635: needed 31.75.
    assert len(desk.orders(role="liquidation")) == 1


def test_a_short_pays_funding_at_each_of_three_times_and_once_only(trader: User) -> None:
    desk = SteppedDesk(trader, funding_rate=D("0.001"))
    desk.hold("sell")  # At 12:00, worth 500.
    desk.tick("100", at=desk.now + 2 * HOUR)
    assert desk.money.funding_paid == 0
    desk.tick("110", at=desk.now + 3 * HOUR)  # 16:00: 550 x 0.001.
    desk.tick("110", at=desk.now + 3 * HOUR)
    assert (desk.money.funding_paid, desk.position.funding_paid) == (D("0.55"), D("0.55"))
    desk.tick("120", at=desk.now + 20 * HOUR)  # 00:00 and 08:00 together: 2 x 600 x 0.001.
    assert (desk.money.funding_paid, desk.position.funding_paid) == (D("1.75"), D("1.75"))
    assert desk.position.funded_through == desk.now.replace(hour=8) + timedelta(days=1)
    assert desk.money.cash == D(10_000) + 500 - D("1.75")


def test_a_short_that_is_closed_by_a_fill_has_paid_for_the_time_before_it(trader: User) -> None:
    desk = SteppedDesk(trader, funding_rate=D("0.001"))
    desk.hold("sell")
    desk.now += 6 * HOUR  # 19:00, with no price since 13:00.
    desk.place("buy")
    desk.flat_bar("90")
    assert (desk.position.quantity, desk.position.funding_paid) == (D(0), D("0.45"))
    assert desk.money.cash == D(10_000) + 50 - D("0.45")


def test_longs_and_connections_without_a_rate_pay_nothing(desk: SteppedDesk) -> None:
    desk.hold("sell")
    desk.tick("100", at=desk.now + 30 * HOUR)
    assert (desk.money.funding_paid, desk.position.funded_through) == (D(0), None)
    Portfolio.objects.get().connection.__class__.objects.update(funding_rate=D("0.01"))
    desk.hold("buy", "10")
    paid = desk.money.funding_paid
    desk.tick("100", at=desk.now + 60 * HOUR)
    assert desk.position.quantity == D(5)
    assert desk.money.funding_paid == paid


steps = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 9), st.integers(60, 140), st.integers(0, 11)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps)
def test_no_money_is_lost_or_made_by_fills_fees_and_funding(
    trader: User, walk: list[tuple[str, int, int, int]]
) -> None:
    """Cash + cost = initial cash + realized - fees - funding, to the last digit."""
    name = f"Walk {Portfolio.objects.count()}"
    desk = SteppedDesk(trader, name, commission_rate=D("0.001"), funding_rate=D("0.0003"))
    desk.portfolio.risk_profile.enabled = desk.portfolio.risk_profile.circuit_breaker = False
    desk.portfolio.risk_profile.save()
    for side, quantity, price, hours in walk:
        desk.place(side, str(quantity))
        desk.flat_bar(str(price))
        desk.now += hours * HOUR
    money = desk.money
    cost = sum(Position.objects.filter(portfolio=money).values_list("cost_basis", flat=True), D(0))
    assert money.cash + cost == money.initial_cash + money.realized_pnl - money.fees_paid - money.funding_paid
    assert money.funding_paid == sum(
        Position.objects.filter(portfolio=money).values_list("funding_paid", flat=True), D(0)
    )

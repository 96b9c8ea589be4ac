"""The kill switch: what each width and mode stops, also of what is queued, and what it never stops."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from algotrendy.trading.risk import TradingMode
from apps.accounts.models import AuditEvent
from apps.alerts.models import Alert
from apps.brokers.models import PaperOrder
from apps.orders.models import Fill, Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.entry.placing import OrderDenied
from apps.orders.services.venue.settling import order_settle
from apps.orders.tasks import sweep_halts
from apps.portfolio.halting import trading_mode
from apps.portfolio.models import HaltWidth, Portfolio, TradingHalt
from apps.portfolio.services import HaltIsOver, HaltNotAllowed, InvalidHalt, halt_end, halt_start
from tests.apps.orders.stepper import Stepper
from tests.builders import make_halt, make_order, make_paper_order, make_position

pytestmark = pytest.mark.django_db
HALTED, REDUCING = TradingMode.HALTED, TradingMode.REDUCING


@pytest.fixture
def desk(trader):
    return Stepper(trader)


def halt(desk, mode=HALTED, **more):
    where = {"width": HaltWidth.PORTFOLIO, "portfolio": desk.portfolio, "actor": desk.owner, "reason": "Testing."}
    return halt_start(**{**where, "mode": mode, **more})


def code_of(desk, *args, **order):
    try:
        return desk.commit(*args, **order).status
    except OrderDenied as error:
        return error.code


@pytest.mark.parametrize(
    ("mode", "buy", "sell", "reducing_sell"),
    [
        (REDUCING, "trading_reducing", "pending", "pending"),
        (HALTED, "trading_halted", "trading_halted", "trading_halted"),
    ],
)
def test_each_mode_stops_what_it_says(desk, mode, buy, sell, reducing_sell):
    make_position(desk.portfolio, quantity=D(5))
    halt(desk, mode)
    assert code_of(desk, "buy") == buy
    assert code_of(desk, "sell", "2") == sell
    assert code_of(desk, "sell", "2", reduce_only=True) == reducing_sell
    assert code_of(desk, "sell", "6") == buy  # It would turn the position over.


def test_a_denial_is_kept_with_the_halts_reason_and_the_figures(desk):
    halt(desk, reason="The venue  is on fire.")
    with pytest.raises(OrderDenied) as caught:
        desk.commit()
    kept = Order.objects.get()
    assert (kept.status, kept.reason) == ("denied", "Trading is halted: The venue is on fire.")
    assert caught.value.figures == {"actual": "500.00000000", "limit": "0"}


@pytest.mark.parametrize(
    ("width", "mine", "my_book", "others"),
    [("platform", HALTED, HALTED, HALTED), ("portfolio", HALTED, HALTED, None), ("strategy", None, HALTED, None)],
)
def test_each_width_covers_what_it_says(desk, other_trader, admin, width, mine, my_book, others):
    other = Stepper(other_trader)
    place = {"portfolio": None if width == "platform" else desk.portfolio, "book": "rsi" if width == "strategy" else ""}
    halt_start(width=HaltWidth(width), mode=HALTED, reason="Testing.", actor=admin, **place)
    active = TradingMode.ACTIVE
    assert trading_mode(desk.portfolio, "manual").mode == (mine or active)
    assert trading_mode(desk.portfolio, "rsi").mode == (my_book or active)
    assert trading_mode(other.portfolio, "rsi").mode == (others or active)


def test_the_strictest_of_all_halts_decides(desk, admin):
    halt_start(width=HaltWidth.PLATFORM, mode=REDUCING, reason="Wide.", actor=admin)
    strict = halt(desk, HALTED, width=HaltWidth.STRATEGY, book="rsi", reason="Strict.")
    halt(desk, REDUCING, reason="Between.")
    assert trading_mode(desk.portfolio, "rsi").halt == strict
    assert trading_mode(desk.portfolio, "manual").reason == "Wide."


def test_nothing_halts_a_simulation(desk):
    Portfolio.objects.filter(pk=desk.portfolio.pk).update(is_simulation=True)
    desk.portfolio.refresh_from_db()
    make_halt()
    assert code_of(desk) == "pending"
    with pytest.raises(InvalidHalt):
        halt(desk)


def test_what_is_queued_is_not_sent_under_a_halt(desk):
    order = desk.commit()
    halt(desk)
    order = order_settle(order_id=order.pk)
    assert (order.status, order.reason_code, order.risk["limit"]) == ("denied", "trading_halted", "0")
    assert not PaperOrder.objects.exists()
    assert list(order.events.values_list("kind", flat=True)) == ["placed", "denied"]


def test_while_reducing_what_is_queued_and_only_reduces_is_sent(desk):
    make_position(desk.portfolio, quantity=D(5))
    closing, flipping, flagged = desk.commit("sell", "2"), desk.commit("sell", "6"), None
    flagged = desk.commit("sell", "1", reduce_only=True)
    halt(desk, REDUCING)
    sent = [order_settle(order_id=order.pk).status for order in (closing, flipping, flagged)]
    assert sent == ["open", "denied", "open"]


def test_an_order_that_reduced_when_it_was_placed_is_not_sent_to_open_under_reducing(desk):
    position = make_position(desk.portfolio, quantity=D(5))
    order = desk.commit("sell", "5")
    position.quantity, position.closed_at = D(0), timezone.now()
    position.save()
    halt(desk, REDUCING)
    assert order_settle(order_id=order.pk).reason_code == "trading_reducing"


def test_a_halt_blocks_neither_cancels_nor_fills_and_a_late_fill_is_protected(desk):
    resting = desk.place(kind="limit", limit_price="90")
    market = desk.place(stop_loss="95", take_profit="110")
    halt(desk)
    order_cancel(order=resting, actor=desk.owner)
    assert order_settle(order_id=resting.pk).status == "canceled"
    desk.bar("100")
    market.refresh_from_db()
    assert market.status == "filled"
    legs = Order.objects.filter(parent=market).order_by("role")
    assert [(leg.role, leg.status) for leg in legs] == [("stop_loss", "open"), ("take_profit", "open")]
    desk.bar("94")
    assert Fill.objects.filter(order__role="stop_loss").exists()


def test_a_halt_that_is_over_stops_nothing(desk):
    halt_end(halt=halt(desk), actor=desk.owner)
    assert code_of(desk) == "pending"


def test_a_halt_ends_by_itself_when_its_time_has_come(desk):
    kept = halt(desk, until=timezone.now() + timedelta(hours=1))
    assert code_of(desk) == "trading_halted"
    TradingHalt.objects.update(until=timezone.now())
    assert code_of(desk) == "pending"
    sweep_halts()
    kept.refresh_from_db()
    assert kept.ended_at is not None
    assert kept.ended_by is None
    assert AuditEvent.objects.filter(action="halt.ended", target_id=kept.pk).count() == 1


@pytest.mark.parametrize(
    ("until", "is_open"),
    [(timedelta(seconds=-1), True), (timedelta(seconds=1), False), (timedelta(hours=1), True)],
)
def test_a_rest_on_a_live_market_is_over_by_the_clock_and_on_a_replayed_one_by_its_candles(desk, until, is_open):
    """A replay's times were over before the halt began; a live market's come, candle or not."""
    rest = make_halt(desk.portfolio, cause="cooldown", mode="reducing")
    begun = timezone.now() - timedelta(minutes=5)
    TradingHalt.objects.update(created_at=begun, until=begun + until)
    assert (code_of(desk) == "trading_reducing") is is_open
    sweep_halts()
    rest.refresh_from_db()
    assert (rest.ended_at is None) is is_open


def test_halting_again_gives_way_to_the_new_halt_and_the_same_again_changes_nothing(desk):
    first = halt(desk, REDUCING)
    assert halt(desk, REDUCING) == first
    second = halt(desk, HALTED, flatten=True)
    first.refresh_from_db()
    assert first.ended_by == desk.owner
    assert TradingHalt.objects.get(ended_at=None) == second
    assert trading_mode(desk.portfolio, "manual").mode == HALTED


def test_beginning_and_ending_are_on_record_with_who_and_what(desk):
    halt_end(halt=halt(desk), actor=desk.owner)
    begun, ended = AuditEvent.objects.filter(action__startswith="halt.").order_by("pk")
    assert (begun.action, ended.action) == ("halt.started", "halt.ended")
    for event in (begun, ended):
        assert (event.user_id, event.details["mode"], event.details["reason"]) == (desk.owner.pk, "halted", "Testing.")
    with pytest.raises(HaltIsOver):
        halt_end(halt=TradingHalt.objects.get(), actor=desk.owner)


def test_an_alert_of_the_owners_lasts_as_long_as_the_halt(desk, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        kept = halt(desk)
    alert = Alert.objects.get(code="trading_halted")
    assert (alert.owner, alert.severity, alert.resolved_at) == (desk.owner, "critical", None)
    assert alert.message == "The portfolio Main is halted: Testing."
    with django_capture_on_commit_callbacks(execute=True):
        halt_end(halt=kept, actor=desk.owner)
    alert.refresh_from_db()
    assert alert.resolved_at is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "  "},
        {"mode": TradingMode.ACTIVE},
        {"book": "rsi"},
        {"width": HaltWidth.STRATEGY},
        {"width": HaltWidth.PORTFOLIO, "portfolio": None},
        {"until": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_a_halt_that_makes_no_sense_is_refused(desk, wrong):
    with pytest.raises(InvalidHalt):
        halt(desk, **wrong)
    assert not TradingHalt.objects.exists()


def test_who_may_halt_what(desk, other_trader, admin):
    with pytest.raises(HaltNotAllowed):
        halt(desk, actor=other_trader)
    with pytest.raises(HaltNotAllowed):
        halt(desk, width=HaltWidth.PLATFORM, portfolio=None)
    platform = halt(desk, width=HaltWidth.PLATFORM, portfolio=None, actor=admin)
    with pytest.raises(HaltNotAllowed):
        halt_end(halt=platform, actor=desk.owner)
    assert halt(desk, actor=admin).started_by == admin


def test_a_sent_order_that_waits_for_the_venues_answer_is_still_asked_about(desk):
    taken, lost = (make_order(desk.portfolio, status="submitted") for _ in "ab")
    make_paper_order(desk.portfolio.connection, client_order_id=taken.client_order_id)
    halt(desk)
    assert order_settle(order_id=taken.pk).status == "open"
    lost = order_settle(order_id=lost.pk)  # The venue has never heard of it, and it is not sent now.
    assert (lost.status, lost.reason_code) == ("rejected", "trading_halted")

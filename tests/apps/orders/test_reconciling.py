"""Comparing with venues: what was missed is applied, strangers are adopted or told of, silence proves nothing."""

from datetime import timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from celery.signals import worker_ready
from django.core.management import call_command
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.alerts.models import Alert
from apps.brokers.models import PaperOrder
from apps.operations.metrics import scrape
from apps.orders.models import Fill, Order, Reconciliation
from apps.orders.services.reconciling import (
    ReconciliationRunning,
    connection_compare,
    connection_reconcile,
    connections_to_reconcile,
    reconciliation_alerts,
    reconciliations_prune,
)
from apps.orders.services.venue.locking import RECONCILING, connection_lock
from apps.orders.services.venue.settling import order_settle
from apps.orders.tasks import reconcile
from tests.apps.brokers.conftest import KEY
from tests.apps.orders.exchange_desk import PAIR, ExchangeDesk
from tests.builders import (
    MARKET_TIME,
    make_order,
    make_paper_trade,
    make_portfolio,
    make_reconciliation,
)
from tests.conftest import ClientFor, Desk

pytestmark = pytest.mark.django_db
EXTERNAL = {"symbol": PAIR, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "80"}


def drift() -> dict[str, float]:
    families = {family.name: family for family in text_string_to_metric_families(scrape().decode())}
    return {sample.labels["kind"]: sample.value for sample in families["reconciliation_drift"].samples}


def test_what_agrees_is_clean(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place(kind="market")
    exchange_desk.place()
    row = exchange_desk.reconcile()
    assert (row.outcome, row.differences, row.orders_checked) == ("clean", [], 1)
    assert row.finished_at is not None
    assert connections_to_reconcile() == [exchange_desk.connection.pk]


def test_missed_fills_are_applied_and_ended_orders_end(exchange_desk: ExchangeDesk) -> None:
    filled, canceled = exchange_desk.place(), exchange_desk.place(limit_price="80")
    exchange_desk.venue.set_price(PAIR, 90)
    exchange_desk.venue.cancel(canceled.client_order_id)
    row = exchange_desk.reconcile()
    assert (row.outcome, row.fills_applied, row.orders_resolved) == ("repaired", 1, 1)
    assert [Order.objects.get(pk=order.pk).status for order in (filled, canceled)] == ["filled", "canceled"]
    assert exchange_desk.reconcile().outcome == "clean"


def test_an_order_that_was_placed_elsewhere_is_adopted_once_and_followed(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place()
    exchange_desk.venue.external(KEY, **EXTERNAL)
    assert exchange_desk.reconcile().orders_adopted == 1
    assert exchange_desk.reconcile().orders_adopted == 0
    order = Order.objects.get(role="external")
    assert (order.status, order.book, order.quantity, order.limit_price) == ("open", "manual", D(1), D(80))
    exchange_desk.venue.set_price(PAIR, 80)
    exchange_desk.follow()
    order.refresh_from_db()
    assert order.status == "filled"
    assert exchange_desk.held == exchange_desk.coins


def test_what_was_traded_elsewhere_at_once_is_adopted_but_not_the_accounts_past(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place()
    market = {"symbol": PAIR, "side": "BUY", "type": "MARKET", "quantity": "1"}
    exchange_desk.venue.external(KEY, **market)
    Reconciliation.objects.update(started_at=timezone.now() + timedelta(seconds=5))
    assert exchange_desk.reconcile().orders_adopted == 0
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(minutes=1))
    assert exchange_desk.reconcile().orders_adopted == 1
    assert exchange_desk.reconcile().orders_adopted == 0
    assert Order.objects.get(role="external").status == "filled"
    assert exchange_desk.held == exchange_desk.coins == D("0.999")


def test_a_stranger_that_no_single_portfolio_can_take_is_told_of(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place()
    make_portfolio(exchange_desk.owner, "Second", connection=exchange_desk.connection, initial_cash=D(0))
    exchange_desk.venue.external(KEY, **EXTERNAL)
    row = exchange_desk.reconcile()
    assert (row.outcome, row.orders_adopted) == ("drift", 0)
    assert [(each["kind"], each["ours"]) for each in row.differences] == [("order", "unknown")]


def test_nothing_is_adopted_while_an_order_of_ours_is_on_its_way(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place()
    exchange_desk.venue.visible_after = 3_600_000
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut", "after": True}])
    order = exchange_desk.place()
    exchange_desk.venue.visible_after = 0
    exchange_desk.venue.faults.add([{"request": "query", "kind": "status", "times": 2}])
    exchange_desk.reconcile()
    order.refresh_from_db()
    assert Order.objects.filter(role="external").count() == 0
    assert order.status == "open"  # Known in the list of open orders by its own id.


def test_less_at_the_venue_is_drift_and_more_is_somebodys_own(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place(kind="market")
    account = exchange_desk.venue.book.accounts[KEY]
    account.add("BTC", D(5))
    account.add("USDT", D(500))
    assert exchange_desk.reconcile().outcome == "clean"
    account.add("BTC", D("-5.2"))
    account.add("USDT", D(-900))
    row = exchange_desk.reconcile()
    assert row.outcome == "drift"
    assert [(each["kind"], each["what"], each["ours"], each["venue"]) for each in row.differences] == [
        ("position", "BTC", "0.999", "0.799"),
        ("balance", "USDT", "9900", "9500"),
    ]
    assert exchange_desk.held == D("0.999")
    assert drift() == {"order": 0, "fill": 0, "position": 1, "balance": 1}
    reconciliation_alerts()
    alert = Alert.objects.get(code="reconciliation_drift")
    assert (alert.owner, alert.severity, alert.is_open) == (exchange_desk.owner, "critical", True)
    account.add("BTC", D("0.2"))
    account.add("USDT", D(400))
    exchange_desk.reconcile()
    reconciliation_alerts()
    alert.refresh_from_db()
    assert not alert.is_open


@pytest.mark.parametrize("request_", ["open_orders", "trades", "account"])
def test_a_question_without_an_answer_fails_the_comparison_and_changes_nothing(
    exchange_desk: ExchangeDesk, request_: str
) -> None:
    exchange_desk.place(kind="market")
    exchange_desk.place()
    before = list(Order.objects.order_by("pk").values_list("status", "version"))
    exchange_desk.venue.faults.add([{"request": request_, "kind": "status", "times": 99}])
    rows = [exchange_desk.reconcile() for _ in range(2)]
    assert {row.outcome for row in rows} == {"failed"}
    assert rows[0].differences == []
    assert list(Order.objects.order_by("pk").values_list("status", "version")) == before
    assert exchange_desk.held == D("0.999")
    reconciliation_alerts()
    assert not Alert.objects.filter(code="reconciliation_failed").exists()
    exchange_desk.reconcile()
    reconciliation_alerts()
    assert "3 times in a row" in Alert.objects.get(code="reconciliation_failed").message


def test_a_silence_does_not_end_the_alert_of_a_drift(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place(kind="market")
    exchange_desk.venue.book.accounts[KEY].add("BTC", D("-0.5"))
    exchange_desk.reconcile()
    exchange_desk.venue.faults.add([{"request": "account", "kind": "status", "times": 9}])
    exchange_desk.reconcile()
    reconciliation_alerts()
    assert Alert.objects.get(code="reconciliation_drift").is_open


def test_positions_of_swaps_must_be_equal_in_both_directions(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.connection.market_type = "swap"
    exchange_desk.connection.name = "Swap"
    exchange_desk.connection.save()
    exchange_desk.venue.book.accounts[KEY].positions[PAIR] = (D("0.3"), D(100))
    exchange_desk.place()
    row = exchange_desk.reconcile()
    assert [(each["kind"], each["ours"], each["venue"]) for each in row.differences] == [("position", "0", "0.3")]


def test_one_worker_at_a_time_compares_a_connection(
    exchange_desk: ExchangeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.orders.services.reconciling import running

    class Taken:
        def __enter__(self) -> bool:
            return False

        def __exit__(self, *args: object) -> None: ...

    monkeypatch.setattr(running, "connection_lock", lambda space, key: Taken())
    with pytest.raises(ReconciliationRunning):
        exchange_desk.reconcile()
    with connection_lock(RECONCILING, exchange_desk.connection.pk) as is_ours:
        assert is_ours


def test_the_paper_venue_is_compared_too_and_a_missed_trade_of_it_applied(desk: Desk) -> None:
    order = make_order(desk.portfolio, status="pending")
    order_settle(order_id=order.pk)
    paper = PaperOrder.objects.get()
    make_paper_trade(paper, executed_at=MARKET_TIME, fee=D("0.1"))
    paper.status, paper.filled_quantity = "filled", paper.quantity
    paper.save()
    row = connection_reconcile(connection=desk.portfolio.connection)
    assert (row.outcome, row.fills_applied) == ("repaired", 1)
    order.refresh_from_db()
    assert (order.status, order.average_fill_price) == ("filled", D(100))
    assert connection_reconcile(connection=desk.portfolio.connection).outcome == "clean"


def test_a_position_that_the_paper_venue_does_not_have_is_drift(desk: Desk) -> None:
    order = make_order(desk.portfolio, status="pending")
    order_settle(order_id=order.pk)
    make_paper_trade(PaperOrder.objects.get(), quantity=D("0.5"))
    PaperOrder.objects.update(filled_quantity=D("0.5"))
    connection_reconcile(connection=desk.portfolio.connection)
    order.refresh_from_db()
    assert order.status == "partially_filled"
    Fill.objects.all().delete()
    desk.portfolio.positions.update(quantity=D(3))
    row = connection_reconcile(connection=desk.portfolio.connection)
    assert row.outcome == "drift"


def test_the_command_prints_what_differs_and_ends_with_1(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.place(kind="market")
    order = exchange_desk.place()
    call_command("reconcile", stdout=StringIO())
    exchange_desk.venue.cancel(order.client_order_id)
    exchange_desk.venue.external(KEY, **EXTERNAL)
    exchange_desk.venue.book.accounts[KEY].add("BTC", D("-0.5"))
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", "--dry-run", "--connection", "Binance", stdout=out)
    assert ended.value.code == 1
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0][-2:] == ["3", "differences"]
    assert [line[0] for line in lines[1:]] == ["KIND", "order", "order", "position"]
    assert lines[4][:4] == ["position", "BTC", "0.999", "0.499"]
    assert Order.objects.get(pk=order.pk).status == "open"
    assert len(connection_compare(connection=exchange_desk.connection)) == 3
    exchange_desk.venue.faults.add([{"request": "open_orders", "kind": "status", "times": 9}])
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("reconcile", stdout=out)
    assert "nothing is known" in out.getvalue()


def test_old_comparisons_go_but_the_first_of_a_connection_stays(desk: Desk) -> None:
    connection = desk.portfolio.connection
    rows = [make_reconciliation(connection) for _ in range(3)]
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(days=31))
    make_reconciliation(connection)
    assert reconciliations_prune() == 2
    assert Reconciliation.objects.filter(pk=rows[0].pk).exists()


def test_of_many_clean_comparisons_few_are_kept(desk: Desk) -> None:
    for _ in range(25):
        connection_reconcile(connection=desk.portfolio.connection)
    assert 4 <= Reconciliation.objects.count() <= 7


def test_a_trader_compares_their_own_connection_by_api_and_not_anothers(
    desk: Desk, other_desk: Desk, client_for: ClientFor
) -> None:
    client = client_for(desk.owner)
    answer = client.post("/api/reconciliations", {"connection": str(desk.portfolio.connection_id)}, format="json")
    assert (answer.status_code, answer.json()["outcome"]) == (201, "clean")
    other = client.post("/api/reconciliations", {"connection": str(other_desk.portfolio.connection_id)}, format="json")
    assert other.status_code == 400
    make_reconciliation(other_desk.portfolio.connection)
    listed = client.get("/api/reconciliations").json()["results"]
    assert [row["connection"] for row in listed] == [str(desk.portfolio.connection_id)]


class Ready:
    def __init__(self, consumer: Any) -> None:
        self.task_consumer = consumer


def test_a_worker_that_begins_has_everything_compared(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires: sent.append(task))
    app = current_app._get_current_object()
    for queues in (["marketdata"], ["orders", "default"]):
        consumer = app.amqp.TaskConsumer(None, [app.amqp.queues.new_missing(name) for name in queues])
        with django_capture_on_commit_callbacks(execute=True):
            worker_ready.send(sender=Ready(consumer))
        assert sent == ([reconcile.name] if "orders" in queues else [])

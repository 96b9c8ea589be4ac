"""Rows written together are what they would have been one by one, to the last column, and fewer statements."""

import json
from contextlib import suppress
from decimal import Decimal as D

import pytest
from django.db import DataError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from algotrendy.trading.orders import OrderStatus
from apps.common.gathering import gathered, row_add, row_known, row_save, rows_keep, written
from apps.orders.models import Order, OrderEvent
from apps.orders.services.steps.stepping import order_lock
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.services import account_lock, portfolio_lock, portfolios_lock
from tests.apps.common.rows import MOST, Cases
from tests.builders import MARKET_TIME, make_connection

pytestmark = pytest.mark.django_db
BY_THE_CLOCK = ("created_at", "updated_at", "at")
MODELS = ("orders", "events", "fills", "paper_orders", "paper_trades", "positions", "portfolios", "audit_events")
CHANGED = ("orders", "paper_orders", "positions", "portfolios")


@pytest.fixture
def cases(trader):
    return Cases(trader)


def columns_after(model, write):
    """Return the table as the server has it once `write` is done, which is then undone; without keys and clocks."""
    table = connection.ops.quote_name(model._meta.db_table)
    with transaction.atomic():
        write()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")  # noqa: S608 - a model's own
            rows = [json.loads(text, parse_float=D) for (text,) in cursor.fetchall()]
        transaction.set_rollback(True)
    kept = [{name: value for name, value in row.items() if name not in (*BY_THE_CLOCK, "id")} for row in rows]
    return sorted(map(repr, kept))


def add_each(model, rows):
    for row in rows:
        model(**row).save(force_insert=True)


def add_together(model, rows):
    with gathered():
        for row in rows:
            row_add(model(**row))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_rows_added_together_are_what_each_would_have_been(cases, name, count):
    model, rows = getattr(cases, name)()
    for chosen in [rows] if count == 3 else [[row] for row in rows]:
        each = columns_after(model, lambda chosen=chosen: add_each(model, chosen))
        assert columns_after(model, lambda chosen=chosen: add_together(model, chosen)) == each


def exchanged(model, rows):
    """Return saved rows, each of which has been given all that another one had but for what is its own."""
    own = {"id", "client_order_id", "book", "name", "signal", "replaces", "parent"}
    saved = [model.objects.create(**row) for row in rows]
    kept = [model.objects.get(pk=row.pk) for row in saved]
    rows_keep(kept)
    for row, values in zip(kept, rows[1:] + rows[:1], strict=True):
        for name in ("metadata", "reason", "status", "quantity", "limit_price", "expires_at", "cash", *values):
            if name not in own and hasattr(row, name):
                default = model._meta.get_field(name).get_default()
                setattr(row, name, values.get(name, default))
    return kept


@pytest.mark.parametrize("name", CHANGED)
def test_rows_changed_together_are_what_each_would_have_been(cases, name):
    model, rows = getattr(cases, name)()

    def change_each():
        for row in exchanged(model, rows):
            row.save()

    def change_together():
        with gathered():
            for row in exchanged(model, rows):
                row_save(row)

    assert columns_after(model, change_together) == columns_after(model, change_each)


def statements(queries, verb):
    return [query["sql"] for query in queries.captured_queries if query["sql"].startswith(verb)]


def test_many_adds_are_an_insert_and_many_saves_an_update(cases):
    model, rows = cases.orders()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries, gathered():
        orders = [model(**row) for row in rows]
        for order in orders:
            row_add(order)
            order.reason = "Saved before it is written."
            row_save(order)
        written()
        for number, order in enumerate(orders):
            order.quantity = D(number + 5)
            row_save(order)
            row_save(order)
    assert (len(statements(queries, "INSERT")), len(statements(queries, "UPDATE"))) == (1, 1)
    kept = Order.objects.filter(client_order_id__startswith="row-").order_by("client_order_id")
    assert list(kept.values_list("quantity", "reason")) == [(n, "Saved before it is written.") for n in (5, 6, 7)]


def test_nothing_that_has_not_changed_is_written(cases):
    with transaction.atomic(), gathered():
        order, position = order_lock(cases.order.pk), cases.position
        rows_keep([position])
        Order.objects.filter(pk=order.pk).update(reason="Of another.", best_price=D(7))
        Position.objects.filter(pk=position.pk).update(mark_price=D(99))
        order.status, position.quantity = OrderStatus.FILLED, D(2)
        row_save(order)
        row_save(position)
    assert Order.objects.values_list("status", "reason", "best_price").get(pk=order.pk) == ("filled", "Of another.", 7)
    assert Position.objects.values_list("quantity", "mark_price").get(pk=position.pk) == (2, 99)


def test_what_was_saved_as_it_was_costs_no_column_but_its_time(cases):
    before = Order.objects.get(pk=cases.order.pk)
    with transaction.atomic(), CaptureQueriesContext(connection) as queries, gathered():
        row_save(order_lock(cases.order.pk))
    (update,) = statements(queries, "UPDATE")
    assert 'SET "updated_at" = new."updated_at" FROM' in update
    assert Order.objects.get(pk=before.pk).updated_at > before.updated_at


def test_a_row_is_one_instance_however_it_is_asked_for(cases):
    portfolio, order = cases.portfolio, cases.order
    with transaction.atomic(), gathered():
        assert row_known(Portfolio, portfolio.pk) is None
        locked = portfolio_lock(portfolio.pk)
        assert account_lock(portfolio.connection)[0] is locked
        assert portfolios_lock([portfolio.pk])[0] is locked
        assert portfolio_lock(portfolio.pk) is locked
        found = order_lock(order.pk)
        assert order_lock(order.pk) is found
        assert found.portfolio is locked
        fresh = Order.objects.get(pk=order.pk)
        rows_keep([fresh])
        assert row_known(Order, order.pk) is found
        added = Position(portfolio=locked, instrument=cases.instrument, side="long", opened_at=MARKET_TIME)
        row_add(added)
        assert row_known(Position, added.pk) is added
    assert row_known(Order, order.pk) is None
    with transaction.atomic():
        assert order_lock(order.pk) is not order_lock(order.pk)


def test_two_instances_of_a_row_cannot_take_each_others_changes(cases):
    with transaction.atomic(), gathered():
        first, second = (Order.objects.get(pk=cases.order.pk) for _ in range(2))
        first.reason, second.reason_code = "First.", "second"
        row_save(first)
        for _ in range(2):
            with pytest.raises(TransactionManagementError, match="another instance"):
                row_save(second)
            written()
    cases.order.refresh_from_db()
    assert (cases.order.reason, cases.order.reason_code) == ("First.", "")


def test_later_queries_see_what_was_written_and_no_earlier_ones(cases):
    model, rows = cases.events()
    seen = OrderEvent.objects.filter(order=cases.order, version__gte=7)
    with transaction.atomic(), gathered():
        row_add(model(**rows[0]))
        assert seen.count() == 0
        written()
        assert seen.count() == 1
        row_add(model(**rows[1]))
        row_add(model(**rows[2]))
    assert list(seen.order_by("id").values_list("version", flat=True)) == [7, 8, 9]
    assert list(seen.order_by("at").values_list("version", flat=True)) == [7, 8, 9]


def test_a_row_that_was_written_without_learning_its_key_cannot_be_saved(cases):
    model, rows = cases.events()
    with transaction.atomic(), gathered():
        event = model(**rows[0])
        row_add(event)
        row_save(event)
        written()
        with pytest.raises(TransactionManagementError, match="without learning its key"):
            row_save(event)


def test_after_an_exception_nothing_is_written_even_where_the_transaction_goes_on(cases):
    model, rows = cases.orders()
    with transaction.atomic():
        with suppress(ValueError), gathered():
            row_add(model(**rows[0]))
            raise ValueError
        with gathered():
            row_add(model(**rows[1]))
    assert Order.objects.filter(client_order_id__startswith="row-").get().client_order_id == "row-1"


def test_an_outer_block_cannot_write_what_failed_in_an_inner_one(cases):
    model, rows = cases.orders()
    with transaction.atomic():
        with pytest.raises(TransactionManagementError, match="has failed"), gathered():  # noqa: PT012
            row_add(model(**rows[0]))
            with suppress(ValueError), gathered():
                row_add(model(**rows[1]))
                raise ValueError
        assert not Order.objects.filter(client_order_id__startswith="row-").exists()


def test_an_inner_block_belongs_to_the_outer_one(cases):
    model, rows = cases.orders()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries, gathered() as outer:
        with gathered() as inner:
            row_add(model(**rows[0]))
        assert inner is outer
        row_add(model(**rows[1]))
    assert len(statements(queries, "INSERT")) == 1


def test_what_the_database_has_refused_cannot_be_gone_on_from(cases):
    model, rows = cases.events()
    with transaction.atomic():
        with pytest.raises(TransactionManagementError, match="has failed"), gathered():  # noqa: PT012
            row_add(model(**rows[0]))
            row_add(model(**rows[1] | {"kind": "x" * 33}))
            with suppress(DataError), transaction.atomic():
                written()
        assert not OrderEvent.objects.filter(order=cases.order, version__gte=7).exists()


@pytest.mark.parametrize("count", [1, 2])
def test_what_no_column_holds_is_refused_and_not_cut(cases, count):
    model, rows = cases.events()
    with pytest.raises(DataError, match=r"character varying\(32\)"), transaction.atomic():
        add_together(model, [row | {"kind": "x" * 33} for row in rows[:count]])
    model, rows = cases.paper_trades()
    with pytest.raises(DataError, match="numeric field overflow"), transaction.atomic():
        add_together(model, [row | {"price": MOST * 10} for row in rows[:count]])
    cases.order.reason_code = "x" * 65
    with pytest.raises(DataError, match=r"character varying\(64\)"), transaction.atomic(), gathered():
        row_save(cases.order)


def test_without_a_block_each_call_writes_at_once(cases):
    model, rows = cases.orders()
    order = model(**rows[0])
    row_add(order)
    Order.objects.filter(pk=order.pk).update(oco_group="of another")
    order.reason, order.reason_code = "Now.", "not written"
    row_save(order, ["reason"])
    written()
    rows_keep([order])
    assert row_known(Order, order.pk) is None
    kept = Order.objects.get(pk=order.pk)
    assert (kept.reason, kept.reason_code, kept.oco_group) == ("Now.", "", "of another")
    row_save(order)
    kept.refresh_from_db()
    assert (kept.reason_code, kept.oco_group) == ("not written", "")


def test_a_block_tells_what_was_touched_since_it_was_last_asked(cases):
    with transaction.atomic(), gathered() as gathering:
        order = order_lock(cases.order.pk)
        row_save(order)
        row_save(order)
        assert gathering.touched() == [order, order]
        assert gathering.touched() == []


@pytest.mark.django_db(transaction=True)
def test_rows_are_gathered_inside_a_transaction_only(trader):
    with pytest.raises(TransactionManagementError, match="inside a transaction"), gathered():
        pytest.fail("There is no transaction.")
    connection_row = make_connection(trader)
    with transaction.atomic(), gathered():
        row_add(Portfolio(owner=trader, connection=connection_row, name="Kept"))
    assert Portfolio.objects.filter(name="Kept").exists()

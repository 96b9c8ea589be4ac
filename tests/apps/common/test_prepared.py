"""Queries that are put together once answer as the querysets that they were made of, for any values."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import Side
from apps.common.prepared import Given, Prepared
from apps.orders.models import Order
from tests.builders import MARKET_TIME, make_instrument, make_order, make_portfolio, make_strategy

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(trader, other_trader):
    """Return three orders of a trader's two portfolios, and one of another's."""
    first, second, others = make_portfolio(trader), make_portfolio(trader, "Second"), make_portfolio(other_trader)
    strategy = make_strategy(first)
    return [
        make_order(first, strategy=strategy, metadata={"note": "東京"}, quantity=D("0.12345678")),
        make_order(first, instrument=make_instrument("ETH/USD"), side=Side.SELL, limit_price=None),
        make_order(second, status=OrderStatus.FILLED, active_from=MARKET_TIME + timedelta(hours=1)),
        make_order(others),
    ]


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def plain(**where):
    return Order.objects.filter(**where).order_by("created_at", "id")


def test_rows_are_those_of_the_plain_query_and_others_for_other_values(orders):
    asked = Prepared(lambda: plain(portfolio=Given("portfolio"), side=Given("side")))
    for portfolio in {order.portfolio for order in orders}:
        for side in Side:
            found = asked(portfolio=portfolio.pk, side=side)
            assert [*map(columns, found)] == [*map(columns, plain(portfolio=portfolio, side=side))]
            assert all(not order._state.adding and order._state.db == "default" for order in found)
    assert len(asked(portfolio=orders[0].portfolio_id, side="buy")) == 1
    assert asked(portfolio=uuid.uuid4(), side="buy") == []


def test_related_rows_come_without_further_queries(orders):
    asked = Prepared(
        lambda: plain(pk__any=Given("ids")).select_related("portfolio__connection", "instrument", "strategy")
    )
    with CaptureQueriesContext(connection) as queries:
        found = asked(ids=[order.pk for order in orders])
        seen = [(o.portfolio.connection.name, o.instrument.symbol, o.strategy and o.strategy.name) for o in found]
    assert len(queries) == 1
    assert seen == [
        (order.portfolio.connection.name, symbol, strategy)
        for order, symbol, strategy in zip(
            orders, ("BTC/USD", "ETH/USD", "BTC/USD", "BTC/USD"), ("RSI", None, None, None), strict=True
        )
    ]


def test_annotations_lists_of_values_and_slices(orders):
    name = Concat("instrument__symbol", Value(" 100 % 'of' %s"))
    annotated = Prepared(lambda: plain(owner=Given("owner")).annotate(double=F("quantity") * 2, named=name))
    owner = orders[0].owner_id
    assert [(row.pk, row.double, row.named) for row in annotated(owner=owner)] == [
        (row.pk, row.quantity * 2, f"{row.instrument.symbol} 100 % 'of' %s") for row in orders[:3]
    ]
    listed = Prepared(lambda: plain(owner=Given("owner")).values_list("pk", "metadata", "quantity")[1:3])
    assert listed(owner=owner) == [(row.pk, row.metadata, row.quantity) for row in orders[1:3]]
    flat = Prepared(lambda: plain(owner=Given("owner")).values_list("instrument__symbol", flat=True)[:2])
    assert flat(owner=owner) == ["BTC/USD", "ETH/USD"]


@pytest.mark.parametrize(
    "reason", ["100 % sure", "%s", "%%", "it's", 'a "word"', "back\\slash", "$1 or $2", "東京", "%(name)s"]
)
def test_constants_of_any_kind_are_part_of_the_query(orders, reason):
    Order.objects.filter(pk=orders[0].pk).update(reason=reason)
    same = Prepared(lambda: plain(reason=reason, owner=Given("owner"), quantity__lte=D("0.12345678")))
    begins = Prepared(lambda: plain(reason__startswith=reason[:3], reason__contains=reason, owner=Given("owner")))
    for asked in (same, begins):
        assert [order.pk for order in asked(owner=orders[0].owner_id)] == [orders[0].pk]
        assert asked(owner=orders[3].owner_id) == []


def test_an_operator_that_is_a_percent_sign(orders):
    Order.objects.filter(pk=orders[1].pk).update(version=7)
    odd = Prepared(lambda: plain(owner=Given("owner")).annotate(rest=F("version") % 2).filter(rest=1))
    assert [order.pk for order in odd(owner=orders[0].owner_id)] == [orders[1].pk]


def test_any_of_a_list_however_long_by_column_and_by_foreign_key(orders):
    by_key = Prepared(lambda: plain(pk__any=Given("ids")))
    by_portfolio = Prepared(lambda: plain(portfolio__any=Given("ids"), status__any=Given("statuses")))
    by_column = Prepared(lambda: plain(portfolio_id__any=Given("ids")))
    assert by_key(ids=[]) == by_column(ids=[]) == by_portfolio(ids=[], statuses=["open"]) == []
    assert by_portfolio(ids=[orders[0].portfolio_id], statuses=[]) == []
    for chosen in (orders[:1], orders[1:], orders):
        assert by_key(ids=[order.pk for order in chosen] + [uuid.uuid4()]) == chosen
    places = [orders[0].portfolio_id, orders[2].portfolio_id]
    assert by_column(ids=places) == orders[:3]
    assert by_portfolio(ids=places, statuses=["open", "held"]) == orders[:2]


def prepared_statements(mark):
    """Return what the server has prepared on this connection of the query that carries a mark."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cardinality(parameter_types), generic_plans + custom_plans FROM pg_prepared_statements "
            "WHERE statement LIKE %s AND statement NOT LIKE '%%pg_prepared%%'",
            [f"%{mark}%"],
        )
        return cursor.fetchall()


def test_the_server_prepares_it_once_with_as_many_parameters_as_there_are_givens(orders):
    mark = uuid.uuid4().hex
    asked = Prepared(
        lambda: plain(portfolio=Given("portfolio"), side=Given("side"), pk__any=Given("ids")).exclude(reason=mark)
    )
    for order in orders:
        assert asked(portfolio=order.portfolio_id, side=str(order.side), ids=[order.pk]) == [order]
    ((parameters, plans),) = prepared_statements(mark)
    assert parameters == 3
    assert plans == len(orders) - 1  # It is prepared by its second time.


def test_a_value_that_is_given_twice_is_two_parameters_of_one_name(orders):
    asked = Prepared(lambda: plain(quantity__gte=Given("bound"), filled_quantity__lt=Given("bound")))
    assert set(asked(bound=D(1))) == set(orders[1:])


def test_queries_are_seen_as_any_others(orders):
    asked = Prepared(lambda: plain(pk=Given("pk")))
    for _ in range(3):  # Also once it is prepared.
        with CaptureQueriesContext(connection) as queries:
            asked(pk=orders[0].pk)
        (query,) = queries.captured_queries
        assert query["sql"].startswith("SELECT")
        assert '"id" = ($1)' in query["sql"]  # As it went to the server, which is given the value beside it.


def test_one_and_first_tell_where_there_is_none(orders):
    asked = Prepared(lambda: plain(pk=Given("pk")))
    assert asked.one(pk=orders[0].pk) == asked.first(pk=orders[0].pk) == orders[0]
    nobody = uuid.uuid4()
    assert asked.first(pk=nobody) is None
    with pytest.raises(Order.DoesNotExist, match=str(nobody)):
        asked.one(pk=nobody)
    with pytest.raises(KeyError, match="pk"):
        asked(id=nobody)


@pytest.fixture
def committed(trader):
    return make_order(make_portfolio(trader))


def locked():
    return Prepared(lambda: Order.objects.select_for_update(of=("self",)).filter(pk=Given("pk")))


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_inside_a_transaction_only(committed):
    asked = locked()
    for _ in range(2):
        with pytest.raises(transaction.TransactionManagementError):
            asked(pk=committed.pk)
        with transaction.atomic():
            assert asked(pk=committed.pk) == [committed]

            def others():
                free = Order.objects.select_for_update(skip_locked=True).filter(pk=committed.pk)
                try:
                    with transaction.atomic():
                        return list(free)
                finally:
                    connection.close()

            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(others).result() == []


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_at_once_have_connections_of_their_own(committed):
    """Each puts it together at the same moment, and asks on the connection of its thread."""
    asked, together = Prepared(lambda: plain(pk=Given("pk")).select_related("instrument")), Barrier(4)

    def ask(number):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                process = cursor.fetchone()[0]
            together.wait(timeout=20)
            found = [asked.one(pk=committed.pk) for _ in range(5)]
            return process, {(order.pk, order.instrument.symbol) for order in found}
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(4)))
    assert len({process for process, _ in results}) == 4
    assert all(found == {(committed.pk, "BTC/USD")} for _, found in results)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_closed_in_between_is_opened_and_prepares_anew(committed):
    mark = uuid.uuid4().hex
    asked = Prepared(lambda: plain(pk=Given("pk")).exclude(reason=mark))
    connection.close()  # Also the very first time.
    for _ in range(3):
        assert asked(pk=committed.pk) == [committed]
    assert len(prepared_statements(mark)) == 1
    connection.close()
    assert prepared_statements(mark) == []
    for _ in range(3):
        assert asked(pk=committed.pk) == [committed]
    assert len(prepared_statements(mark)) == 1


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_a_transaction_that_the_server_has_broken_off(committed):
    asked = Prepared(lambda: plain(pk=Given("pk")))
    assert asked(pk=committed.pk) == [committed]
    for _ in range(2):
        with transaction.atomic():
            assert asked(pk=committed.pk) == [committed]
            transaction.set_rollback(True)
        assert asked(pk=committed.pk) == [committed]

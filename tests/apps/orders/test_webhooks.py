"""Alerts of charts: who has the secret speaks for the strategy, each alert once; nobody learns the secret from us."""

import json
import logging
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import AuditEvent
from apps.orders.models import Order
from apps.strategies.models import Signal, StrategyWebhook, WebhookDelivery
from apps.strategies.services.webhooks import webhook_change, webhook_create, webhook_delete, webhook_rotate
from tests.builders import make_position, make_strategy

pytestmark = pytest.mark.django_db
PATH = "/api/webhooks/tradingview"


@pytest.fixture
def strategy(desk):
    return make_strategy(desk.portfolio, instrument=desk.instrument, rule="external", enabled=True)


@pytest.fixture
def hook(strategy):
    """A webhook and its secret."""
    return webhook_create(strategy=strategy, template="{action} {symbol} at {price}")


def now(**ago):
    return (timezone.now() - timedelta(**ago)).isoformat()


def send(secret, *, client=None, **said):
    body = {"secret": secret, "action": "buy", **said}
    return (client or APIClient()).post(PATH, body, format="json")


def send_text(text, **headers):
    return APIClient().post(PATH, text, content_type="text/plain; charset=utf-8", **headers)


def test_an_alert_becomes_a_signal_that_is_sized_protected_and_ordered(hook, strategy):
    webhook, secret = hook
    answer = send(secret, symbol="BINANCE:BTCUSD", price="101.5", time=now())
    assert answer.status_code == 201
    signal, order = Signal.objects.get(), Order.objects.get()
    assert answer.json() == {"signal": str(signal.pk), "outcome": "ordered", "outcome_reason": ""}
    assert (signal.source, signal.strategy, signal.price) == ("webhook", strategy, D(100))
    assert signal.reason == "Alert: buy at 101.5"
    assert (order.quantity, order.stop_loss, order.take_profit) == (D(5), D(95), D(110))  # 5 % of 10,000 at 100
    assert order.client_order_id == f"signal-{signal.pk.hex}"
    webhook.refresh_from_db()
    assert webhook.used_from == "127.0.0.1"


def test_an_alert_names_its_own_size_and_levels(hook):
    send(hook[1], action="BUY", quantity=2.54321, stop_loss=97, take_profit="120", id="a")
    order = Order.objects.get()
    assert (order.quantity, order.stop_loss, order.take_profit) == (D("2.5432"), D(97), D(120))


def test_an_alert_to_close_closes_what_is_held(hook, strategy, desk):
    make_position(desk.portfolio, instrument=desk.instrument, book=strategy.slug, quantity=D(3))
    assert send(hook[1], action="close_long", id="a").json()["outcome"] == "ordered"
    order = Order.objects.get()
    assert (order.side, order.quantity, order.reduce_only, order.role) == ("sell", D(3), True, "exit")


def test_a_plain_text_is_read_by_the_template_with_the_secret_in_its_first_line(hook):
    assert send_text(f"{hook[1]}\nbuy BTCUSD at 101.5").status_code == 201
    assert Signal.objects.get().reason == "Alert: buy at 101.5"
    other = send_text(f"{hook[1]}\nbuy some BTCUSD")
    assert (other.status_code, other.json()["code"]) == (400, "alert_not_understood")


def test_the_secret_may_come_in_a_header(hook):
    assert send_text("buy BTCUSD at 101.5", HTTP_X_WEBHOOK_SECRET=hook[1]).status_code == 201
    answer = APIClient().post(PATH, {"action": "sell", "id": "b"}, format="json", HTTP_X_WEBHOOK_SECRET=hook[1])
    assert answer.status_code == 201


# Once each


def test_the_same_alert_again_answers_with_the_first_signal_and_orders_nothing(hook):
    said = {"symbol": "BTCUSD", "time": now()}
    first, again = send(hook[1], **said), send(hook[1], **said)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["signal"] == again.json()["signal"]
    assert (Signal.objects.count(), Order.objects.count(), WebhookDelivery.objects.count()) == (1, 1, 1)


def test_an_id_is_taken_once_whatever_else_is_said(hook):
    assert send(hook[1], id="7", time=now()).status_code == 201
    assert send(hook[1], id="7", action="sell", time=now()).status_code == 200
    assert send(hook[1], id="8").status_code == 201
    assert Signal.objects.count() == 2


def test_without_id_and_time_an_equal_alert_is_the_same_for_five_minutes(hook):
    assert send(hook[1]).status_code == 201
    assert send(hook[1]).status_code == 200
    assert send(hook[1], action="sell").status_code == 201
    key = WebhookDelivery.objects.first().key
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(minutes=6))
    assert WebhookDelivery.objects.filter(key=key).exists()
    WebhookDelivery.objects.filter(key=key).update(key="of an older stretch")
    WebhookDelivery.objects.exclude(key="of an older stretch").delete()
    assert send(hook[1]).status_code == 201


@pytest.mark.parametrize("sent", [{"minutes": 6}, {"minutes": -2}])
def test_an_alert_of_another_time_is_refused(hook, sent):
    answer = send(hook[1], time=now(**sent))
    assert (answer.status_code, answer.json()["code"]) == (400, "alert_time")
    assert not Signal.objects.exists()


def test_two_webhooks_do_not_share_ids(hook, desk):
    other = make_strategy(desk.portfolio, "Other", instrument=desk.instrument, rule="external", enabled=True)
    _, secret = webhook_create(strategy=other)
    assert send(hook[1], id="7").status_code == 201
    assert send(secret, id="7").status_code == 201


# Refused


@pytest.mark.parametrize("change", ["missing", "prefix", "secret", "mark", "key"])
def test_a_wrong_secret_is_refused_in_one_way_whatever_is_wrong_with_it(hook, change):
    mark, prefix, rest = hook[1].split("_", 2)
    wrong = {
        "missing": "", "prefix": f"{mark}_000000000000_{rest}", "secret": f"{mark}_{prefix}_{rest[:-1]}~",
        "mark": f"algo_{prefix}_{rest}", "key": "é" * 40,
    }[change]  # fmt: skip
    answer = send(wrong, id="a")
    told = {name: value for name, value in answer.json().items() if name != "correlation_id"}
    assert answer.status_code == 401
    assert (told["code"], told["detail"]) == ("webhook_not_valid", "The webhook's secret is missing or not valid.")
    assert not Signal.objects.exists()
    assert AuditEvent.objects.filter(action="webhook.refused").count() == (change == "secret")


def test_each_refusal_has_its_code_and_is_recorded_without_the_secret(hook, strategy):
    webhook, secret = hook
    webhook_change(webhook=webhook, is_enabled=False)
    answers = [send(secret, id="a")]
    webhook_change(webhook=webhook, is_enabled=True, allowed_networks=["203.0.113.0/24"])
    answers.append(send(secret, id="a"))
    webhook_change(webhook=webhook, allowed_networks=[])
    answers.append(send(secret, symbol="ETHUSD", id="a"))
    answers.append(send(secret, action="wait", id="a"))
    answers.append(send(secret, leverage=50, id="a"))
    strategy.enabled = False
    strategy.save()
    answers.append(send(secret, id="a"))
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "webhook_disabled"), (403, "webhook_address"), (400, "wrong_symbol"), (400, "invalid"),
        (400, "invalid"), (409, "strategy_disabled"),
    ]  # fmt: skip
    recorded = AuditEvent.objects.filter(action="webhook.refused").order_by("id")
    assert [event.details["because"] for event in recorded] == [answer.json()["code"] for answer in answers]
    assert secret not in json.dumps([list(row) for row in recorded.values_list("details", "target", "credential")])
    assert not Signal.objects.exists()


def test_a_listed_address_is_let_through_by_the_address_that_the_server_sees(hook):
    webhook_change(webhook=hook[0], allowed_networks=["203.0.113.0/24"])
    forged = APIClient(HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert send(hook[1], client=forged, id="a").status_code == 403
    assert send(hook[1], client=APIClient(REMOTE_ADDR="203.0.113.9"), id="a").status_code == 201


def test_other_bodies_are_refused(hook):
    client = APIClient()
    assert client.post(PATH, "a=b", content_type="application/x-www-form-urlencoded").status_code == 415
    assert send(hook[1], id="a", symbol="B" * 10_001).status_code == 413
    assert client.post(PATH, "[1]", content_type="application/json").status_code == 401
    assert client.post(PATH, "{", content_type="application/json").status_code == 400
    assert client.post(PATH, b"\xff\xfe", content_type="text/plain").status_code == 400
    no_object = client.post(PATH, "[1]", content_type="application/json", HTTP_X_WEBHOOK_SECRET=hook[1])
    assert no_object.status_code == 400


def test_a_denied_order_is_an_alert_taken(hook, desk):
    desk.portfolio.risk_profile.max_position_size_percent = D(1)
    desk.portfolio.risk_profile.save()
    answer = send(hook[1], id="a")
    assert (answer.status_code, answer.json()["outcome"]) == (201, "denied")


def test_a_stop_that_the_price_has_passed_trades_nothing(hook):
    answer = send(hook[1], id="a", stop_loss=101)
    assert (answer.status_code, answer.json()["outcome"]) == (201, "skipped")
    assert not Order.objects.exists()


def test_where_approval_is_needed_an_alert_waits_for_it(hook, strategy):
    strategy.needs_approval = True
    strategy.save()
    assert send(hook[1], id="a").json()["outcome"] == "awaiting"
    assert not Order.objects.exists()


def test_callers_of_one_address_are_limited(hook, settings):
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "anonymous": {"orders": ["2/m"], "general": ["100/m"]}}
    client = APIClient(REMOTE_ADDR="198.51.100.77")
    answers = [send("hook_no_thing", client=client).status_code for _ in range(3)]
    assert answers == [401, 401, 429]


# The secret


def test_a_rotated_secret_takes_the_place_of_the_old_one(hook):
    _, fresh = webhook_rotate(webhook=hook[0])
    assert send(hook[1], id="a").status_code == 401
    assert send(fresh, id="a").status_code == 201


def test_a_deleted_webhook_leaves_its_signals(hook):
    send(hook[1], id="a")
    webhook_delete(webhook=hook[0])
    assert send(hook[1], id="b").status_code == 401
    assert Signal.objects.count() == 1


def test_the_secret_is_nowhere_but_in_the_answer_that_makes_it(desk, strategy, client_for, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    client, path = client_for(desk.owner), f"/api/strategies/{strategy.pk}/webhook"
    made = client.post(path, {"template": "{action} at {price}"}, format="json").json()
    texts = [made["secret"], client.post(f"{path}/rotate").json()["secret"]]
    send(texts[0], id="a")
    send(texts[1], id="a")
    send(texts[1], action="wait")
    send_text(f"{texts[1]}\nnonsense")
    answers = [client.get(path).content, client.patch(path, {"is_enabled": False}, format="json").content]
    answers += [client.get("/api/signals").content]
    events = list(AuditEvent.objects.values_list("details", "target", "credential", "user_agent"))
    out = capfd.readouterr()
    seen = [caplog.text, out.out, out.err, str(events), repr(StrategyWebhook.objects.get()), *map(str, answers)]
    for text in texts:
        secret = text.split("_", 2)[2]
        assert not any(secret in where for where in seen)
    assert "webhook_refused" in caplog.text + out.out + out.err


# Managing


def test_a_strategy_has_one_webhook_that_people_manage_by_api(desk, strategy, client_for):
    client, path = client_for(desk.owner), f"/api/strategies/{strategy.pk}/webhook"
    assert client.get(path).status_code == 404
    made = client.post(path, {}, format="json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith(f"hook_{made.json()['prefix']}_")
    assert client.post(path, {}, format="json").json()["code"] == "webhook_exists"
    changed = client.patch(path, {"allowed_networks": ["203.0.113.7"], "template": "{action}"}, format="json").json()
    assert (changed["allowed_networks"], changed["template"]) == (["203.0.113.7"], "{action}")
    assert "secret" not in changed
    wrong = client.patch(path, {"template": "{what}"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_template")
    assert client.patch(path, {"allowed_networks": ["here"]}, format="json").status_code == 400
    assert client.delete(path).status_code == 204
    assert not StrategyWebhook.objects.exists()
    actions = set(AuditEvent.objects.filter(action__startswith="webhook.").values_list("action", flat=True))
    assert actions == {"webhook.created", "webhook.changed", "webhook.deleted"}


def test_anothers_webhook_is_not_there(hook, strategy, other_trader, client_for):
    client, path = client_for(other_trader), f"/api/strategies/{strategy.pk}/webhook"
    assert [client.get(path).status_code, client.post(f"{path}/rotate").status_code] == [404, 404]
    assert client.post(path, {}, format="json").status_code == 404

"""Alerts: raised once, told of, acknowledged, and over with their cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.alerts import services
from apps.alerts.models import Alert, Severity
from apps.alerts.selectors import alerts_of, open_alerts_of
from apps.alerts.services import AlertIsOver, Finding, NotYourAlert, alert_acknowledge, alerts_prune, alerts_settle
from tests.builders import make_alert
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None]]:
    """Return what the streams hear, as messages and owners."""
    heard: list[tuple[str, int | None]] = []

    def hear(topic: str, data: dict[str, Any], *, owner_id: int | None = None) -> None:
        heard.append((f"{data['message']}{' (over)' if data['resolved_at'] else ''}", owner_id))

    monkeypatch.setattr(services, "publish", hear)
    return heard


def test_a_fault_is_one_alert_from_its_beginning_to_its_end(told: list[tuple[str, int | None]]) -> None:
    for message in ("stale", "stale", "staler"):
        alerts_settle("feed_stale", {"feed:1": Finding(message, Severity.CRITICAL)})
    alert = Alert.objects.get()
    assert (alert.message, alert.severity, alert.is_open) == ("staler", "critical", True)
    alerts_settle("feed_stale", {})
    alerts_settle("feed_stale", {})
    alert.refresh_from_db()
    assert not alert.is_open
    assert told == [("stale", None), ("staler", None), ("staler (over)", None)]
    alerts_settle("feed_stale", {"feed:1": Finding("again")})
    assert Alert.objects.filter(resolved_at=None).get().pk != alert.pk


def test_other_kinds_and_subjects_are_left_alone(trader: User) -> None:
    alerts_settle("feed_stale", {"feed:1": Finding("a"), "feed:2": Finding("b", owner_id=trader.pk)})
    alerts_settle("gaps", {"feed:1": Finding("c")})
    alerts_settle("feed_stale", {"feed:2": Finding("b")})
    assert sorted(Alert.objects.filter(resolved_at=None).values_list("code", "subject")) == [
        ("feed_stale", "feed:2"),
        ("gaps", "feed:1"),
    ]


def test_everybody_sees_what_concerns_everybody_and_their_own(trader: User, other_trader: User, admin: User) -> None:
    mine, common = make_alert(trader), make_alert()
    assert set(alerts_of(trader)) == {mine, common} == set(alerts_of(admin))
    assert set(alerts_of(other_trader)) == {common}


def test_who_has_seen_to_it_is_recorded(trader: User, other_trader: User, admin: User) -> None:
    mine, common = make_alert(trader), make_alert()
    for user, alert in ((other_trader, mine), (trader, common)):
        with pytest.raises(NotYourAlert):
            alert_acknowledge(alert=alert, user=user)
    alert_acknowledge(alert=mine, user=trader)
    alert_acknowledge(alert=common, user=admin)
    assert not open_alerts_of(trader).exists()
    mine.refresh_from_db()
    assert (mine.acknowledged_by, mine.is_open) == (trader, True)
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 2
    Alert.objects.update(resolved_at=timezone.now())
    with pytest.raises(AlertIsOver):
        alert_acknowledge(alert=mine, user=trader)


def test_old_alerts_are_deleted_and_open_ones_never() -> None:
    long_ago = timezone.now() - timedelta(days=91)
    old, young, still = make_alert(), make_alert(), make_alert()
    Alert.objects.filter(pk=old.pk).update(resolved_at=long_ago)
    Alert.objects.filter(pk=young.pk).update(resolved_at=timezone.now())
    Alert.objects.filter(pk=still.pk).update(created_at=long_ago)
    assert alerts_prune() == 1
    assert set(Alert.objects.all()) == {young, still}


def test_the_api_lists_shows_and_acknowledges(trader: User, client_for: ClientFor) -> None:
    alert, over = make_alert(trader), make_alert(resolved_at=timezone.now(), severity="info")
    client = client_for(trader)
    assert [row["id"] for row in client.get("/api/alerts").json()["results"]] == [str(over.pk), str(alert.pk)]
    assert [row["id"] for row in client.get("/api/alerts", {"open": "true"}).json()["results"]] == [str(alert.pk)]
    assert [row["id"] for row in client.get("/api/alerts", {"severity": "info"}).json()["results"]] == [str(over.pk)]
    assert client.get("/api/alerts", {"opne": "true"}).status_code == 400
    done = client.post(f"/api/alerts/{alert.pk}/acknowledge")
    assert (done.status_code, done.json()["acknowledged_by"]) == (200, "trader")
    refused = client.post(f"/api/alerts/{over.pk}/acknowledge")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_alert")

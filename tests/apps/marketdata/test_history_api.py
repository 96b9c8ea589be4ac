"""Gaps and downloads through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import AuditEvent, Role
from apps.accounts.services import session_begin
from apps.marketdata.models import Download, Gap, Outage
from tests.builders import make_history, make_instrument, make_user

pytestmark = pytest.mark.django_db
MONDAY = datetime(2024, 3, 4, tzinfo=UTC)


def client_of(role: Role = Role.TRADER) -> APIClient:
    client = APIClient()
    token = session_begin(user=make_user(role.value.lower(), role=role)).access
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_anybody_reads_the_gaps_and_why_they_are() -> None:
    make_history(make_instrument())
    outage = Outage.objects.get()
    Gap.objects.update(outage=outage, status="explained")
    (row,) = APIClient().get("/api/market-data/gaps", {"symbol": "BTC/USD", "status": "explained"}).json()["results"]
    assert (row["symbol"], row["source"], row["missing"], row["note"]) == ("BTC/USD", "okx", 3, "Maintenance.")
    assert APIClient().get("/api/market-data/gaps", {"status": "open"}).json()["results"] == []


def test_a_gap_is_fetched_by_who_may_and_recorded() -> None:
    make_history(make_instrument())
    Download.objects.all().delete()
    gap = Gap.objects.get()
    place = f"/api/market-data/gaps/{gap.pk}/backfill"
    assert client_of(Role.VIEWER).post(place).status_code == 403
    answer = client_of().post(place)
    assert answer.status_code == 202
    assert (answer.json()["start"], answer.json()["status"]) == ("2024-03-01T12:00:00Z", "pending")
    assert Download.objects.get().end - Download.objects.get().start == timedelta(hours=3)
    assert AuditEvent.objects.filter(action="download.requested").count() == 1


def test_a_gap_of_a_file_cannot_be_fetched() -> None:
    make_history(make_instrument())
    Gap.objects.update(source="csv")
    answer = client_of().post(f"/api/market-data/gaps/{Gap.objects.get().pk}/backfill")
    assert (answer.status_code, answer.json()["code"]) == (409, "gap_not_fillable")


def test_a_download_is_asked_for_followed_and_canceled() -> None:
    make_instrument("BTC/USDT")
    client = client_of()
    asked = {"symbol": "BTC/USDT", "timeframe": "1h", "source": "okx", "start": MONDAY.isoformat()}
    made = client.post("/api/market-data/downloads", {**asked, "end": "2024-03-08T00:00:00Z"}, format="json")
    assert made.status_code == 202, made.json()
    Download.objects.update(cursor=MONDAY + timedelta(days=1))
    place = f"/api/market-data/downloads/{made.json()['id']}"
    assert client.get(place).json()["progress"] == 25
    assert client.post(f"{place}/cancel").json()["status"] == "canceled"
    again = client.post(f"{place}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "download_is_over")
    assert client.get("/api/market-data/downloads", {"status": "pending"}).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": "nowhere"}, "invalid_download"),
        ({"start": "2999-01-01T00:00:00Z"}, "invalid_download"),
        ({"symbol": "NO/SUCH"}, "unknown_symbol"),
        ({"timeframe": "2h"}, "invalid_choice"),
    ],
)
def test_what_cannot_be_fetched_is_refused(change: dict[str, str], code: str) -> None:
    make_instrument("BTC/USDT")
    asked = {"symbol": "BTC/USDT", "timeframe": "1h", "source": "okx", "start": MONDAY.isoformat(), **change}
    answer = client_of().post("/api/market-data/downloads", asked, format="json")
    assert answer.status_code == 400
    assert code in answer.content.decode()
    assert not Download.objects.exists()

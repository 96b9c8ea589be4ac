"""Testing a connection: what its key may do, asked by a worker, kept on the row for everybody who looks at it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.broker import KeyRights
from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable, TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.brokers.metrics import CONNECTION_TESTS
from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import gateway_of, types_that_rest
from apps.common.jobs import enqueue

log = structlog.get_logger(__name__)


class NothingToTest(TradingError):
    """The connection has no key to test."""

    code = "credentials_missing"


def connection_test_ask(*, connection: BrokerConnection, actor: User) -> BrokerConnection:
    """Let a worker test a connection; the row tells how it went."""
    with transaction.atomic():
        row = BrokerConnection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
        if not row.is_paper and not row.has_credentials:
            raise NothingToTest(f"Connection {row.name} has no key to test; set its credentials first.")
        row.test_result = {**row.test_result, "asked_at": timezone.now().isoformat()}
        row.save(update_fields=["test_result", "updated_at"])
        enqueue("brokers.test_connection", str(row.pk), actor.pk)
    return row


def connection_test(*, connection_id: uuid.UUID, actor_id: int, now: datetime) -> BrokerConnection:
    """Ask the venue what the key may do and which orders rest there, and keep the answer.

    Where the key was changed meanwhile the answer is of another one, and is dropped.
    """
    connection = BrokerConnection.objects.select_related("owner").get(pk=connection_id)
    result = _asked(connection)
    with transaction.atomic():
        row = BrokerConnection.objects.select_for_update(of=("self",)).get(pk=connection_id)
        if (row.credentials_at, row.sandbox) != (connection.credentials_at, connection.sandbox):
            log.info("connection_test_outdated", connection=str(connection_id))
            return row
        if "rests" not in result and row.test_result.get("rests"):
            result["rests"] = row.test_result["rests"]
        row.tested_at, row.test_result = now, result
        row.save(update_fields=["tested_at", "test_result", "updated_at"])
        told = {name: result.get(name) for name in ("ok", "code", "can_trade", "can_withdraw", "is_ip_restricted")}
        audit(Action.CONNECTION_TESTED, user=User.objects.filter(pk=actor_id).first(), target=row, result=told)
    CONNECTION_TESTS.labels(row.exchange or row.kind, "ok" if result["ok"] else result["code"]).inc()
    return row


def _asked(connection: BrokerConnection) -> dict[str, Any]:
    try:
        rights = gateway_of(connection).key_rights()
        rests = types_that_rest(connection)
    except (BrokerRejected, BrokerUnavailable) as error:
        return {"ok": False, "code": error.code, "message": error.message}
    return {"ok": rights.can_read, "code": "", "message": "", "rests": sorted(rests), **_told(rights)}


def _told(rights: KeyRights) -> dict[str, Any]:
    return {
        "can_read": rights.can_read,
        "can_trade": rights.can_trade,
        "can_withdraw": rights.can_withdraw,
        "is_ip_restricted": rights.is_ip_restricted,
        "warnings": list(rights.warnings),
    }

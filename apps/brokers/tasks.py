"""What workers do for connections: ccxt is loaded there, and not in web servers."""

from __future__ import annotations

import uuid

from celery import shared_task
from django.utils import timezone

from apps.brokers import services


@shared_task(name="brokers.test_connection")
def test_connection(connection_id: str, actor_id: int) -> bool:
    """Ask a venue what a connection's key may do."""
    connection = services.connection_test(connection_id=uuid.UUID(connection_id), actor_id=actor_id, now=timezone.now())
    return bool(connection.test_result.get("ok"))

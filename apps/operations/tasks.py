"""The recurring jobs that keep the platform in order."""

from __future__ import annotations

from celery import shared_task

from apps.operations import pruning
from apps.operations.heartbeat import heartbeat_record


@shared_task(name="operations.heartbeat", ignore_result=True)
def heartbeat() -> float:
    """Show that beat and a worker are at work."""
    return heartbeat_record()


@shared_task(name="operations.prune")
def prune() -> dict[str, int]:
    """Delete what has expired."""
    return pruning.prune()

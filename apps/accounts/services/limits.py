"""Changing how often the users of a tier may call."""

from __future__ import annotations

import structlog
from django.db import transaction

from apps.accounts.models import RateLimit, User

log = structlog.get_logger(__name__)


@transaction.atomic
def rate_limit_set(*, limit: RateLimit, actor: User) -> RateLimit:
    """Put a limit in the place of the settings'; every process goes by it within seconds. Raises ValidationError."""
    limit.changed_by = actor
    limit.full_clean()
    limit.save()
    log.info(
        "rate_limit_set",
        tier=limit.tier,
        scope=limit.scope,
        requests_per_minute=limit.requests_per_minute,
        burst_per_second=limit.burst_per_second,
        actor=actor.pk,
    )
    return limit


@transaction.atomic
def rate_limit_restore(*, limit: RateLimit, actor: User) -> None:
    """Let the settings' limit hold again."""
    limit.delete()
    log.info("rate_limit_restored", tier=limit.tier, scope=limit.scope, actor=actor.pk)

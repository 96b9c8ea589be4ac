"""Writing the audit trail."""

from __future__ import annotations

from typing import Any

import structlog
from django.db.models import Model

from apps.accounts.metrics import AUDIT_EVENTS
from apps.accounts.models import Action, AuditEvent, User, Via
from apps.common.correlation import current_id
from apps.common.gathering import row_add
from apps.common.origin import current_origin, printable

log = structlog.get_logger(__name__)


def audit(
    action: Action, *, user: User | None = None, name: str = "", target: Model | None = None, **details: Any
) -> AuditEvent:
    """Record that the user did this to the target, with where the request came from.

    Without a user it was the one whose request is being answered; `name` is what somebody called themselves who is
    not known. Details hold no secrets. Called inside a transaction, the record stands or falls with what it records.
    """
    origin = current_origin()
    who = user.pk if user else origin.user_id
    event = AuditEvent(
        action=action,
        user_id=who,
        username=printable(user.username if user else name or origin.username)[:254],
        target_kind=str(target._meta.verbose_name)[:50] if target else "",
        target_id=str(target.pk) if target else "",
        target=str(target)[:200] if target else "",
        details=details,
        via=origin.via or Via.PLATFORM,
        credential=origin.credential,
        ip=origin.ip,
        user_agent=origin.user_agent,
        correlation_id=current_id(),
    )
    row_add(event)
    AUDIT_EVENTS.labels(action.value).inc()
    log.info("audit", action=action.value, user=who, target=event.target_id, ip=origin.ip)
    return event

"""Moving secrets at rest to a new key."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.common.encryption import Undecipherable, renew, sealed_fields


def secrets_rotate() -> tuple[int, int]:
    """Encrypt every secret by the newest of ENCRYPTION_KEYS; return how many were, and how many no key opens."""
    renewed = lost = 0
    for model, field in sealed_fields():
        rows: Any = model._default_manager
        for row_id in rows.exclude(**{field: ""}).values_list("pk", flat=True):
            is_renewed = _renew(rows, row_id, field)
            renewed, lost = renewed + is_renewed, lost + (not is_renewed)
    return renewed, lost


@transaction.atomic
def _renew(rows: Any, row_id: Any, field: str) -> bool:
    row = rows.select_for_update(of=("self",)).get(pk=row_id)
    try:
        setattr(row, field, renew(getattr(row, field)))
    except Undecipherable:
        return False
    row.save(update_fields=[field])
    return True

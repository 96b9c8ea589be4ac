"""Moving secrets at rest to a new key."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import Authenticator
from apps.common.encryption import Undecipherable, renew


def secrets_rotate() -> tuple[int, int]:
    """Encrypt every secret by the newest of ENCRYPTION_KEYS; return how many were, and how many no key opens."""
    renewed = lost = 0
    for device_id in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            device = Authenticator.objects.select_for_update().get(pk=device_id)
            try:
                device.encrypted_secret = renew(device.encrypted_secret)
            except Undecipherable:
                lost += 1
                continue
            device.save(update_fields=["encrypted_secret"])
            renewed += 1
    return renewed, lost

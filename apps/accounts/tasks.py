"""Letters; sent again where the mail server does not answer. A letter's token is made when it is sent, not queued."""

from __future__ import annotations

from smtplib import SMTPException

from celery import shared_task

from apps.accounts.services import letters

TRANSIENT = {
    "autoretry_for": (SMTPException, OSError),
    "max_retries": 5,
    "retry_backoff": 5,
    "retry_backoff_max": 120,
    "retry_jitter": True,
}


@shared_task(name="accounts.send_verification", **TRANSIENT)
def send_verification(user_id: int) -> bool:
    """Send the link that proves an address."""
    return letters.send_verification(user_id=user_id)


@shared_task(name="accounts.send_known_address", **TRANSIENT)
def send_known_address(user_id: int) -> bool:
    """Tell the owner of an address that it was registered again."""
    return letters.send_known_address(user_id=user_id)


@shared_task(name="accounts.send_password_reset", **TRANSIENT)
def send_password_reset(user_id: int) -> bool:
    """Send the link that sets a new password."""
    return letters.send_password_reset(user_id=user_id)

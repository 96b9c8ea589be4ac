"""What is sent by e-mail."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail

from apps.accounts.models import User
from apps.accounts.services.passwords import reset_token
from apps.accounts.services.registration import LINK_DAYS, verification_token


def send_verification(*, user_id: int) -> bool:
    """Send the link that proves an address; tell whether there was a reason to."""
    user = User.objects.filter(pk=user_id, awaits_verification=True, is_active=True).first()
    if user is None:
        return False
    link = _link("verify-email", verification_token(user))
    return _send(
        user,
        "Confirm your e-mail address",
        f"open this link within {LINK_DAYS} days to start using your account:\n\n{link}\n\n"
        "If you did not register, do nothing: without this the account cannot be used.",
    )


def send_known_address(*, user_id: int) -> bool:
    """Tell the owner of an address that somebody has tried to register it again."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    return _send(
        user,
        "You have an account already",
        "somebody, maybe you, has tried to register this address, which has an account already. "
        f"If you have forgotten its password, ask for a new one:\n\n{settings.WEB_URL}/account/forgot-password\n\n"
        "If it was not you, there is nothing to do.",
    )


def send_password_reset(*, user_id: int) -> bool:
    """Send the link that sets a new password."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    return _send(
        user,
        "Set a new password",
        f"open this link within an hour to set a new password:\n\n{_link('reset-password', reset_token(user))}\n\n"
        "If you did not ask for this, do nothing: your password stays as it is.",
    )


def _link(page: str, token: str) -> str:
    """Return the page's address; behind the # nothing reaches a server or its logs."""
    return f"{settings.WEB_URL}/account/{page}#{token}"


def _send(user: User, subject: str, text: str) -> bool:
    body = f"Hello {user.username},\n\n{text}\n\nAlgoTrendy at {settings.WEB_URL}\n"
    return bool(send_mail(f"AlgoTrendy: {subject}", body, None, [user.email]))

"""The second factor: one-time passwords (RFC 6238) and backup codes.

Five wrong codes lock the second factor for a quarter of an hour, whoever tries. A password is taken once: a step that
was used, or is older than one that was, does not count again.
"""

from __future__ import annotations

import math
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

import segno
import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP

from apps.accounts.errors import Locked, MfaState, NotAllowed, SignInRefused
from apps.accounts.metrics import SIGN_INS
from apps.accounts.models import Action, Authenticator, BackupCode, User
from apps.accounts.services.access import access_changed
from apps.accounts.services.audit import audit
from apps.common.encryption import decrypt, encrypt

log = structlog.get_logger(__name__)
ISSUER = "AlgoTrendy"
MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
BACKUP_CODES = 10
SECRET_BYTES = 20
STEP = 30
DIGITS = 6
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without letters and digits that are taken for one another."""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """What an authenticator app needs; shown until the first code from it has come back."""

    secret: str
    """In base 32, for typing."""
    uri: str
    qr_code: str
    """The URI as an SVG picture in a data: address."""


@transaction.atomic
def mfa_enroll(*, user: User) -> Enrollment:
    """Return a new secret for an authenticator app; it does not count until `mfa_confirm`. Raises MfaState."""
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user).exclude(confirmed_at=None).exists():
        raise MfaState("A second factor is on already; switch it off first, to enroll another device.")
    secret = secrets.token_bytes(SECRET_BYTES)
    fresh = {"encrypted_secret": encrypt(secret.hex()), "last_step": -1, "failures": 0, "locked_until": None}
    Authenticator.objects.update_or_create(user=user, defaults=fresh)
    return _enrollment(user, secret)


def mfa_pending(*, user: User) -> Enrollment | None:
    """Return once more what was enrolled and is not confirmed yet; None where there is nothing."""
    device = Authenticator.objects.filter(user=user, confirmed_at=None).first()
    return _enrollment(user, bytes.fromhex(decrypt(device.encrypted_secret))) if device else None


@transaction.atomic
def mfa_confirm(*, user: User, code: str) -> list[str]:
    """Switch the second factor on, proved by a code from the app; return the backup codes, which are shown once.

    Raises MfaState where nothing was enrolled, SignInRefused for a wrong code.
    """
    device = Authenticator.objects.select_for_update().filter(user=user).first()
    if device is None or device.confirmed_at is not None:
        raise MfaState("There is nothing to confirm; enroll a device first.")
    if not _is_next_password(device, code):
        raise SignInRefused("The code is wrong; check the clock of your device.", code="wrong_code")
    device.confirmed_at = timezone.now()
    device.save()
    access_changed(user, ends_sessions=False)
    audit(Action.MFA_ENROLLED, user=user, target=user)
    return _new_backup_codes(device)


def mfa_check(*, user: User, code: str) -> None:
    """Take a one-time password or a backup code; raise SignInRefused for a wrong one, Locked after too many."""
    refusal = _taken(user, code)
    if refusal is not None:
        SIGN_INS.labels("mfa_refused").inc()
        raise refusal


@transaction.atomic
def mfa_disable(*, user: User) -> None:
    """Switch the second factor off; raise NotAllowed for those who must have one."""
    device = Authenticator.objects.select_for_update().filter(user=user).first()
    if device is None or device.confirmed_at is None:
        raise MfaState("There is no second factor to switch off.")
    if _is_required_of(user):
        raise NotAllowed("Administrators need a second factor on this platform.")
    device.delete()
    access_changed(user, ends_sessions=False)
    audit(Action.MFA_DISABLED, user=user, target=user)


@transaction.atomic
def mfa_reset(*, user: User) -> None:
    """Take a user's second factor away for one who has lost it; done by an administrator. Ends all sessions."""
    if not Authenticator.objects.filter(user=user).delete()[0]:
        raise MfaState("This user has no second factor.")
    access_changed(user)
    audit(Action.MFA_DISABLED, target=user)


@transaction.atomic
def backup_codes_renew(*, user: User) -> list[str]:
    """Return new backup codes in the place of the old ones; raise MfaState without a second factor."""
    device = Authenticator.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).first()
    if device is None:
        raise MfaState("Switch a second factor on first.")
    audit(Action.MFA_CODES_RENEWED, user=user, target=user)
    return _new_backup_codes(device)


@transaction.atomic
def _taken(user: User, code: str) -> SignInRefused | Locked | None:
    """Use the code up and return None, or return the refusal; failures are counted either way."""
    device = Authenticator.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).first()
    if device is None:
        return SignInRefused("There is no second factor.", code="wrong_code")
    now = timezone.now()
    if device.is_locked(now):
        return _locked(device)
    if _is_next_password(device, code) or _is_backup_code(device, code, user):
        device.failures, device.locked_until = 0, None
        device.save()
        return None
    device.failures += 1
    audit(Action.MFA_FAILED, user=user, failures=device.failures)
    if device.failures >= MAX_FAILURES:
        device.failures, device.locked_until = 0, now + LOCKED_FOR
        audit(Action.MFA_LOCKED, user=user)
    device.save()
    return _locked(device) if device.locked_until else SignInRefused("The code is wrong.", code="wrong_code")


def _locked(device: Authenticator) -> Locked:
    until = device.locked_until or timezone.now()
    seconds = max(1, math.ceil((until - timezone.now()).total_seconds()))
    return Locked(f"Too many wrong codes; try again in {math.ceil(seconds / 60)} min.", retry_after=seconds)


def _is_next_password(device: Authenticator, code: str) -> bool:
    """Tell whether it is a password of now or of the step before or after, and none that was used."""
    given = code.replace(" ", "")
    if not (given.isascii() and given.isdigit() and len(given) == DIGITS):
        return False
    totp = TOTP(bytes.fromhex(decrypt(device.encrypted_secret)), step=STEP, digits=DIGITS)
    totp.time = timezone.now().timestamp()
    if not totp.verify(int(given), tolerance=1, min_t=device.last_step + 1):
        return False
    device.last_step = totp.t()
    return True


def _is_backup_code(device: Authenticator, code: str, user: User) -> bool:
    digest = _digest(code.replace("-", "").replace(" ", "").upper())
    used = BackupCode.objects.filter(authenticator=device, digest=digest, used_at=None).update(used_at=timezone.now())
    if used:
        left = BackupCode.objects.filter(authenticator=device, used_at=None).count()
        audit(Action.MFA_BACKUP_USED, user=user, left=left)
    return bool(used)


def _new_backup_codes(device: Authenticator) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(BACKUP_CODES)]
    device.backup_codes.all().delete()
    BackupCode.objects.bulk_create(BackupCode(authenticator=device, digest=_digest(code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _digest(code: str) -> str:
    return salted_hmac("algotrendy.backup_code", code, algorithm="sha256").hexdigest()


def _is_required_of(user: User) -> bool:
    return bool(settings.MFA_REQUIRED_FOR_ADMINS) and user.is_admin


def _enrollment(user: User, secret: bytes) -> Enrollment:
    typed = b32encode(secret).decode()
    label = quote(f"{ISSUER}:{user.username}")
    uri = f"otpauth://totp/{label}?" + urlencode(
        {"secret": typed, "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP}
    )
    return Enrollment(typed, uri, segno.make(uri, micro=False).svg_data_uri(scale=4, border=2))

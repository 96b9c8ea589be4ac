"""Guessing passwords: too many wrong ones for an account from an address lock that pair out for a while.

django-axes counts, in the database. The pair is locked and not the account, so that nobody can lock a stranger out;
guessing from many addresses is slowed by a limit on the account's name.
"""

from __future__ import annotations

import math
from typing import Any

import structlog
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.errors import Locked, SignInRefused
from apps.accounts.metrics import SIGN_INS
from apps.accounts.models import Action, User
from apps.accounts.selectors import user_named
from apps.accounts.services.audit import audit
from apps.common.client_ip import client_ip
from apps.common.limits.counting import counter
from apps.common.limits.windows import Tally, window

log = structlog.get_logger(__name__)
WRONG = "User name or password is wrong."


def account_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return under which name an attempt is counted: that of the account, whichever of its names was given."""
    given = (credentials or {}).get("username") or (request.POST.get("username", "") if request else "")
    user = user_named(str(given))
    return user.username if user else str(given).lower()[:150]


def password_checked(*, username: str, password: str, request: HttpRequest) -> User:
    """Return the user of this name and password; raise SignInRefused, always in the same words, or Locked."""
    _slow_down_guessing(username, request)
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        raise _locked(username, request)
    user = authenticate(request, username=username, password=password)
    if isinstance(user, User):
        reset(username=user.username, ip=client_ip(request))
        return user
    SIGN_INS.labels("refused").inc()
    audit(Action.SIGN_IN_FAILED, user=user_named(username), name=username)
    log.warning("sign_in_refused", username=username[:150])
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        audit(Action.SIGN_IN_LOCKED, user=user_named(username), name=username)
        raise _locked(username, request)
    raise SignInRefused(WRONG)


def locked_sign_ins(*, only_locked: bool = True) -> QuerySet[AccessAttempt]:
    """Return the accounts and addresses with wrong attempts that still count; the locked ones unless told otherwise."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    recent: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(attempt_time__gt=since)
    return recent.filter(failures_since_start__gte=settings.AXES_FAILURE_LIMIT) if only_locked else recent


def sign_in_unlock(*, attempt: AccessAttempt) -> int:
    """Take an account's wrong attempts from an address away, so that it is let in again; return how many rows."""
    removed: int = reset(username=attempt.username, ip=attempt.ip_address)
    audit(Action.SIGN_IN_UNLOCKED, name=attempt.username, username=attempt.username, ip=attempt.ip_address)
    return removed


def account_unlock(*, user: User) -> int:
    """Take all wrong attempts for the account away, wherever they came from; return how many rows."""
    removed: int = reset(username=user.username)
    audit(Action.SIGN_IN_UNLOCKED, target=user)
    return removed


def _locked(username: str, request: HttpRequest) -> Locked:
    SIGN_INS.labels("locked").inc()
    name = account_name(request, {"username": username})
    attempts = AccessAttempt.objects.filter(username=name, ip_address=client_ip(request))
    last = attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first() or timezone.now()
    seconds = max(1, math.ceil((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    return Locked(
        f"Too many wrong attempts; try again in {math.ceil(seconds / 60)} min, or ask an administrator to unlock you.",
        retry_after=seconds,
    )


def _slow_down_guessing(username: str, request: HttpRequest) -> None:
    if not settings.RATELIMIT_ENABLE:
        return
    name = account_name(request, {"username": username})
    tally = Tally("sign_in", "account", counter.add([window("sign_in", f"name:{name}", settings.SIGN_INS_OF_A_NAME)]))
    if tally.retry_after:
        SIGN_INS.labels("locked").inc()
        raise Locked("Too many attempts for this account; wait before the next one.", retry_after=tally.retry_after)

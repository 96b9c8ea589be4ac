"""What was recorded and given out: the audit trail, API keys, sign-ins, locked sign-ins."""

from __future__ import annotations

import json
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from apps.accounts.admin.forms import RevokeForm, UnlockForm
from apps.accounts.admin.users import dialog
from apps.accounts.models import ApiKey, ApiSession, AuditEvent
from apps.accounts.selectors import api_keys_visible, audit_visible
from apps.accounts.services import api_key_revoke, sign_in_unlock
from apps.accounts.services.lockout import locked_sign_ins
from apps.common.console import FactAdmin, act, relative_time, status_badge

ALARMING = ("failed", "locked", "reused", "refused", "denied")


@admin.register(AuditEvent)
class AuditEventAdmin(FactAdmin):
    """Who did what, when and from where."""

    visible = staticmethod(audit_visible)
    list_display = ["time", "user_shown", "what", "target", "way", "ip", "correlation"]
    list_filter = ["action", "via", ("at", RangeDateTimeFilter)]
    search_fields = ["username", "target", "target_id", "correlation_id", "ip"]
    fields = [
        ("time", "what"), ("user_shown", "user_id"), ("target_kind", "target", "target_id"), "all_details",
        ("way", "credential", "ip"), "user_agent", "correlation_id",
    ]  # fmt: skip
    readonly_fields = ["all_details"]
    show_full_result_count = False
    empty_hint = "Signing in, changing settings, placing orders: each is recorded here."

    @display(description="Time (UTC)", ordering="id")
    def time(self, event: AuditEvent) -> object:
        return relative_time(event.at)

    @display(description="User", ordering="username")
    def user_shown(self, event: AuditEvent) -> str:
        return event.username or "Platform"

    @display(description="Action", ordering="action")
    def what(self, event: AuditEvent) -> object:
        is_alarming = any(word in event.action for word in ALARMING)
        return status_badge("failed" if is_alarming else "plain", event.get_action_display())

    @display(description="By way of", ordering="via")
    def way(self, event: AuditEvent) -> str:
        return event.get_via_display()

    @display(description="Correlation id", ordering="correlation_id")
    def correlation(self, event: AuditEvent) -> object:
        return format_html('<code title="{0}">{1}</code>', event.correlation_id, event.correlation_id[:12])

    @display(description="Details")
    def all_details(self, event: AuditEvent) -> object:
        return format_html('<pre class="console-json">{}</pre>', json.dumps(event.details, indent=2, sort_keys=True))


@admin.register(ApiKey)
class ApiKeyAdmin(FactAdmin):
    """Keys of all users; each makes and rotates their own on the account page."""

    visible = staticmethod(api_keys_visible)
    list_display = ["name", "user", "prefix", "scopes_shown", "state", "networks", "used", "expires"]
    list_filter = ["user", ("created_at", RangeDateTimeFilter)]
    search_fields = ["name", "prefix", "user__username"]
    fields = [
        ("name", "user", "prefix"), ("scopes_shown", "networks", "requests_per_minute"), ("state", "expires"),
        ("used", "used_from"),
    ]  # fmt: skip
    actions_row = ["revoke"]
    actions_detail = ["revoke"]
    empty_hint = "Programs sign their requests with a key, which its owner makes on the account page."

    def has_revoke_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    @display(description="Scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="Allowed from")
    def networks(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_networks) or "Anywhere"

    @display(description="State")
    def state(self, key: ApiKey) -> object:
        return key_badge(key)

    @display(description="Last used (UTC)", ordering="used_at")
    def used(self, key: ApiKey) -> object:
        return relative_time(key.used_at)

    @display(description="Expires (UTC)", ordering="expires_at")
    def expires(self, key: ApiKey) -> object:
        return relative_time(key.expires_at)

    @action(
        description="Revoke key",
        icon="key_off",
        variant=ActionVariant.DANGER,
        permissions=["revoke"],
        dialog=dialog("Revoke this key?", RevokeForm, "Revoke key"),
    )
    def revoke(self, request: HttpRequest, form: RevokeForm, object_id: str) -> HttpResponse:
        back = reverse("admin:accounts_apikey_changelist")
        return act(request, lambda: api_key_revoke(key=form.row), done=f"{form.row} is revoked.", back=back)


def key_badge(key: ApiKey) -> object:
    """Return whether the key works."""
    if key.revoked_at is not None:
        return status_badge("revoked", "Revoked")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return status_badge("expired", "Expired")
    return status_badge("active", "Active")


@admin.register(ApiSession)
class ApiSessionAdmin(FactAdmin):
    """Sign-ins to the API; no token is kept."""

    list_display = ["user", "state", "since", "renewed", "ip", "user_agent"]
    list_select_related = ["user"]
    search_fields = ["user__username", "ip"]
    fields = [("user", "state"), ("since", "renewed"), ("ip", "user_agent")]

    @display(description="State")
    def state(self, session: ApiSession) -> object:
        if session.ended_at is not None:
            return status_badge("off", "Ended")
        is_over = session.expires_at <= timezone.now()
        return status_badge("expired", "Expired") if is_over else status_badge("active", "Signed in")

    @display(description="Since (UTC)", ordering="created_at")
    def since(self, session: ApiSession) -> object:
        return relative_time(session.created_at)

    @display(description="Last renewed (UTC)", ordering="used_at")
    def renewed(self, session: ApiSession) -> object:
        return relative_time(session.used_at)


@admin.register(AccessAttempt)
class LockedSignInAdmin(FactAdmin):
    """Wrong passwords by account and address; five of them lock the pair for a while."""

    list_display = ["username", "ip_address", "failures_since_start", "state", "last"]
    search_fields = ["username", "ip_address"]
    fields = [("username", "ip_address"), ("failures_since_start", "state", "last"), "user_agent"]
    actions_row = ["unlock"]
    empty_hint = "Wrong passwords are listed here by account and address."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return locked_sign_ins(only_locked=False).order_by("-attempt_time")

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("accounts.view_user")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_unlock_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("accounts.change_user")

    @display(description="State")
    def state(self, attempt: AccessAttempt) -> object:
        is_locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return status_badge("denied", "Locked") if is_locked else status_badge("off", "Counting")

    @display(description="Last attempt (UTC)", ordering="attempt_time")
    def last(self, attempt: AccessAttempt) -> object:
        return relative_time(attempt.attempt_time)

    @action(
        description="Unlock",
        icon="lock_open",
        permissions=["unlock"],
        dialog=dialog("Let this account try again?", UnlockForm, "Unlock", is_danger=False),
    )
    def unlock(self, request: HttpRequest, form: UnlockForm, object_id: str) -> HttpResponse:
        back = reverse("admin:axes_accessattempt_changelist")
        return act(request, lambda: sign_in_unlock(attempt=form.row), done=form.consequence, back=back)

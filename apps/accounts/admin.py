"""Users, roles, given-out tokens and rate limits in the console."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.accounts.models import RateLimit, User
from apps.accounts.selectors import default_rates
from apps.accounts.services.limits import rate_limit_restore, rate_limit_set
from apps.common.console import ConsoleAdmin, FactAdmin, relative_time

for model in (Group, OutstandingToken, BlacklistedToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):
    """Accounts; who trades is kept, deactivate instead of deleting."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_display = ["username", "email", "held_role", "tier", "is_active", "signed_in"]
    list_filter = ["groups", "tier", "is_active"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups"]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "time_zone"]}),
        ("What they may do", {"fields": ["is_active", "is_staff", "groups", "tier", "may_trade_live"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "email", "usable_password", "password1", "password2"]}),
        ("What they may do", {"fields": ["is_staff", "groups", "tier"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(
        description="Role",
        label={"Admin": "danger", "Trader": "primary", "Viewer": "info", "Superuser": "danger"},
    )
    def held_role(self, user: User) -> str:
        return user.role or ("Superuser" if user.is_superuser else "")

    @display(description="Last signed in (UTC)", ordering="last_login")
    def signed_in(self, user: User) -> object:
        return relative_time(user.last_login)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):
    """Roles and their permissions."""

    actions = None


@admin.register(OutstandingToken)
class OutstandingTokenAdmin(FactAdmin):
    """Refresh tokens that were given out; the token itself is shown to nobody."""

    list_display = ["jti", "user", "created_at", "expires_at"]
    list_select_related = ["user"]
    search_fields = ["jti", "user__username"]
    fields = ["user", "jti", "created_at", "expires_at"]


@admin.register(BlacklistedToken)
class BlacklistedTokenAdmin(FactAdmin):
    """Refresh tokens that no longer count."""

    list_display = ["jti", "user", "blacklisted_at"]
    list_select_related = ["token__user"]
    fields = ["jti", "user", "blacklisted_at"]

    @display(description="Token id", ordering="token__jti")
    def jti(self, blacklisted: BlacklistedToken) -> str:
        return blacklisted.token.jti

    @display(description="User", ordering="token__user__username")
    def user(self, blacklisted: BlacklistedToken) -> str:
        return str(blacklisted.token.user or "")


@admin.register(RateLimit)
class RateLimitAdmin(ConsoleAdmin):
    """Limits that differ from the settings'; deleting one restores the default."""

    list_display = ["tier", "scope", "requests_per_minute", "burst_per_second", "default", "changed", "changed_by"]
    list_filter = ["tier", "scope"]
    list_select_related = ["changed_by"]
    readonly_fields = ["default", "changed_at", "changed_by"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        limit = ["tier", "scope", "requests_per_minute", "burst_per_second", "default"]
        return limit if obj is None else [*limit, "changed_at", "changed_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.readonly_fields if obj is None else ["tier", "scope", *self.readonly_fields]

    def save_model(self, request: HttpRequest, obj: RateLimit, form: Any, change: bool) -> None:
        rate_limit_set(limit=obj, actor=cast(User, request.user))

    def delete_model(self, request: HttpRequest, obj: RateLimit) -> None:
        rate_limit_restore(limit=obj, actor=cast(User, request.user))

    @display(description="Default")
    def default(self, limit: RateLimit) -> str:
        """Show the settings' limit of the row, or all of them while the row is not made yet."""
        if limit.pk:
            return _in_words(limit.tier, limit.scope)
        lines = [
            (tier, scope.label.lower(), _in_words(name, scope))
            for name, tier in RateLimit.TIERS
            for scope in RateLimit.Scope
        ]
        return format_html_join("", "<div>{}, {}: {}</div>", lines)

    @display(description="Changed", ordering="changed_at")
    def changed(self, limit: RateLimit) -> object:
        return relative_time(limit.changed_at)


def _in_words(tier: str, scope: str) -> str:
    return ", ".join(rate.replace("/m", " a minute").replace("/s", " a second") for rate in default_rates(tier, scope))

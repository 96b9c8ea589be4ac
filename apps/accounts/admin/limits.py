"""Rate limits in the console."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.decorators import display

from apps.accounts.models import RateLimit, User
from apps.accounts.selectors import default_rates
from apps.accounts.services.limits import rate_limit_restore, rate_limit_set
from apps.common.console import ConsoleAdmin, relative_time


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

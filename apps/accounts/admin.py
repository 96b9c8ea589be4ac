"""Users, roles and given-out tokens in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.accounts.models import User
from apps.common.console import ConsoleAdmin, relative_time

admin.site.unregister(Group)


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

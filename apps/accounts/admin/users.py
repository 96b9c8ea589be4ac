"""Users and roles in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm

from apps.accounts.admin.forms import ResetMfaForm, SignOutForm, UnlockUserForm, UserAddForm, UserEditForm
from apps.accounts.models import Action, AuditEvent, Role, User
from apps.accounts.selectors import users_visible
from apps.accounts.services import (
    access_of,
    access_recorded,
    account_unlock,
    audit,
    mfa_reset,
    require_admin_left,
    sessions_close,
)
from apps.common.console import ConsoleAdmin, act, relative_time, status_badge

admin.site.unregister(Group)
LIST = "admin:accounts_user_changelist"


def dialog(title: str, form: type, submit: str, *, is_danger: bool = True) -> dict[str, Any]:
    return {
        "title": title,
        "form_class": form,
        "form_submit_text": submit,
        "dismiss_text": "Leave it",
        "is_danger": is_danger,
    }


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):
    """Accounts; who trades is kept, switch off instead of deleting."""

    visible = staticmethod(users_visible)
    form = UserEditForm
    add_form = UserAddForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_display = ["person", "held_role", "tier_shown", "state", "mfa", "may_trade_live", "signed_in", "activity"]
    list_filter = ["groups", "tier", "is_active", "may_trade_live"]
    search_fields = ["username", "email", "first_name", "last_name"]
    readonly_fields = ["last_login", "date_joined", "email_verified_at", "mfa"]
    filter_horizontal = ["groups"]
    actions_row = ["sign_out", "unlock", "reset_mfa"]
    actions_detail = ["sign_out", "unlock", "reset_mfa"]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "time_zone"]}),
        ("What they may do", {"fields": ["is_active", "is_staff", "groups", "tier", "may_trade_live"]}),
        ("Proof", {"fields": ["email_verified_at", "mfa", "last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "email", "usable_password", "password1", "password2"]}),
        ("What they may do", {"fields": ["is_staff", "groups", "tier"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        latest = AuditEvent.objects.filter(user_id=OuterRef("pk")).order_by("-id").values("at")[:1]
        return super().get_queryset(request).annotate(active_at=Subquery(latest))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_reset_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("accounts.change_user")

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        form.access_before = access_of(obj) if change else None
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: ModelForm[User], formsets: Any, change: bool) -> None:
        """Save the roles too, then record what the account may do now and let it work at once."""
        super().save_related(request, form, formsets, change)
        require_admin_left(user=form.instance, actor=request.user)
        if form.access_before is None:
            audit(Action.CREATED, target=form.instance, role=form.instance.role)
        else:
            access_recorded(user=form.instance, before=form.access_before)

    @display(description="User", header=True, ordering="username")
    def person(self, user: User) -> list[str]:
        return [user.username, user.email]

    @display(
        description="Role",
        label={"Admin": "danger", "Trader": "primary", "Viewer": "info", "Superuser": "danger"},
    )
    def held_role(self, user: User) -> str:
        return user.role or ("Superuser" if user.is_superuser else "")

    @display(description="Tier", ordering="tier")
    def tier_shown(self, user: User) -> str:
        return user.get_tier_display()

    @display(description="State", ordering="is_active")
    def state(self, user: User) -> object:
        if not user.is_active:
            return status_badge("revoked", "Switched off")
        if user.awaits_verification:
            return status_badge("new", "Awaits letter")
        return status_badge("active", "Active")

    @display(description="Second factor")
    def mfa(self, user: User) -> object:
        if user.has_mfa:
            return status_badge("enabled", "On")
        return status_badge("retry", "Missing") if user.must_enroll_mfa else status_badge("off", "Off")

    @display(description="Last signed in (UTC)", ordering="last_login")
    def signed_in(self, user: User) -> object:
        return relative_time(user.last_login)

    @display(description="Last activity (UTC)", ordering="active_at")
    def activity(self, user: User) -> object:
        return relative_time(getattr(user, "active_at", None))

    @action(
        description="Sign out everywhere",
        icon="logout",
        permissions=["reset"],
        dialog=dialog("Sign this user out?", SignOutForm, "Sign out everywhere"),
    )
    def sign_out(self, request: HttpRequest, form: SignOutForm, object_id: str) -> HttpResponse:
        return act(request, lambda: sessions_close(user=form.row), done=form.consequence, back=reverse(LIST))

    @action(
        description="Unlock sign-in",
        icon="lock_open",
        permissions=["reset"],
        dialog=dialog("Let this user try again?", UnlockUserForm, "Unlock", is_danger=False),
    )
    def unlock(self, request: HttpRequest, form: UnlockUserForm, object_id: str) -> HttpResponse:
        return act(request, lambda: account_unlock(user=form.row), done=form.consequence, back=reverse(LIST))

    @action(
        description="Remove second factor",
        icon="phonelink_erase",
        variant=ActionVariant.DANGER,
        permissions=["reset"],
        dialog=dialog("Remove this user's second factor?", ResetMfaForm, "Remove second factor"),
    )
    def reset_mfa(self, request: HttpRequest, form: ResetMfaForm, object_id: str) -> HttpResponse:
        return act(request, lambda: mfa_reset(user=form.row), done=form.consequence, back=reverse(LIST))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):
    """Roles and their permissions; the platform's own three stay."""

    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        is_ours = obj is not None and obj.name in Role.values
        return not is_ours and super().has_delete_permission(request, obj)

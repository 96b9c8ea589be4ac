"""Each person's own account: details and password, second factor, API keys, sign-ins, what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from algotrendy.trading.errors import TradingError
from apps.accounts import selectors, services
from apps.accounts.admin.account_forms import (
    BackupCodesForm,
    ConfirmMfaForm,
    DetailsForm,
    DisableMfaForm,
    EnrollForm,
    KeyForm,
    PasswordForm,
    RotateForm,
)
from apps.accounts.admin.records import key_badge
from apps.accounts.errors import InvalidAccount
from apps.accounts.models import User

RECENT = 50
SECTIONS = [
    ("account", "Profile"),
    ("account_security", "Second factor"),
    ("account_keys", "API keys"),
    ("account_sessions", "Sign-ins"),
    ("account_activity", "Activity"),
]


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class AccountPage(UnfoldSiteViewMixin, TemplateView):
    """A page with forms, each of which ends in service calls; `do` says in which of them a form has been sent."""

    permission_required = ()
    name = ""
    forms: dict[str, type[forms.Form]] = {}

    @property
    def user(self) -> User:
        user: User = self.request.user  # type: ignore[assignment]
        return user

    def has_permission(self) -> bool:
        return True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = request.POST.get("do", "")
        act: Callable[[Any], HttpResponse | None] | None = getattr(self, f"do_{chosen}", None)
        if act is None:
            raise Http404
        form = self.forms[chosen](request.POST, prefix=chosen) if chosen in self.forms else None
        if form is not None and not form.is_valid():
            return self.shown(**{f"{chosen}_form": form})
        try:
            answer = act(form.cleaned_data if form is not None else request.POST)
        except InvalidAccount as error:
            for name, texts in error.errors.items():
                known = form is not None and name in form.fields
                form.add_error(name if known else None, texts) if form else messages.error(request, error.message)
            return self.shown(**{f"{chosen}_form": form}) if form else self.back()
        except TradingError as error:
            messages.error(request, error.message)
            return self.back()
        return answer or self.back()

    def back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{self.name}"))

    def shown(self, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context))

    def confirm(self, values: dict[str, Any]) -> None:
        services.password_confirm(user=self.user, password=values["current_password"], request=self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        for name, form in self.forms.items():
            context.setdefault(f"{name}_form", form(prefix=name, initial=self.initial(name)))
        tabs = [(title, reverse(f"admin:{name}"), name == self.name) for name, title in SECTIONS]
        return context | {"sections": tabs, "title": "My account", "must_enroll": self.user.must_enroll_mfa}

    def initial(self, form: str) -> dict[str, Any]:
        return {}


class ProfilePage(AccountPage):
    title = "My account"
    name = "account"
    template_name = "accounts/account/profile.html"
    forms = {"details": DetailsForm, "password": PasswordForm}

    def initial(self, form: str) -> dict[str, Any]:
        user = self.user
        return {name: getattr(user, name) for name in ("first_name", "last_name", "email", "time_zone")}

    def do_details(self, values: dict[str, Any]) -> None:
        changes = {name: values[name] for name in ("first_name", "last_name", "email", "time_zone")}
        if changes["email"].strip().lower() != self.user.email:
            self.confirm(values)
        services.account_change(user=self.user, **changes)
        messages.success(self.request, "Your details are saved.")

    def do_password(self, values: dict[str, Any]) -> None:
        self.confirm(values)
        services.password_change(user=self.user, new_password=values["new_password"])
        self.user.refresh_from_db()
        update_session_auth_hash(self.request, self.user)
        messages.success(self.request, "Your password is changed. Every other session and token has ended.")


class SecurityPage(AccountPage):
    title = "My account"
    name = "account_security"
    template_name = "accounts/account/security.html"
    forms = {"enroll": EnrollForm, "confirm": ConfirmMfaForm, "disable": DisableMfaForm, "codes": BackupCodesForm}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"mfa": selectors.mfa_state(self.user)}

    def do_enroll(self, values: dict[str, Any]) -> HttpResponse:
        self.confirm(values)
        return self.shown(enrollment=services.mfa_enroll(user=self.user))

    def do_confirm(self, values: dict[str, Any]) -> HttpResponse:
        try:
            codes = services.mfa_confirm(user=self.user, code=values["code"])
        except TradingError as error:
            form = ConfirmMfaForm(self.request.POST, prefix="confirm")
            form.add_error("code", error.message)
            return self.shown(confirm_form=form, enrollment=services.mfa_pending(user=self.user))
        messages.success(self.request, "Your second factor is on.")
        return self.shown(backup_codes=codes)

    def do_disable(self, values: dict[str, Any]) -> None:
        self.confirm(values)
        services.mfa_check(user=self.user, code=values["code"])
        services.mfa_disable(user=self.user)
        messages.success(self.request, "Your second factor is off.")

    def do_codes(self, values: dict[str, Any]) -> HttpResponse:
        self.confirm(values)
        services.mfa_check(user=self.user, code=values["code"])
        return self.shown(backup_codes=services.backup_codes_renew(user=self.user))


class KeysPage(AccountPage):
    title = "My account"
    name = "account_keys"
    template_name = "accounts/account/keys.html"
    forms = {"create": KeyForm, "rotate": RotateForm}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        keys = [(key, key_badge(key)) for key in selectors.api_keys_of(self.user)]
        return super().get_context_data(**kwargs) | {"keys": keys, "web_url": settings.WEB_URL}

    def do_create(self, values: dict[str, Any]) -> HttpResponse:
        self.confirm(values)
        wanted = {name: value for name, value in values.items() if name != "current_password"}
        key, text = services.api_key_create(user=self.user, **wanted)
        return self.shown(new_key=key, new_text=text)

    def do_rotate(self, values: dict[str, Any]) -> HttpResponse:
        key = self._key(values["key"])
        self.confirm(values)
        key, text = services.api_key_rotate(key=key)
        return self.shown(new_key=key, new_text=text)

    def do_revoke(self, values: dict[str, Any]) -> None:
        key = services.api_key_revoke(key=self._key(values.get("key", "")))
        messages.success(self.request, f"{key} is revoked.")

    def _key(self, key_id: object) -> Any:
        return _own(selectors.api_keys_of(self.user), key_id)


class SessionsPage(AccountPage):
    title = "My account"
    name = "account_sessions"
    template_name = "accounts/account/sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"api_sessions": selectors.sessions_of(self.user)[:RECENT]}

    def do_end(self, values: dict[str, Any]) -> None:
        services.session_close(session=_own(selectors.sessions_of(self.user), values.get("session", "")))
        messages.success(self.request, "The sign-in has ended.")

    def do_end_all(self, values: dict[str, Any]) -> None:
        services.sessions_close(user=self.user)
        messages.success(self.request, "You are signed out of the API everywhere.")


class ActivityPage(AccountPage):
    title = "My account"
    name = "account_activity"
    template_name = "accounts/account/activity.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        events = selectors.audit_of(self.user)[:RECENT]
        return super().get_context_data(**kwargs) | {"events": events}


def _own(rows: Any, row_id: object) -> Any:
    """Return the row of one's own; another's is as good as missing."""
    try:
        row = rows.filter(pk=row_id).first()
    except (ValueError, ValidationError):
        row = None
    if row is None:
        raise Http404
    return row

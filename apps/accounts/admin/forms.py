"""Making and changing accounts in the console."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from unfold.forms import UserChangeForm, UserCreationForm

from apps.accounts.models import ApiKey, ApiSession, User
from apps.accounts.selectors import api_keys_visible, users_visible
from apps.accounts.services.lockout import locked_sign_ins
from apps.common.console import ConfirmForm


class NamesMixin:
    """Hold names and addresses to what signing in needs: one account for each."""

    cleaned_data: dict[str, str]

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if "@" in name:
            raise forms.ValidationError("A user name takes no @; signing in by e-mail address works besides.")
        return name

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].strip().lower()
        mine = getattr(self, "instance", None)
        if User.objects.exclude(pk=mine.pk if mine else None).filter(email__iexact=email).exists():
            raise forms.ValidationError("Another account has this e-mail address.")
        return email


class UserAddForm(NamesMixin, UserCreationForm):  # type: ignore[misc]
    pass


class UserEditForm(NamesMixin, UserChangeForm):  # type: ignore[misc]
    pass


class UserDialog(ConfirmForm):
    """Ask before something is done to another's account."""

    effect = ""

    def rows(self) -> QuerySet[User]:
        return users_visible(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        user: User = self.row
        self.consequence = self.effect.format(user=user.username)
        return [("User", user.username), ("E-mail address", user.email), ("Role", user.role or "None")]


class SignOutForm(UserDialog):
    effect = "{user} is signed out of the API everywhere, and signs in again."

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        count = ApiSession.objects.filter(user=self.row, ended_at=None).count()
        return [*facts, ("Sign-ins to the API", count)]


class ResetMfaForm(UserDialog):
    effect = "{user} signs in with the password alone until a new device is enrolled."

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        if not self.row.has_mfa:
            self.may_submit, self.consequence = False, "This user has no second factor."
        return facts


class UnlockUserForm(UserDialog):
    effect = "Wrong attempts for {user} are forgotten, wherever they came from."

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        locked = locked_sign_ins().filter(username=self.row.username).count()
        if not locked:
            self.may_submit, self.consequence = False, "This user is not locked out."
        return [*facts, ("Locked from", f"{locked} address{'' if locked == 1 else 'es'}")]


class UnlockForm(ConfirmForm):
    """Ask before a locked sign-in is let in again."""

    def rows(self) -> QuerySet[object]:
        return locked_sign_ins()

    def describe(self) -> list[tuple[str, object]]:
        self.consequence = f"{self.row.username} may sign in from {self.row.ip_address} again at once."
        return [("Account", self.row.username), ("From", self.row.ip_address)]


class RevokeForm(ConfirmForm):
    """Ask before a key is refused for ever."""

    def rows(self) -> QuerySet[ApiKey]:
        return api_keys_visible(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        key: ApiKey = self.row
        self.consequence = "Programs that use the key are refused from now on. This cannot be undone."
        if key.revoked_at is not None:
            self.may_submit, self.consequence = False, "The key has been revoked before."
        return [("Key", str(key)), ("Owner", key.user.username), ("Scopes", ", ".join(key.scopes))]

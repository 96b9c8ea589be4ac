"""What people type in before they are signed in."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from algotrendy.trading.errors import TradingError
from apps.accounts.services import password_checked, require_verified

INCOMPLETE = "Open the link of the letter again; something of it is missing."


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """User name or e-mail address, and password; wrong ones are counted as in the API."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name or e-mail address"

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password:
            return dict(self.cleaned_data)
        try:
            self.user_cache = password_checked(username=username, password=password, request=self.request)
            require_verified(self.user_cache)
        except TradingError as error:
            raise forms.ValidationError(error.message, code=error.code) from error
        self.confirm_login_allowed(self.user_cache)
        return dict(self.cleaned_data)


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="From your authenticator app, or one of your backup codes.",
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )


class EmailForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email", "autofocus": True})
    )


class TokenForm(forms.Form):
    """What a letter's link carries behind its #, put here by a script."""

    token = forms.CharField(
        max_length=500,
        widget=forms.HiddenInput,
        error_messages={"required": "Open the link of the letter again; something of it is missing."},
    )


class NewPasswordForm(TokenForm):
    new_password = forms.CharField(
        label="New password",
        max_length=1000,
        strip=False,
        help_text="At least 12 characters; a few words that do not belong together are good.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "autofocus": True}),
    )


class RegisterForm(forms.Form):
    username = forms.CharField(
        label="User name", max_length=150, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "username"})
    )
    email = forms.EmailField(
        label="E-mail address", widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label="Password",
        max_length=1000,
        strip=False,
        help_text="At least 12 characters; a few words that do not belong together are good.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

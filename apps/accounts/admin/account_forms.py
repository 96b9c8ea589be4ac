"""The forms of one's own account."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.accounts.models import Scope
from apps.accounts.models.api_keys import validate_network
from apps.accounts.models.users import time_zones


def password_field(label: str = "Current password", *, is_new: bool = False, **kwargs: Any) -> forms.CharField:
    attributes = {"autocomplete": "new-password" if is_new else "current-password"}
    widget = UnfoldAdminPasswordWidget(attrs=attributes)
    return forms.CharField(label=label, max_length=1000, strip=False, widget=widget, **kwargs)


def code_field() -> forms.CharField:
    attributes = {"autocomplete": "one-time-code"}
    return forms.CharField(label="Code", max_length=20, widget=UnfoldAdminTextInputWidget(attrs=attributes))


class DetailsForm(forms.Form):
    first_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    last_name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    email = forms.EmailField(label="E-mail address", widget=UnfoldAdminEmailInputWidget)
    time_zone = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    current_password = password_field(required=False, help_text="Needed for another e-mail address only.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(name, name) for name in sorted(time_zones())]  # type: ignore[attr-defined]


class PasswordForm(forms.Form):
    current_password = password_field()
    new_password = password_field("New password", is_new=True, help_text="At least 12 characters.")


class EnrollForm(forms.Form):
    current_password = password_field()


class ConfirmMfaForm(forms.Form):
    code = code_field()


class DisableMfaForm(forms.Form):
    current_password = password_field()
    code = code_field()


class BackupCodesForm(DisableMfaForm):
    pass


class RotateForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput)
    current_password = password_field()


class KeyForm(forms.Form):
    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget, help_text="What it is for.")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="A key never does more than you may.",
    )
    allowed_networks = forms.CharField(
        label="Allowed from",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Addresses or networks, one a line, such as 203.0.113.0/24; empty for anywhere.",
    )
    requests_per_minute = forms.IntegerField(
        min_value=1,
        max_value=100_000,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="A limit below your own; empty for yours.",
    )
    expires_at = forms.DateTimeField(
        label="Expires (UTC)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2027-01-31 12:00"}),
        help_text="Empty for never.",
    )
    current_password = password_field()

    def clean_allowed_networks(self) -> list[str]:
        networks = self.cleaned_data["allowed_networks"].split()
        for network in networks:
            validate_network(network)
        return list(networks)

"""What is asked before a connection's key is set, removed or tested."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminPasswordWidget

from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import connections_of
from apps.brokers.services.credentials import LONGEST
from apps.common.console import ConfirmForm, relative_time


def secret_field(label: str, **kwargs: Any) -> forms.CharField:
    """Return a field whose content browsers neither show, nor keep, nor fill in."""
    attributes = {"autocomplete": "new-password", "spellcheck": "false"}
    return forms.CharField(
        label=label, max_length=LONGEST, strip=True, widget=UnfoldAdminPasswordWidget(attrs=attributes), **kwargs
    )


class ConnectionDialog(ConfirmForm):
    def rows(self) -> QuerySet[BrokerConnection]:
        return connections_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        connection: BrokerConnection = self.row
        facts: list[tuple[str, object]] = [("Connection", connection.name)]
        if connection.is_paper:
            self.may_submit, self.consequence = False, "The paper venue takes no credentials."
            return facts
        network = "test network" if connection.sandbox else "real market"
        facts.append(("Exchange", f"{connection.exchange}, {connection.get_market_type_display().lower()}, {network}"))
        if connection.has_credentials:
            facts.append(("Key", key_told(connection)))
            facts.append(("Set (UTC)", relative_time(connection.credentials_at)))
        return facts


class SetForm(ConnectionDialog):
    """Take a key; what is typed is sealed at once and never shown again."""

    key = secret_field("API key")
    secret = secret_field("API secret")
    password = secret_field("Password", required=False, help_text="Only where the exchange has one for API keys.")

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        if self.may_submit:
            self.consequence = "It is encrypted at once and never shown again. Give it no right to withdraw."
            if self.row.has_credentials:
                self.consequence = f"It takes the place of the key {key_told(self.row)}. {self.consequence}"
        return facts


class RemoveForm(ConnectionDialog):
    """Ask before a connection is left without a key."""

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        if self.may_submit and not self.row.has_credentials:
            self.may_submit, self.consequence = False, "The connection has no key."
        elif self.may_submit:
            self.consequence = (
                "No order goes out and none is followed any more; those that rest at the exchange stay there."
            )
        return facts


class TestForm(ConnectionDialog):
    """Ask before the exchange is asked."""

    def describe(self) -> list[tuple[str, object]]:
        facts = super().describe()
        if self.may_submit and not self.row.has_credentials:
            self.may_submit, self.consequence = False, "Set the connection's credentials first."
        elif self.may_submit:
            self.consequence = "A worker asks the exchange what the key may do. Nothing is ordered."
        return facts


def key_told(connection: BrokerConnection) -> str:
    """Return what a key is recognized by."""
    return f"…{connection.key_hint}" if connection.key_hint else "set"

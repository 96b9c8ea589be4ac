"""The forms of connections: what is asked of each kind, and keys that are typed in and never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from apps.brokers.adapters.exchange.abilities import ASKED_BY_CLIENT_ID
from apps.brokers.models import BrokerConnection, BrokerKind
from apps.brokers.services.connections import PAPER_ONLY
from apps.marketdata.sources.exchanges import exchange_ids

EXCHANGE_ONLY = ("exchange", "market_type", "sandbox")


def conditions() -> dict[str, str]:
    """Return when each field is shown, for Unfold: those of a kind while it is chosen, and all where it is fixed."""
    shown = "typeof kind === 'undefined' || kind == '{}'"
    return {
        **dict.fromkeys(EXCHANGE_ONLY, shown.format(BrokerKind.CCXT.value)),
        **dict.fromkeys(PAPER_ONLY, shown.format(BrokerKind.PAPER.value)),
    }


def exchange_choices() -> list[tuple[str, Any]]:
    """Return the exchanges by id: first those that answer for a client order id."""
    proving = [(name, name) for name in exchange_ids() if name in ASKED_BY_CLIENT_ID]
    others = [(name, name) for name in exchange_ids() if name not in ASKED_BY_CLIENT_ID]
    return [("", "Choose an exchange"), ("Can prove each order's fate", proving), ("Others", others)]


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A connection to make or to change; the service that is called decides what fits together."""

    class Meta:
        model = BrokerConnection
        fields = ["name", "kind", *EXCHANGE_ONLY, *PAPER_ONLY, "is_active", "is_live"]
        labels = {"sandbox": "Test network", "is_live": "Live", "is_active": "Active"}
        help_texts = {
            "sandbox": "Trade on the exchange's test network, without money.",
            "is_live": "Trade real money. Needs LIVE_TRADING, your own permission, a key, and no test network.",
            "commission_rate": "Fee as a share of each fill's value; 0.001 is 0.1 %.",
            "slippage_rate": "How much worse than the touched price market and stop orders fill.",
            "volume_share": "How much of a candle's volume an order may take; 0 for no limit.",
            "latency_ms": "Market time in milliseconds that an order takes to reach the venue.",
            "seed": "What latency and shares of volume are drawn from; 0 for no chance.",
            "funding_rate": "What a short position pays every 8 hours, as a share of its value.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kind", *EXCHANGE_ONLY, *PAPER_ONLY):
            if name in self.fields:
                self.fields[name].required = False
        if "exchange" in self.fields:
            self.fields["exchange"] = forms.ChoiceField(
                choices=exchange_choices,
                required=False,
                widget=UnfoldAdminSelectWidget,
                help_text="Its credentials are set once the connection is made.",
            )

    def asked(self) -> dict[str, Any]:
        """Return what the service is to make: what was filled in and is of the kind."""
        kind = self.cleaned_data.get("kind") or BrokerKind.PAPER
        names = EXCHANGE_ONLY if kind == BrokerKind.CCXT else PAPER_ONLY
        given = {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name) not in (None, "")}
        return {"name": self.cleaned_data["name"], "kind": kind, **given}

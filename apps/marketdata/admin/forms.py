"""Forms that ask for several things at once, or for what a service makes."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget

from algotrendy.trading.values import Timeframe
from apps.common.models import choices_of
from apps.marketdata.models import Download, Feed, Instrument, Source
from apps.marketdata.sources.exchanges.known import KNOWN_WELL, exchange_ids


def exchange_choices() -> list[tuple[str, Any]]:
    """Return the exchanges by id: those that are asked in their own page lengths first."""
    others = [(name, name) for name in exchange_ids() if name not in KNOWN_WELL]
    return [("Known well", [(name, name) for name in KNOWN_WELL]), ("Others", others)]


class FeedsForm(forms.ModelForm):  # type: ignore[type-arg]
    """One feed for each of the instruments in each of the timeframes."""

    instruments = forms.ModelMultipleChoiceField(
        Instrument.objects.filter(is_active=True), widget=UnfoldAdminSelect2MultipleWidget
    )
    timeframes = forms.MultipleChoiceField(choices=choices_of(Timeframe), widget=UnfoldAdminSelect2MultipleWidget)
    source = forms.ChoiceField(
        choices=lambda: [*exchange_choices(), (Source.REPLAY.value, Source.REPLAY.label)],
        widget=UnfoldAdminSelectWidget,
    )
    enabled = forms.BooleanField(
        required=False, help_text="Collect from now on. Otherwise each feed waits until it is enabled in the list."
    )

    class Meta:
        model = Feed
        fields = ["source", "fallbacks", "origin", "speed", "enabled"]


class DownloadForm(forms.ModelForm):  # type: ignore[type-arg]
    """A history to fetch."""

    source = forms.ChoiceField(choices=exchange_choices, widget=UnfoldAdminSelectWidget, label="Exchange")

    class Meta:
        model = Download
        fields = ["instrument", "timeframe", "source", "source_symbol", "start", "end"]
        help_texts = {
            "source_symbol": "What the exchange calls the instrument; its symbol where left empty.",
            "start": "In UTC: candles that open from here on.",
            "end": "In UTC: and before this; up to now where left empty.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["end"].required = False

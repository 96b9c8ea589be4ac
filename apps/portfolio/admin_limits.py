"""The limits of portfolios and of the platform in the console."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from unfold.admin import StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY, relative_time
from apps.marketdata.models import Instrument
from apps.portfolio.limiting import CEILINGS, platform_limits, profiles_of
from apps.portfolio.models import PlatformLimits, RiskProfile
from apps.portfolio.services import limits_change, platform_limits_change
from apps.portfolio.services.limits import CHANGEABLE, ceilings_passed

SIZE = [
    ("max_position_size_percent", "max_total_exposure_percent"),
    ("max_concurrent_positions", "max_leverage"),
    ("min_order_size", "max_order_size"),
]
CONDUCT = [("price_band_percent", "max_orders_per_minute"), "allowed_instruments"]
LOSSES = [
    "circuit_breaker",
    ("daily_loss_limit_percent", "max_drawdown_percent"),
    ("cooldown_losses", "cooldown_seconds"),
]
DEFAULTS = [("default_stop_loss_percent", "default_take_profit_percent")]


def figure(value: object) -> str:
    return EMPTY if value is None else f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


def percent(value: Decimal | None) -> str:
    return EMPTY if value is None else f"{figure(value)} %"


class RiskProfileInline(StackedInline):
    """The portfolio's limits on its own page, with the way to the page that changes them."""

    model = RiskProfile
    fields = ["enabled", *SIZE, "circuit_breaker"]
    can_delete = False
    show_change_link = True
    max_num = 1

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class RiskProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A portfolio's limits, each with the platform's ceiling beside it."""

    allowed_instruments = forms.ModelMultipleChoiceField(
        Instrument.objects.filter(is_active=True).order_by("symbol"),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text="What may be opened; none chosen means every instrument.",
    )

    class Meta:
        model = RiskProfile
        fields = [*CHANGEABLE, "allowed_instruments"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        platform = platform_limits()
        for name in CEILINGS:
            ceiling = getattr(platform, name)
            if name in self.fields and ceiling is not None:
                said = self.fields[name].help_text
                self.fields[name].help_text = f"{said} The platform allows {figure(ceiling)}.".strip()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        values = self.cleaned_data
        changed = {name: values[name] for name in self.changed_data if name in CHANGEABLE and name in values}
        for name, messages in ceilings_passed(changed).items():
            self.add_error(name, messages)
        return cleaned


@admin.register(RiskProfile)
class RiskProfileAdmin(OwnedByService):
    """The limits of each portfolio."""

    visible = staticmethod(profiles_of)
    form = RiskProfileForm
    list_display = [
        "portfolio", "owner", "enabled", "position", "exposure", "leverage", "orders_a_minute", "daily_loss",
        "drawdown", "circuit_breaker",
    ]  # fmt: skip
    list_filter = ["enabled", "circuit_breaker"]
    search_fields = ["portfolio__name", "portfolio__owner__username"]
    readonly_fields = ["portfolio"]
    fieldsets = [
        (None, {"fields": ["portfolio", "enabled"]}),
        ("How much", {"fields": SIZE}),
        ("How, and what", {"fields": CONDUCT}),
        ("Protections", {"fields": LOSSES}),
        ("Where no signal says otherwise", {"fields": DEFAULTS}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: RiskProfile, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        obj.__dict__.update(limits_change(portfolio=obj.portfolio, actor=request.user, **changes).__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Leave the list of instruments to the service, which has written it."""

    @display(description="Owner", ordering="portfolio__owner__username")
    def owner(self, profile: RiskProfile) -> str:
        return profile.portfolio.owner.username

    @display(description="One position", formatting="price", ordering="max_position_size_percent")
    def position(self, profile: RiskProfile) -> str:
        return percent(profile.max_position_size_percent)

    @display(description="All together", formatting="price", ordering="max_total_exposure_percent")
    def exposure(self, profile: RiskProfile) -> str:
        return percent(profile.max_total_exposure_percent)

    @display(description="Leverage", formatting="price", ordering="max_leverage")
    def leverage(self, profile: RiskProfile) -> str:
        return f"{figure(profile.max_leverage)} x"

    @display(description="Orders a minute", formatting="price", ordering="max_orders_per_minute")
    def orders_a_minute(self, profile: RiskProfile) -> str:
        return figure(profile.max_orders_per_minute or None)

    @display(description="Daily loss", formatting="price", ordering="daily_loss_limit_percent")
    def daily_loss(self, profile: RiskProfile) -> str:
        return percent(profile.daily_loss_limit_percent or None)

    @display(description="Drawdown", formatting="price", ordering="max_drawdown_percent")
    def drawdown(self, profile: RiskProfile) -> str:
        return percent(profile.max_drawdown_percent or None)


@admin.register(PlatformLimits)
class PlatformLimitsAdmin(OwnedByService):
    """One row, which is shown at once; administrators change it."""

    readonly_fields = ["changed"]
    fieldsets = [
        (
            "Ceilings of all portfolios",
            {
                "description": "The stricter of a portfolio's own limit and this one holds. Empty is no ceiling.",
                "fields": [
                    ("max_position_size_percent", "max_total_exposure_percent"),
                    ("max_concurrent_positions", "max_leverage"),
                    "max_order_size",
                    ("price_band_percent", "max_orders_per_minute"),
                ],
            },
        ),
        ("Losses", {"fields": [("daily_loss_limit_percent", "max_drawdown_percent")]}),
        ("State", {"fields": ["changed"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the row itself in the place of a list of one."""
        if request.method == "POST" and not self.has_change_permission(request):
            return HttpResponseNotAllowed(["GET"])
        return self.changeform_view(request, "1", extra_context=extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PlatformLimits | None:
        return platform_limits() if str(object_id) == "1" else None

    def save_model(self, request: HttpRequest, obj: PlatformLimits, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        obj.__dict__.update(platform_limits_change(actor=request.user, **changes).__dict__)

    @display(description="Changed (UTC)")
    def changed(self, limits: PlatformLimits) -> object:
        return relative_time(limits.updated_at)

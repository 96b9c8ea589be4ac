"""Webhooks in the console: made from the strategy's page, their secret shown once in the dialog that makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from algotrendy.trading.errors import TradingError
from apps.common.console import ConfirmForm, FactAdmin, act, relative_time, status_badge
from apps.strategies.admin.dialogs import StrategyDialog
from apps.strategies.models import Strategy, StrategyWebhook, WebhookDelivery
from apps.strategies.selectors import webhook_address, webhooks_of
from apps.strategies.services.webhooks import webhook_change, webhook_create, webhook_delete, webhook_rotate

PAGE = "admin:strategies_strategy_change"


def alert_message(secret: str) -> str:
    """Return the message of a TradingView alert, ready to paste."""
    said = {
        "secret": secret,
        "action": "{{strategy.order.action}}",
        "symbol": "{{ticker}}",
        "price": "{{close}}",
        "time": "{{timenow}}",
    }
    return json.dumps(said, indent=2, ensure_ascii=False)


def webhook_panel(request: HttpRequest, strategy: Strategy) -> dict[str, Any] | None:
    """Return what the strategy's page shows of its webhook, and what the user may do with it."""
    if not request.user.has_perm("strategies.view_strategywebhook"):
        return None
    webhook = StrategyWebhook.objects.filter(strategy=strategy).first()
    if webhook is None:
        may_add = request.user.has_perm("strategies.add_strategywebhook") and not strategy.is_archived
        url = reverse("admin:strategies_strategy_create_webhook", args=[strategy.pk])
        return {"webhook": None, "actions": [("Make a webhook", url)] if may_add else []}
    names = (("Change", "change"), ("Rotate secret", "rotate"), ("Delete webhook", "delete"))
    needed = {"change": "change", "rotate": "change", "delete": "delete"}
    return {
        "webhook": webhook,
        "address": webhook_address() or "",
        "state": _state(webhook),
        "used": relative_time(webhook.used_at),
        "message": alert_message(f"hook_{webhook.prefix}_…"),
        "actions": [
            (title, reverse(f"admin:strategies_strategywebhook_{name}_webhook", args=[webhook.pk]))
            for title, name in names
            if request.user.has_perm(f"strategies.{needed[name]}_strategywebhook")
        ],
    }


class WebhookDialog(ConfirmForm):
    def rows(self) -> QuerySet[StrategyWebhook]:
        return webhooks_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        webhook: StrategyWebhook = self.row
        return [("Strategy", webhook.strategy.name), ("Secret", f"hook_{webhook.prefix}_…")]


class RotateForm(WebhookDialog):
    consequence = "The old secret stops working at once: put the new one into every alert."


class RemoveForm(WebhookDialog):
    consequence = "Its alerts are refused from now on; the signals that it gave stay."


class CreateForm(StrategyDialog):
    """Ask before a strategy listens to alerts."""

    consequence = "Whoever has its secret can make the strategy trade, within its size and the portfolio's limits."

    def describe(self) -> list[tuple[str, object]]:
        if StrategyWebhook.objects.filter(strategy=self.row).exists():
            self.may_submit, self.consequence = False, "The strategy has a webhook already."
        return super().describe()


class ChangeForm(WebhookDialog):
    """Ask from where and in which form alerts are taken."""

    is_enabled = forms.BooleanField(label="Takes alerts", required=False, widget=UnfoldBooleanSwitchWidget())
    allowed_networks = forms.CharField(
        label="Alerts from", required=False, max_length=1000, widget=UnfoldAdminTextInputWidget(),
        help_text="Addresses and networks, separated by commas; empty for anywhere.",
    )  # fmt: skip
    template = forms.CharField(
        label="Plain text is read by", required=False, max_length=500, widget=UnfoldAdminTextInputWidget(),
        help_text="Such as {action} {symbol} at {price}; empty for JSON alone.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The page behind the dialog may have fields of the same names.
        super().__init__(*args, **{**kwargs, "auto_id": "webhook_%s"})
        webhook: StrategyWebhook = self.row
        self.fields["is_enabled"].initial = webhook.is_enabled
        self.fields["allowed_networks"].initial = ", ".join(webhook.allowed_networks)
        self.fields["template"].initial = webhook.template

    @property
    def asked(self) -> dict[str, Any]:
        """What was filled in, for the service."""
        networks = [word.strip() for word in self.cleaned_data["allowed_networks"].split(",")]
        return {
            "is_enabled": self.cleaned_data["is_enabled"],
            "allowed_networks": [network for network in networks if network],
            "template": self.cleaned_data["template"],
        }


def reveal(request: HttpRequest, strategy: Strategy, work: Callable[[], str]) -> HttpResponse:
    """Do the work and show the secret in the dialog's place; it is in no message, no session and no address."""
    back = reverse(PAGE, args=[strategy.pk])
    try:
        secret = work()
    except TradingError as error:
        messages.error(request, error.message)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": back})
        return HttpResponseRedirect(back)
    told = {
        "strategy": strategy, "secret": secret, "message": alert_message(secret), "address": webhook_address(),
        "back": back,
    }  # fmt: skip
    answer = render(request, "strategies/webhook_secret.html", told)
    answer["HX-Retarget"] = answer["HX-Reselect"] = "#dialog"
    answer["HX-Reswap"], answer["Cache-Control"] = "outerHTML", "no-store"
    return answer


class WebhookMaking:
    """The action of a strategy's page that makes its webhook."""

    def has_listen_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.add_strategywebhook")

    @action(
        description="Make a webhook",
        icon="webhook",
        permissions=["listen"],
        dialog={
            "title": "Make a webhook for this strategy?",
            "form_class": CreateForm,
            "form_submit_text": "Make the webhook",
            "dismiss_text": "Make none",
        },
    )
    def create_webhook(self, request: HttpRequest, form: CreateForm, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return reveal(request, strategy, lambda: webhook_create(strategy=strategy)[1])


@admin.register(StrategyWebhook)
class StrategyWebhookAdmin(FactAdmin):
    """Webhooks of strategies; of their secrets only the prefix is known."""

    visible = staticmethod(webhooks_of)
    list_display = ["strategy", "prefix", "state", "allowed", "used"]
    list_filter = ["is_enabled", "strategy"]
    search_fields = ["strategy__name", "prefix"]
    fields = ["strategy", "prefix", "state", "allowed", "template", "used", "used_from"]
    actions_row = ["change_webhook", "rotate_webhook", "delete_webhook"]
    actions_detail = actions_row
    empty_hint = "Make one on the page of a strategy, to let a chart's alerts speak for it."

    def has_listen_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_strategywebhook")

    def has_remove_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.delete_strategywebhook")

    @display(description="State", ordering="is_enabled")
    def state(self, webhook: StrategyWebhook) -> object:
        return _state(webhook)

    @display(description="Alerts from")
    def allowed(self, webhook: StrategyWebhook) -> str:
        return ", ".join(webhook.allowed_networks) or "Anywhere"

    @display(description="Last alert (UTC)", ordering="used_at")
    def used(self, webhook: StrategyWebhook) -> object:
        return relative_time(webhook.used_at)

    @action(
        description="Change",
        icon="edit",
        permissions=["listen"],
        dialog={"title": "Change this webhook", "form_class": ChangeForm, "form_submit_text": "Save"},
    )
    def change_webhook(self, request: HttpRequest, form: ChangeForm, object_id: str) -> HttpResponse:
        webhook: StrategyWebhook = form.row
        return act(
            request,
            lambda: webhook_change(webhook=webhook, **form.asked),
            done=f"The webhook of {webhook.strategy} is changed.",
            back=reverse(PAGE, args=[webhook.strategy_id]),
        )

    @action(
        description="Rotate secret",
        icon="sync_lock",
        variant=ActionVariant.WARNING,
        permissions=["listen"],
        dialog={
            "title": "Give this webhook another secret?",
            "form_class": RotateForm,
            "form_submit_text": "Rotate secret",
            "dismiss_text": "Keep the secret",
        },
    )
    def rotate_webhook(self, request: HttpRequest, form: RotateForm, object_id: str) -> HttpResponse:
        webhook: StrategyWebhook = form.row
        return reveal(request, webhook.strategy, lambda: webhook_rotate(webhook=webhook)[1])

    @action(
        description="Delete",
        icon="delete",
        variant=ActionVariant.DANGER,
        permissions=["remove"],
        dialog={
            "title": "Delete this webhook?",
            "form_class": RemoveForm,
            "form_submit_text": "Delete webhook",
            "dismiss_text": "Keep webhook",
            "is_danger": True,
        },
    )
    def delete_webhook(self, request: HttpRequest, form: RemoveForm, object_id: str) -> HttpResponse:
        webhook: StrategyWebhook = form.row
        return act(
            request,
            lambda: webhook_delete(webhook=webhook),
            done=f"The webhook of {webhook.strategy} is deleted.",
            back=reverse(PAGE, args=[webhook.strategy_id]),
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(FactAdmin):
    """Alerts that were taken."""

    list_display = ["received", "webhook", "signal"]
    list_filter = ["webhook"]
    list_select_related = ["webhook__strategy", "signal"]
    fields = ["received", "webhook", "signal", "key"]

    @display(description="Received (UTC)", ordering="received_at")
    def received(self, delivery: WebhookDelivery) -> object:
        return relative_time(delivery.received_at)


def _state(webhook: StrategyWebhook) -> object:
    return status_badge("enabled", "Takes alerts") if webhook.is_enabled else status_badge("disabled", "Switched off")

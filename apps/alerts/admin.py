"""Alerts in the console."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from apps.alerts.models import Alert
from apps.alerts.selectors import alerts_of
from apps.alerts.services import alert_acknowledge
from apps.common.console import ConfirmForm, FactAdmin, act, relative_time, status_badge


class OpenFilter(admin.SimpleListFilter):
    """Whether the alert is over; open ones unless told otherwise are all."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Alert]) -> QuerySet[Alert]:
        return rows if self.value() is None else rows.filter(resolved_at__isnull=self.value() == "open")


class AcknowledgeForm(ConfirmForm):
    consequence = "It is no longer counted beside the menu. It stays in the list, and ends by itself with its cause."

    def rows(self) -> QuerySet[Alert]:
        return alerts_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        alert: Alert = self.row
        if not alert.is_open or alert.acknowledged_at:
            self.may_submit, self.consequence = False, "There is nothing to acknowledge any more."
        return [("Alert", alert.message), ("Since", relative_time(alert.created_at))]


@admin.register(Alert)
class AlertAdmin(FactAdmin):
    """What somebody should look at."""

    visible = alerts_of
    list_display = ["level", "state", "said", "began", "over", "by"]
    list_filter = [OpenFilter, "severity", "code"]
    search_fields = ["message", "subject"]
    actions_row = ["acknowledge_alert"]
    actions_detail = ["acknowledge_alert"]
    list_before_template = "console/live_list.html"
    live_topic, live_fields = "alerts", ("level", "said", "state", "over", "by")
    empty_hint = "Nothing to look at: stale feeds, exchanges that do not answer and strategies that fail are told here."

    @display(description="Severity", ordering="severity")
    def level(self, alert: Alert) -> object:
        tone = {"critical": "failed", "warning": "warning"}.get(alert.severity, "info")
        return status_badge(tone, alert.get_severity_display())

    @display(description="What", ordering="message")
    def said(self, alert: Alert) -> object:
        return format_html('<a href="{}">{}</a>', alert.page, alert.message) if alert.page else alert.message

    @display(description="State", ordering="resolved_at")
    def state(self, alert: Alert) -> object:
        if not alert.is_open:
            return status_badge("completed", "Over")
        return status_badge("pending", "Acknowledged") if alert.acknowledged_at else status_badge("open", "Open")

    @display(description="Since (UTC)", ordering="created_at")
    def began(self, alert: Alert) -> object:
        return relative_time(alert.created_at)

    @display(description="Over (UTC)", ordering="resolved_at")
    def over(self, alert: Alert) -> object:
        return relative_time(alert.resolved_at)

    @display(description="Acknowledged by", ordering="acknowledged_by")
    def by(self, alert: Alert) -> str:
        return alert.acknowledged_by.username if alert.acknowledged_by else ""

    def has_acknowledge_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("alerts.change_alert")

    @action(
        description="Acknowledge",
        icon="done",
        permissions=["acknowledge"],
        dialog={"title": "Acknowledge this?", "form_class": AcknowledgeForm, "form_submit_text": "Acknowledge"},
    )
    def acknowledge_alert(self, request: HttpRequest, form: AcknowledgeForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: alert_acknowledge(alert=form.row, user=request.user),
            done="Acknowledged.",
            back=reverse("admin:alerts_alert_changelist"),
        )

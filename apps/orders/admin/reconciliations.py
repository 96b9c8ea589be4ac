"""Comparisons with venues in the console: what differed, and one more at a person's word."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from apps.common.console import ConfirmForm, FactAdmin, act, relative_time, status_badge
from apps.orders.models import Reconciliation
from apps.orders.selectors import reconciliations_of
from apps.orders.services.reconciling import reconciliation_request

TONES = {"clean": "completed", "repaired": "open", "drift": "failed", "failed": "warning"}


class ReconcileForm(ConfirmForm):
    """Ask before a connection is compared anew."""

    def rows(self) -> QuerySet[Reconciliation]:
        return reconciliations_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        row: Reconciliation = self.row
        self.consequence = "Missed fills are applied and orders that the venue ended are ended; positions follow fills."
        return [
            ("Connection", row.connection.name),
            ("Last result", row.get_outcome_display() or "Running"),
            ("At", relative_time(row.started_at)),
        ]


@admin.register(Reconciliation)
class ReconciliationAdmin(FactAdmin):
    """How the platform compares with its venues."""

    visible = staticmethod(reconciliations_of)
    list_display = ["time", "connection", "state", "found", "checked", "applied", "adopted", "resolved"]
    list_filter = ["outcome", "connection", ("started_at", RangeDateTimeFilter)]
    actions_row = ["reconcile_now"]
    actions_detail = ["reconcile_now"]
    compressed_fields = False
    empty_hint = "Every active connection is compared with its venue every 30 seconds while a worker and beat run."
    fieldsets = [
        ("Comparison", {"fields": [("connection", "state"), ("time", "finished"), "error"]}),
        ("Repaired", {"fields": [("checked", "applied", "adopted", "resolved")]}),
        ("Differs still", {"fields": ["table"]}),
    ]

    @display(description="Time (UTC)", ordering="id")
    def time(self, row: Reconciliation) -> object:
        return relative_time(row.started_at)

    @display(description="Finished (UTC)")
    def finished(self, row: Reconciliation) -> object:
        return relative_time(row.finished_at)

    @display(description="Outcome", ordering="outcome")
    def state(self, row: Reconciliation) -> object:
        return status_badge(TONES.get(row.outcome, "running"), row.get_outcome_display() or "Running")

    @display(description="Differences", formatting="price")
    def found(self, row: Reconciliation) -> int:
        return len(row.differences)

    @display(description="Orders checked", formatting="price", ordering="orders_checked")
    def checked(self, row: Reconciliation) -> int:
        return row.orders_checked

    @display(description="Fills applied", formatting="price", ordering="fills_applied")
    def applied(self, row: Reconciliation) -> int:
        return row.fills_applied

    @display(description="Orders adopted", formatting="price", ordering="orders_adopted")
    def adopted(self, row: Reconciliation) -> int:
        return row.orders_adopted

    @display(description="Orders resolved", formatting="price", ordering="orders_resolved")
    def resolved(self, row: Reconciliation) -> int:
        return row.orders_resolved

    @display(description="Differences")
    def table(self, row: Reconciliation) -> object:
        if not row.differences:
            return "None."
        names = ("kind", "what", "ours", "venue", "note")
        lines = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            ([difference.get(name, "") for name in names] for difference in row.differences),
        )
        head = "<tr><th>Kind</th><th>What</th><th>Here</th><th>At the venue</th><th>Note</th></tr>"
        return format_html("<table class='w-full text-left'>" + head + "{}</table>", lines)

    def has_reconcile_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.add_reconciliation")

    @action(
        description="Reconcile now",
        icon="sync",
        permissions=["reconcile"],
        dialog={
            "title": "Compare this connection with its venue?",
            "form_class": ReconcileForm,
            "form_submit_text": "Reconcile now",
        },
    )
    def reconcile_now(self, request: HttpRequest, form: ReconcileForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: reconciliation_request(connection=form.row.connection, actor=request.user),
            done="Compared: the newest row tells what was found.",
            back=reverse("admin:orders_reconciliation_changelist"),
        )

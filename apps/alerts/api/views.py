"""Alerts by API."""

from __future__ import annotations

import uuid

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.alerts.models import Alert, Severity
from apps.alerts.selectors import alerts_of
from apps.alerts.services import AlertIsOver, NotYourAlert, alert_acknowledge
from apps.common.api.errors import answer_with
from apps.common.api.filters import TruthFilter
from apps.common.api.serializers import RowSerializer
from apps.common.api.views import ApiView, ListView, row_or_404

answer_with(AlertIsOver, 409)
answer_with(NotYourAlert, 403)


class AlertSerializer(RowSerializer):
    """A fault from its beginning to its end; `resolved_at` is null while it lasts."""

    acknowledged_by = serializers.CharField(source="acknowledged_by.username", allow_null=True, default=None)

    class Meta:
        model = Alert
        fields = [
            "id", "code", "subject", "severity", "message", "page", "created_at", "seen_at", "resolved_at",
            "acknowledged_at", "acknowledged_by",
        ]  # fmt: skip


class AlertFilter(django_filters.FilterSet):  # type: ignore[misc]
    open = TruthFilter(field_name="resolved_at", lookup_expr="isnull")
    severity = django_filters.ChoiceFilter(choices=Severity.choices)
    code = django_filters.CharFilter()
    subject = django_filters.CharFilter()


class AlertsView(ListView):
    """Your alerts and everybody's, newest first."""

    access = {"GET": "alerts.view_alert"}
    serializer_class = AlertSerializer
    filterset_class = AlertFilter

    def rows(self) -> QuerySet[Alert]:
        return alerts_of(signed_in(self.request))


class AlertView(ApiView):
    access = {"GET": "alerts.view_alert"}

    @extend_schema(operation_id="alert_get", responses={200: AlertSerializer})
    def get(self, request: Request, alert_id: uuid.UUID) -> Response:
        """Show an alert."""
        return Response(AlertSerializer(row_or_404(alerts_of(signed_in(request)), alert_id)).data)


class AlertAcknowledgeView(ApiView):
    access = {"POST": "alerts.change_alert"}
    problems = {"POST": (409,)}

    @extend_schema(operation_id="alert_acknowledge", request=None, responses={200: AlertSerializer})
    def post(self, request: Request, alert_id: uuid.UUID) -> Response:
        """Note that you have seen to it; it ends by itself with its cause."""
        user = signed_in(request)
        alert = alert_acknowledge(alert=row_or_404(alerts_of(user), alert_id), user=user)
        return Response(AlertSerializer(alert).data)

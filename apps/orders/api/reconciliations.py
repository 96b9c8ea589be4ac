"""Comparisons with venues by API."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.brokers.selectors import connections_of
from apps.common.api.errors import answer_with
from apps.common.api.serializers import OwnedField, RowSerializer, StrictSerializer
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ListView, checked
from apps.orders.models import Reconciliation, ReconciliationOutcome
from apps.orders.selectors import reconciliations_of
from apps.orders.services.reconciling import ReconciliationRunning, reconciliation_request

answer_with(ReconciliationRunning, 409)


class DifferenceSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What differs, with the figures of both sides."""

    kind = serializers.CharField()
    what = serializers.CharField()
    ours = serializers.CharField()
    venue = serializers.CharField()
    note = serializers.CharField(allow_blank=True)


class ReconciliationSerializer(RowSerializer):
    """One comparison; of a failed one, whose venue did not answer, nothing is concluded."""

    differences = DifferenceSerializer(many=True, read_only=True)

    class Meta:
        model = Reconciliation
        fields = [
            "id", "connection", "started_at", "finished_at", "outcome", "orders_checked", "fills_applied",
            "orders_adopted", "orders_resolved", "differences", "error",
        ]  # fmt: skip


class ReconcileSerializer(StrictSerializer):
    connection = OwnedField(selector=connections_of, what="connection")


class ReconciliationFilter(django_filters.FilterSet):  # type: ignore[misc]
    connection = django_filters.UUIDFilter(field_name="connection_id")
    outcome = django_filters.ChoiceFilter(choices=ReconciliationOutcome.choices)


class ReconciliationsView(ListView):
    """Comparisons of your connections with their venues, newest first."""

    access = {"GET": "orders.view_reconciliation", "POST": "orders.add_reconciliation"}
    problems = {"POST": (409,)}
    rate_scope = ORDERS
    serializer_class = ReconciliationSerializer
    filterset_class = ReconciliationFilter
    keyset = ("-id",)

    def rows(self) -> QuerySet[Reconciliation]:
        return reconciliations_of(signed_in(self.request))

    @extend_schema(operation_id="reconcile", request=ReconcileSerializer, responses={201: ReconciliationSerializer})
    def post(self, request: Request) -> Response:
        """Compare a connection with its venue now, and repair what can be."""
        connection = checked(ReconcileSerializer, request)["connection"]
        row = reconciliation_request(connection=connection, actor=signed_in(request))
        return Response(ReconciliationSerializer(row).data, status=201)

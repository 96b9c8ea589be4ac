"""Approving and declining the signals that wait for it."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ApiView, row_or_404
from apps.orders.services.signals.approving import SignalDecided, SignalLapsed, signal_approve, signal_decline
from apps.strategies.api.serializers import SignalSerializer
from apps.strategies.selectors import signals_of

answer_with(SignalDecided, 409)
answer_with(SignalLapsed, 409)


class SignalApproveView(ApiView):
    access = {"POST": "strategies.change_signal"}
    problems = {"POST": (400, 409)}
    rate_scope = ORDERS

    @extend_schema(operation_id="signal_approve", request=None, responses={200: SignalSerializer})
    def post(self, request: Request, signal_id: uuid.UUID) -> Response:
        """Let a waiting signal trade at the market price of now; its outcome tells what came of it."""
        signal = row_or_404(signals_of(signed_in(request)), signal_id)
        return Response(SignalSerializer(signal_approve(signal=signal, actor=signed_in(request))).data)


class SignalDeclineView(ApiView):
    access = {"POST": "strategies.change_signal"}
    problems = {"POST": (409,)}
    rate_scope = ORDERS

    @extend_schema(operation_id="signal_decline", request=None, responses={200: SignalSerializer})
    def post(self, request: Request, signal_id: uuid.UUID) -> Response:
        """Let a waiting signal trade nothing."""
        signal = row_or_404(signals_of(signed_in(request)), signal_id)
        return Response(SignalSerializer(signal_decline(signal=signal, actor=signed_in(request))).data)

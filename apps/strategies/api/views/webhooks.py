"""A strategy's webhook: made, changed, rotated and taken away by people, never by keys."""

from __future__ import annotations

import uuid

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, checked, row_or_404
from apps.strategies.api.serializers.webhooks import NewWebhookSerializer, WebhookChangeSerializer, WebhookSerializer
from apps.strategies.models import StrategyWebhook
from apps.strategies.selectors import strategies_of, webhooks_of
from apps.strategies.services.webhooks import webhook_change, webhook_create, webhook_delete, webhook_rotate


class WebhookView(ApiView):
    access = {
        "GET": "strategies.view_strategywebhook",
        "POST": "strategies.add_strategywebhook",
        "PATCH": "strategies.change_strategywebhook",
        "DELETE": "strategies.delete_strategywebhook",
    }
    problems = {"POST": (409,)}

    @extend_schema(operation_id="webhook_get", responses={200: WebhookSerializer})
    def get(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Show the strategy's webhook, without its secret."""
        return Response(WebhookSerializer(_webhook_or_404(request, strategy_id)).data)

    @extend_schema(
        operation_id="webhook_create", request=WebhookChangeSerializer, responses={201: NewWebhookSerializer}
    )
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Make the strategy's webhook; its secret is in this answer and nowhere else."""
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        webhook, secret = webhook_create(strategy=strategy, **checked(WebhookChangeSerializer, request))
        return Response(NewWebhookSerializer(webhook, context={"secret": secret}).data, status=201)

    @extend_schema(operation_id="webhook_change", request=WebhookChangeSerializer, responses={200: WebhookSerializer})
    def patch(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Switch the webhook on or off, or change from where and in which form it takes alerts."""
        webhook = _webhook_or_404(request, strategy_id)
        webhook = webhook_change(webhook=webhook, **checked(WebhookChangeSerializer, request))
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(operation_id="webhook_delete", responses={204: None})
    def delete(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Take the webhook away; its secret is refused from now on."""
        webhook_delete(webhook=_webhook_or_404(request, strategy_id))
        return Response(status=204)


class WebhookRotateView(ApiView):
    access = {"POST": "strategies.change_strategywebhook"}

    @extend_schema(operation_id="webhook_rotate", request=None, responses={200: NewWebhookSerializer})
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Give the webhook another secret; the old one is refused from now on."""
        webhook, secret = webhook_rotate(webhook=_webhook_or_404(request, strategy_id))
        return Response(NewWebhookSerializer(webhook, context={"secret": secret}).data)


def _webhook_or_404(request: Request, strategy_id: uuid.UUID) -> StrategyWebhook:
    webhook = webhooks_of(signed_in(request)).filter(strategy=strategy_id).first()
    if webhook is None:
        raise Http404
    return webhook

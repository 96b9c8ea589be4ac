"""Alerts of charts: taken without signing in, by the secret that they carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading.alerts import AlertNotUnderstood, alert_read
from algotrendy.trading.errors import TradingError
from algotrendy.trading.signals import Action
from apps.common.api.errors import answer_with
from apps.common.api.parsers import ExactJSONParser
from apps.common.api.permissions import PUBLIC
from apps.common.api.serializers import AmountField, StrictSerializer, UtcDateTimeField
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ApiView
from apps.common.client_ip import client_ip
from apps.orders.services.signals.webhooks import Alert, Received, StrategyDisabled, webhook_receive
from apps.strategies.models import SignalOutcome, StrategyWebhook
from apps.strategies.services.webhooks import WebhookNotValid, WebhookRefused, webhook_admit, webhook_refused

answer_with(WebhookNotValid, 401)
answer_with(WebhookRefused, 403)
answer_with(StrategyDisabled, 409)
HEADER = "X-Webhook-Secret"
MOST_BYTES = 10_000
ACTIONS = [action.value for action in Action if action is not Action.HOLD]
SECRET = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The secret, where the body does not hold it."
)


class AlertTooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"The alert is too large: send at most {MOST_BYTES:,} bytes."


class SmallJSONParser(ExactJSONParser):
    """Read an alert in JSON."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        _require_small(parser_context)
        return super().parse(stream, media_type, parser_context)


class TextParser(BaseParser):
    """Read an alert in plain text."""

    media_type = "text/plain"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> str:
        _require_small(parser_context)
        try:
            return str(stream.read().decode())
        except UnicodeDecodeError as error:
            raise ParseError("The text is not UTF-8.") from error


class AlertSerializer(StrictSerializer):
    """An alert. One without `id` and `time` is the same as an equal one of the last five minutes."""

    secret = serializers.CharField(
        max_length=200, required=False, write_only=True, help_text="The webhook's secret, where no header holds it."
    )
    action = serializers.ChoiceField(choices=ACTIONS)
    symbol = serializers.CharField(
        max_length=40, required=False, help_text="Must be the strategy's; BINANCE:BTCUSD is BTC/USD."
    )
    price = AmountField(required=False, min_value=0, help_text="For the record: what is traded is the market's price.")
    quantity = AmountField(required=False, min_value=0, help_text="In place of the strategy's own size.")
    stop_loss = AmountField(required=False, min_value=0)
    take_profit = AmountField(required=False, min_value=0)
    id = serializers.CharField(max_length=100, required=False, help_text="The alert's own: it is taken once.")
    time = UtcDateTimeField(required=False, help_text="When it was sent; at most 5 minutes old, 1 minute ahead.")

    def to_internal_value(self, data: Any) -> Any:
        """Take an action in capitals as well."""
        if isinstance(data, Mapping) and isinstance(data.get("action"), str):
            data = {**data, "action": data["action"].strip().lower()}
        return super().to_internal_value(data)


class ReceivedSerializer(serializers.Serializer[Received]):
    """What became of an alert."""

    signal = serializers.UUIDField(source="signal.pk", default=None, allow_null=True)
    outcome = serializers.ChoiceField(
        source="signal.outcome", choices=SignalOutcome.choices, default=None, allow_null=True
    )
    outcome_reason = serializers.CharField(source="signal.outcome_reason", default="", allow_blank=True)


class TradingViewView(ApiView):
    access = {"POST": PUBLIC}
    problems = {"POST": (401, 403, 409)}
    rate_scope = ORDERS
    authentication_classes = ()
    parser_classes = (SmallJSONParser, TextParser)

    @extend_schema(
        operation_id="webhook_receive",
        parameters=[SECRET],
        request={"application/json": AlertSerializer, "text/plain": OpenApiTypes.STR},
        responses={201: ReceivedSerializer, 200: OpenApiResponse(ReceivedSerializer, "The same alert, taken before.")},
    )
    def post(self, request: Request) -> Response:
        """Take a chart's alert: a signal of the strategy whose webhook's secret it carries."""
        secret, said = _unpacked(request)
        webhook = webhook_admit(secret=secret, ip=client_ip(request._request))
        with _refusals_recorded(webhook):
            received = webhook_receive(webhook=webhook, alert=_alert(webhook, said))
        return Response(ReceivedSerializer(received).data, status=201 if received.is_new else 200)


def _unpacked(request: Request) -> tuple[str, Any]:
    """Return the secret and the rest of the body: of a text, the secret is the first line where no header holds it."""
    header, body = request.headers.get(HEADER, "").strip(), request.data
    if isinstance(body, str):
        first, _, rest = body.strip().partition("\n")
        return (header, body) if header else (first.strip(), rest)
    own = body.get("secret") if isinstance(body, dict) else None
    return header or (own if isinstance(own, str) else ""), body


def _alert(webhook: StrategyWebhook, said: Any) -> Alert:
    """Return what was said; raise AlertNotUnderstood or a ValidationError."""
    if isinstance(said, str):
        if not webhook.template:
            raise AlertNotUnderstood("The webhook has no template to read a text by; set one, or send JSON.")
        said = alert_read(webhook.template, said)
    form = AlertSerializer(data=said)
    form.is_valid(raise_exception=True)
    values = {name: value for name, value in form.validated_data.items() if name != "secret"}
    return Alert(**{**values, "action": Action(values["action"])})


@contextmanager
def _refusals_recorded(webhook: StrategyWebhook) -> Iterator[None]:
    try:
        yield
    except (TradingError, APIException) as error:
        webhook_refused(webhook, error.code if isinstance(error, TradingError) else "invalid")
        raise


def _require_small(context: Mapping[str, Any] | None) -> None:
    meta = context["request"].META if context else {}
    if int(meta.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise AlertTooLarge

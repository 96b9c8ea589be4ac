"""The OpenAPI schema: what each operation answers when it fails, and who may call it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, PositionSide, Side
from apps.common.models import choices_of

from .errors import MEDIA_TYPE
from .permissions import PUBLIC, needed_for
from .throttling import UNLIMITED
from .views import Revalidated

RETRY_AFTER = "Retry-After"
REVALIDATED = {
    "ETag": {
        "description": "Send it as If-None-Match to be told whether it is still so.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {"description": "Keep it, and ask each time.", "schema": {"type": "string"}},
}
# Words that share a field's name (`side`, `type`) but not its choices: ENUM_NAME_OVERRIDES names their schemas.
ORDER_TYPES = choices_of(OrderType)
ORDER_STATUSES = choices_of(OrderStatus)
SIDES = choices_of(Side)
POSITION_SIDES = choices_of(PositionSide)


class FieldErrorSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What is wrong with one field; `field` is a dotted path, empty for the body as a whole."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An RFC 9457 problem document. A denied order also has `order` (its id) and `figures` (what was compared)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="A sentence for people.")
    instance = serializers.CharField()
    correlation_id = serializers.CharField(help_text="The request's id in the platform's logs.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
    order = serializers.UUIDField(required=False)
    figures = serializers.DictField(child=serializers.CharField(), required=False)


class ProblemSchema(AutoSchema):
    """Document the problems that an operation can answer with, which views need not repeat.

    A view names those that are its own in `problems = {"POST": (409, 422)}`.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            problem = self.resolve_serializer(ProblemSerializer(), "response").ref
            for status in self._problem_statuses(operation):
                answer = {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": problem}}}
                operation["responses"].setdefault(str(status), answer)
            if isinstance(self.view, Revalidated) and self.method == "GET":
                operation["responses"]["304"] = {"description": "It is what your ETag names."}
                operation["responses"]["200"]["headers"] = dict(REVALIDATED)
            self._add_limit_headers(operation["responses"])
        return operation

    def get_auth(self) -> list[dict[str, Any]]:
        return [] if needed_for(self.view, self.method) == PUBLIC else super().get_auth()

    @property
    def _is_limited(self) -> bool:
        return getattr(self.view, "rate_scope", None) != UNLIMITED

    def _add_limit_headers(self, responses: dict[str, Any]) -> None:
        """Name the headers of the limits, which are on every answer but those of health."""
        if not self._is_limited:
            return
        names = [name for name in settings.LIMIT_HEADERS if name != RETRY_AFTER]
        for status, answer in responses.items():
            told = [*names, RETRY_AFTER] if status == "429" else names
            answer.setdefault("headers", {}).update({n: {"$ref": f"#/components/headers/{n}"} for n in told})

    def _problem_statuses(self, operation: dict[str, Any]) -> list[int]:
        takes_input = "requestBody" in operation or any(p["in"] == "query" for p in operation.get("parameters", ()))
        found = {500, *getattr(self.view, "problems", {}).get(self.method, ())}
        if self._is_limited:
            found.add(429)
        if takes_input:
            found.add(400)
        if "requestBody" in operation:
            found |= {413, 415}
        if needed_for(self.view, self.method) != PUBLIC:
            found |= {401, 403}
        if "{" in self.path:
            found.add(404)
        return sorted(found)

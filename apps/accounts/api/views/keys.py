"""One's own API keys; no key reaches these."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.requests import signed_in
from apps.accounts.api.serializers.keys import (
    ApiKeyCreateSerializer,
    ApiKeyRotateSerializer,
    ApiKeySerializer,
    NewApiKeySerializer,
    without_password,
)
from apps.accounts.models import ApiKey
from apps.common.api.permissions import AUTHENTICATED
from apps.common.api.views import ApiView, ListView, checked, row_or_404


class ApiKeysView(ListView):
    """One's own keys, newest first; of their text only the prefix is known."""

    access = {"GET": AUTHENTICATED, "POST": AUTHENTICATED}
    serializer_class = ApiKeySerializer

    def rows(self) -> QuerySet[ApiKey]:
        return selectors.api_keys_of(signed_in(self.request))

    @extend_schema(operation_id="api_keys_create", request=ApiKeyCreateSerializer, responses={201: NewApiKeySerializer})
    def post(self, request: Request) -> Response:
        """Make a key; its text is in this answer and nowhere else."""
        values, password = without_password(checked(ApiKeyCreateSerializer, request))
        user = signed_in(request)
        services.password_confirm(user=user, password=password, request=request._request)
        key, text = services.api_key_create(user=user, **values)
        return Response(NewApiKeySerializer(key, context={"text": text}).data, status=201)


class ApiKeyView(ApiView):
    access = {"GET": AUTHENTICATED, "DELETE": AUTHENTICATED}

    @extend_schema(operation_id="api_keys_get", responses={200: ApiKeySerializer})
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        """Show a key of one's own."""
        return Response(ApiKeySerializer(row_or_404(selectors.api_keys_of(signed_in(request)), key_id)).data)

    @extend_schema(operation_id="api_keys_revoke", responses={200: ApiKeySerializer})
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        """Revoke a key; it is refused from now on, and stays in the list."""
        key = row_or_404(selectors.api_keys_of(signed_in(request)), key_id)
        return Response(ApiKeySerializer(services.api_key_revoke(key=key)).data)


class ApiKeyRotateView(ApiView):
    access = {"POST": AUTHENTICATED}

    @extend_schema(operation_id="api_keys_rotate", request=ApiKeyRotateSerializer, responses={200: NewApiKeySerializer})
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        """Give a key another secret; the old one is refused from now on."""
        user = signed_in(request)
        key = row_or_404(selectors.api_keys_of(user), key_id)
        _, password = without_password(checked(ApiKeyRotateSerializer, request))
        services.password_confirm(user=user, password=password, request=request._request)
        key, text = services.api_key_rotate(key=key)
        return Response(NewApiKeySerializer(key, context={"text": text}).data)

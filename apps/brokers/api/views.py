"""Connections: making, changing and testing them, and the keys that come in and never go out."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.brokers.live import LiveRefused
from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import connections_of
from apps.brokers.services import (
    NothingToTest,
    connection_change,
    connection_create,
    connection_test_ask,
    credentials_remove,
    credentials_set,
)
from apps.common.api.errors import answer_with
from apps.common.api.views import ApiView, ListView, checked, row_or_404

from .filters import ConnectionFilter
from .serializers import (
    ConnectionChangeSerializer,
    ConnectionCreateSerializer,
    ConnectionSerializer,
    CredentialsSerializer,
)

answer_with(LiveRefused, 403)
answer_with(NothingToTest, 409)
CHANGE = "brokers.change_brokerconnection"


class ConnectionsView(ListView):
    """The connections that the user may see, newest first."""

    access = {"GET": "brokers.view_brokerconnection", "POST": "brokers.add_brokerconnection"}
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter

    def rows(self) -> QuerySet[BrokerConnection]:
        return connections_of(signed_in(self.request))

    @extend_schema(
        operation_id="connection_create", request=ConnectionCreateSerializer, responses={201: ConnectionSerializer}
    )
    def post(self, request: Request) -> Response:
        """Make a connection: to the paper venue, or to an exchange; its key is set by itself."""
        connection = connection_create(owner=signed_in(request), **checked(ConnectionCreateSerializer, request))
        return Response(ConnectionSerializer(connection).data, status=201)


class ConnectionView(ApiView):
    access = {"GET": "brokers.view_brokerconnection", "PATCH": CHANGE}
    problems = {"PATCH": (409,)}

    @extend_schema(operation_id="connection_get", responses={200: ConnectionSerializer})
    def get(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Show a connection, and what its last test told."""
        return Response(ConnectionSerializer(row_or_404(connections_of(signed_in(request)), connection_id)).data)

    @extend_schema(
        operation_id="connection_change", request=ConnectionChangeSerializer, responses={200: ConnectionSerializer}
    )
    def patch(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Change a connection's name, state, money or paper settings."""
        connection = row_or_404(connections_of(signed_in(request)), connection_id)
        asked = checked(ConnectionChangeSerializer, request)
        changed = connection_change(connection=connection, actor=signed_in(request), **asked)
        return Response(ConnectionSerializer(changed).data)


class CredentialsView(ApiView):
    access = {"PUT": CHANGE, "DELETE": CHANGE}
    problems = {"DELETE": (400,)}

    @extend_schema(
        operation_id="connection_credentials_set", request=CredentialsSerializer, responses={200: ConnectionSerializer}
    )
    def put(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Set or replace a connection's key; it is sealed at once and never shown again."""
        connection = row_or_404(connections_of(signed_in(request)), connection_id)
        asked = checked(CredentialsSerializer, request)
        changed = credentials_set(connection=connection, actor=signed_in(request), **asked)
        return Response(ConnectionSerializer(changed).data)

    @extend_schema(operation_id="connection_credentials_remove", responses={200: ConnectionSerializer})
    def delete(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Forget a connection's key; it cannot trade without one."""
        connection = row_or_404(connections_of(signed_in(request)), connection_id)
        changed = credentials_remove(connection=connection, actor=signed_in(request))
        return Response(ConnectionSerializer(changed).data)


class ConnectionTestView(ApiView):
    access = {"POST": CHANGE}
    problems = {"POST": (409,)}

    @extend_schema(operation_id="connection_test", request=None, responses={202: ConnectionSerializer})
    def post(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Let a worker ask the venue what the key may do; `tested_at` moves on when it has answered."""
        connection = row_or_404(connections_of(signed_in(request)), connection_id)
        asked = connection_test_ask(connection=connection, actor=signed_in(request))
        return Response(ConnectionSerializer(asked).data, status=202)

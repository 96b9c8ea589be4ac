"""Placing, following and canceling orders."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.orders.models import Fill, Order
from apps.orders.selectors import fills_of, orders_of
from apps.orders.services.entry.canceling import OrderNotCancelable, order_cancel, orders_cancel
from apps.orders.services.entry.listing import order_list_place
from apps.orders.services.entry.placing import OrderDenied, Origin, order_place
from apps.orders.services.entry.repeating import ClientOrderIdReused
from apps.orders.services.entry.replacing import OrderNotReplaceable, order_replace

from .filters import FillFilter, OrderFilter
from .serializers import (
    CancelAllSerializer,
    CanceledSerializer,
    FillSerializer,
    OrderCreateSerializer,
    OrderDetailSerializer,
    OrderListCreateSerializer,
    OrderSerializer,
    PlacedListSerializer,
    ReplaceSerializer,
    intent_of,
)

answer_with(OrderDenied, 422, lambda denied: {"order": str(denied.order.pk), "figures": denied.figures})
answer_with(ClientOrderIdReused, 409)
answer_with(OrderNotCancelable, 409)
answer_with(OrderNotReplaceable, 409)
KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="May stand for client_order_id."
)


class OrdersView(ListView):
    """Orders, newest first."""

    access = {"GET": "orders.view_order", "POST": "orders.add_order"}
    problems = {"POST": (409, 422)}
    rate_scope = ORDERS
    serializer_class = OrderSerializer
    filterset_class = OrderFilter

    def rows(self) -> QuerySet[Order]:
        return orders_of(signed_in(self.request))

    @extend_schema(
        operation_id="order_place",
        parameters=[KEY],
        request=OrderCreateSerializer,
        responses={201: OrderSerializer, 200: OpenApiResponse(OrderSerializer, "The same order, placed before.")},
    )
    def post(self, request: Request) -> Response:
        """Place an order; one that the risk check denies is kept and answers 422."""
        asked = checked(OrderCreateSerializer, request)
        placement = order_place(
            portfolio=asked["portfolio"],
            instrument=asked["instrument"],
            intent=intent_of(asked),
            client_order_id=asked["client_order_id"],
            origin=Origin(metadata=asked["metadata"]),
            actor=signed_in(request),
        )
        return Response(OrderSerializer(placement.order).data, status=201 if placement.is_new else 200)


class OrderView(ApiView):
    access = {"GET": "orders.view_order", "DELETE": "orders.change_order"}
    problems = {"DELETE": (409,)}
    rate_scope = ORDERS

    @extend_schema(operation_id="order_get", responses={200: OrderDetailSerializer})
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        """Show an order with everything that happened to it."""
        orders = orders_of(signed_in(request)).prefetch_related("events", "fills__order__instrument")
        return Response(OrderDetailSerializer(row_or_404(orders, order_id)).data)

    @extend_schema(operation_id="order_delete", responses={200: OrderSerializer})
    def delete(self, request: Request, order_id: uuid.UUID) -> Response:
        """Ask for an order's cancel; its status tells whether it has ended yet."""
        return cancel(request, order_id)


class OrderByClientIdView(ApiView):
    access = {"GET": "orders.view_order"}
    rate_scope = ORDERS

    @extend_schema(operation_id="order_get_by_client_order_id", responses={200: OrderDetailSerializer})
    def get(self, request: Request, client_order_id: str) -> Response:
        """Show the order that was given this id; where several users have used it, one's own."""
        user = signed_in(request)
        found = (
            orders_of(user)
            .filter(client_order_id=client_order_id)
            .prefetch_related("events", "fills__order__instrument")
        )
        order = found.filter(owner=user).first() or found.first()
        if order is None:
            raise Http404
        return Response(OrderDetailSerializer(order).data)


class ReplaceView(ApiView):
    access = {"POST": "orders.change_order"}
    problems = {"POST": (400, 409, 422)}
    rate_scope = ORDERS

    @extend_schema(
        operation_id="order_replace",
        parameters=[KEY],
        request=ReplaceSerializer,
        responses={201: OrderSerializer, 200: OpenApiResponse(OrderSerializer, "The same replacement, asked before.")},
    )
    def post(self, request: Request, order_id: uuid.UUID) -> Response:
        """Put another order in an order's place; it is held until the venue has confirmed the end of the first."""
        order = row_or_404(orders_of(signed_in(request)), order_id)
        placement = order_replace(order=order, actor=signed_in(request), **checked(ReplaceSerializer, request))
        return Response(OrderSerializer(placement.order).data, status=201 if placement.is_new else 200)


class CancelAllView(ApiView):
    access = {"POST": "orders.change_order"}
    problems = {"POST": (400,)}
    rate_scope = ORDERS

    @extend_schema(operation_id="orders_cancel", request=CancelAllSerializer, responses={200: CanceledSerializer})
    def post(self, request: Request) -> Response:
        """Ask for the end of every working order, or of those of a portfolio, symbol, strategy or side."""
        orders = orders_cancel(actor=signed_in(request), **checked(CancelAllSerializer, request))
        return Response(CanceledSerializer({"count": len(orders), "orders": orders}).data)


class OrderListsView(ApiView):
    access = {"POST": "orders.add_order"}
    problems = {"POST": (400, 409, 422)}
    rate_scope = ORDERS

    @extend_schema(
        operation_id="order_list_place",
        parameters=[KEY],
        request=OrderListCreateSerializer,
        responses={
            201: PlacedListSerializer,
            200: OpenApiResponse(PlacedListSerializer, "The same list, placed before."),
        },
    )
    def post(self, request: Request) -> Response:
        """Place linked orders, all of them or none; where the risk check denies one, all are kept, denied."""
        asked = checked(OrderListCreateSerializer, request)
        intents = [intent_of(order) for order in asked.pop("orders")]
        placement = order_list_place(intents=intents, actor=signed_in(request), **asked)
        told = {name: asked[name] for name in ("client_order_id", "order_class")} | {"orders": placement.orders}
        return Response(PlacedListSerializer(told).data, status=201 if placement.is_new else 200)


class CancelView(ApiView):
    access = {"POST": "orders.change_order"}
    problems = {"POST": (409,)}
    rate_scope = ORDERS

    @extend_schema(operation_id="order_cancel", request=None, responses={200: OrderSerializer})
    def post(self, request: Request, order_id: uuid.UUID) -> Response:
        """Ask for an order's cancel; its status tells whether it has ended yet."""
        return cancel(request, order_id)


class FillsView(ListView):
    """Fills, newest first."""

    access = {"GET": "orders.view_fill"}
    serializer_class = FillSerializer
    filterset_class = FillFilter

    def rows(self) -> QuerySet[Fill]:
        return fills_of(signed_in(self.request))


def cancel(request: Request, order_id: uuid.UUID) -> Response:
    order = order_cancel(order=row_or_404(orders_of(signed_in(request)), order_id), actor=signed_in(request))
    return Response(OrderSerializer(order).data)

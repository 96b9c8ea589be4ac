"""Positions, each with the order that ends it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from apps.common.console import act
from apps.orders.dialogs import CloseForm
from apps.orders.services.canceling import position_close
from apps.portfolio.admin import PositionAdmin
from apps.portfolio.models import Position


@admin.register(Position)
class ClosablePositionAdmin(PositionAdmin):
    """Positions, each with the order that ends it."""

    actions_row = ["close_position"]
    actions_detail = ["close_position"]

    def has_close_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.add_order")

    @action(
        description="Close position",
        icon="logout",
        variant=ActionVariant.DANGER,
        permissions=["close"],
        dialog={
            "title": "Close this position?",
            "form_class": CloseForm,
            "form_submit_text": "Close position",
            "dismiss_text": "Keep position",
            "is_danger": True,
        },
    )
    def close_position(self, request: HttpRequest, form: CloseForm, object_id: str) -> HttpResponse:
        position: Position = form.row
        return act(
            request,
            lambda: position_close(position=position, actor=request.user),
            done=f"Order placed: {form.consequence}",
            back=reverse("admin:portfolio_position_changelist"),
        )

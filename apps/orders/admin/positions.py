"""Positions in the console: each with its margin, what protects it and what ends it; and the ledger of closed ones."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from algotrendy.trading.ledger import LedgerMethod
from algotrendy.trading.values import MarginMode
from apps.common.console import act, amount, money, relative_time, signed
from apps.common.console.figures import side_badge
from apps.orders.ledger import LedgerRow, portfolio_ledger
from apps.orders.services.holdings.closing import position_close, positions_close
from apps.orders.services.holdings.reprotecting import position_protect
from apps.portfolio.admin import PositionAdmin
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import portfolios_of, positions_of
from apps.portfolio.services import position_leverage_set

from .position_dialogs import CloseAllForm, CloseForm, ClosePartForm, LeverageForm, ProtectionForm

LIST = "admin:portfolio_position_changelist"
PAGE = "admin:portfolio_position_change"
ROWS_SHOWN = 200


@admin.register(Position)
class ClosablePositionAdmin(PositionAdmin):
    """Positions, each with the orders that end and protect it."""

    actions_list = ["ledger", "close_all"]
    actions_row = ["close_position", "change_protection"]
    actions_detail = ["close_position", "close_part", "change_protection", "set_leverage"]

    def has_close_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.add_order")

    def has_protect_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("portfolio.change_position")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer what changes a position only while it is open."""
        is_open = positions_of(request.user).filter(pk=object_id, closed_at__isnull=True).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.ledger_view)
        return [path("ledger/", view, name="portfolio_position_ledger_page"), *super().get_urls()]

    def ledger_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a portfolio has realized, by one method or the other."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        portfolios = list(portfolios_of(request.user).order_by("is_simulation", "name"))
        wanted = request.GET.get("portfolio", "")
        chosen = next((each for each in portfolios if str(each.pk) == wanted), portfolios[0] if portfolios else None)
        is_fifo = request.GET.get("method") == LedgerMethod.FIFO
        method = LedgerMethod.FIFO if is_fifo else LedgerMethod.AVERAGE
        context = {
            **self.admin_site.each_context(request),
            "title": "Realized ledger",
            "is_fullwidth": True,
            "portfolios": portfolios,
            "chosen": chosen,
            "method": method.value,
            **({} if chosen is None else ledger_context(chosen, method)),
        }
        return TemplateResponse(request, "console/ledger.html", context)

    @action(description="Realized ledger", icon="receipt_long", url_path="to-ledger")
    def ledger(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:portfolio_position_ledger_page"))

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
        return act(
            request,
            lambda: position_close(position=form.row, actor=request.user),
            done=f"Order placed: {form.consequence}",
            back=reverse(LIST),
        )

    @action(
        description="Close part",
        icon="content_cut",
        permissions=["close"],
        dialog={
            "title": "Close a part of this position?",
            "form_class": ClosePartForm,
            "form_submit_text": "Close this much",
            "dismiss_text": "Keep position",
            "is_danger": True,
        },
    )
    def close_part(self, request: HttpRequest, form: ClosePartForm, object_id: str) -> HttpResponse:
        quantity = form.cleaned_data["quantity"]
        return act(
            request,
            lambda: position_close(position=form.row, actor=request.user, quantity=quantity),
            done=f"Order placed: {form.row.instrument}, {quantity.normalize():f} at the market, with the next candle.",
            back=reverse(PAGE, args=[object_id]),
        )

    @action(
        description="Change protection",
        icon="shield",
        permissions=["protect"],
        dialog={
            "title": "Change this position's protection?",
            "form_class": ProtectionForm,
            "form_submit_text": "Change protection",
            "dismiss_text": "Keep as it is",
        },
    )
    def change_protection(self, request: HttpRequest, form: ProtectionForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: position_protect(position=form.row, actor=request.user, **form.changes()),
            done="Protection changed: the old orders end before the new ones begin.",
            back=reverse(PAGE, args=[object_id]),
        )

    @action(
        description="Set leverage",
        icon="speed",
        permissions=["protect"],
        dialog={
            "title": "Set this position's leverage?",
            "form_class": LeverageForm,
            "form_submit_text": "Set leverage",
            "dismiss_text": "Keep as it is",
            "is_danger": True,
        },
    )
    def set_leverage(self, request: HttpRequest, form: LeverageForm, object_id: str) -> HttpResponse:
        leverage, mode = form.cleaned_data["leverage"], MarginMode(form.cleaned_data["margin_mode"])
        return act(
            request,
            lambda: position_leverage_set(position=form.row, leverage=leverage, margin_mode=mode, actor=request.user),
            done=f"Leverage set to {leverage.normalize():f}.",
            back=reverse(PAGE, args=[object_id]),
        )

    @action(
        description="Close all",
        icon="logout",
        variant=ActionVariant.DANGER,
        permissions=["close"],
        dialog={
            "title": "Close all open positions?",
            "form_class": CloseAllForm,
            "form_submit_text": "Close all positions",
            "dismiss_text": "Keep positions",
            "is_danger": True,
        },
    )
    def close_all(self, request: HttpRequest, form: CloseAllForm) -> HttpResponse:
        return act(
            request,
            lambda: positions_close(actor=request.user, key=form.cleaned_data["key"]),
            done=f"Orders placed: {form.consequence}",
            back=reverse(LIST),
        )


def ledger_context(portfolio: Portfolio, method: LedgerMethod) -> dict[str, Any]:
    """Return the rows and totals of a ledger as people read them."""
    ledger = portfolio_ledger(portfolio, method)
    return {
        "count": len(ledger.rows),
        "shown": min(len(ledger.rows), ROWS_SHOWN),
        "rows": [_row(row) for row in ledger.rows[:ROWS_SHOWN]],
        "totals": [
            ("Gross", signed(ledger.gross)),
            ("Fees", money(ledger.fees)),
            ("Net", signed(ledger.net)),
            ("Funding paid", money(portfolio.funding_paid)),
        ],
    }


def _row(row: LedgerRow) -> dict[str, object]:
    hours, rest = divmod(row.holding_seconds, 3600)
    return {
        "closed": relative_time(row.closed_at),
        "symbol": row.symbol,
        "book": row.book,
        "side": side_badge(row.side),
        "figures": [
            amount(row.quantity, 4), amount(row.entry_price, 2), amount(row.exit_price, 2), signed(row.gross),
            amount(row.fees, 4), signed(row.net), f"{hours} h {rest // 60:02d} min",
        ],
    }  # fmt: skip

"""What canceling will do, said before it is done."""

from __future__ import annotations

from django.db.models import QuerySet

from algotrendy.trading.orders import OrderStatus
from apps.common.console import ConfirmForm, amount
from apps.orders.models import Order
from apps.orders.selectors import PROTECTIVE, orders_of, working_orders

SHOWN = 6


def sentence(order: Order) -> str:
    """Return an order in the words of a trader: "Buy 2.754 BTC/USDT, filled 0"."""
    decimals = order.instrument.quantity_decimals
    filled = amount(order.filled_quantity, decimals) if order.filled_quantity else "0"
    return f"{order.get_side_display()} {amount(order.quantity, decimals)} {order.instrument}, filled {filled}"


class CancelForm(ConfirmForm):
    """Ask before an order is canceled."""

    def rows(self) -> QuerySet[Order]:
        return orders_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        order: Order = self.row
        self.consequence = f"{sentence(order)}."
        if not OrderStatus(order.status).is_working:
            self.may_submit = False
            self.consequence = f"The order is {order.get_status_display().lower()}: nothing is left to cancel."
        elif order.role in PROTECTIVE:
            self.consequence += " The position goes on without this protection."
        remaining = amount(order.remaining_quantity, order.instrument.quantity_decimals)
        return [
            ("Order", f"#{str(order.pk)[:8]}"),
            ("Instrument", f"{order.get_side_display()} {order.instrument}, {order.get_type_display().lower()}"),
            ("Not filled yet", remaining),
            ("Strategy", order.strategy.name if order.strategy else "None, placed by hand"),
        ]


class CancelAllForm(ConfirmForm):
    """Ask before every open order that the user may see is canceled, and list the first of them."""

    def rows(self) -> QuerySet[Order]:
        mine = orders_of(self.request.user).filter(portfolio__is_simulation=False)
        return mine.filter(pk__in=working_orders().values("pk")).order_by("-created_at", "-id")

    def describe(self) -> list[tuple[str, object]]:
        rows = self.rows()
        count = rows.count()
        if not count:
            self.may_submit, self.consequence = False, "No order is open."
            return []
        protective = rows.filter(role__in=PROTECTIVE).count()
        self.consequence = f"{count} open order{'' if count == 1 else 's'} will be canceled."
        if protective:
            self.consequence += f" {protective} of them protect positions, which go on without."
        facts: list[tuple[str, object]] = [(f"#{str(order.pk)[:8]}", sentence(order)) for order in rows[:SHOWN]]
        return [*facts, ("And", f"{count - SHOWN} more")] if count > SHOWN else facts

"""What went otherwise than it should with an order, told to its owner for a day."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from apps.alerts.models import Severity
from apps.alerts.services import Finding, alert_raise, alerts_end
from apps.orders.models import Order

CODE = "order_irregular"
TOLD_FOR = timedelta(days=1)


def order_notice(order: Order, message: str, severity: Severity = Severity.WARNING) -> None:
    """Raise an alert about an order; a simulation's concerns nobody."""
    if order.portfolio.is_simulation:
        return
    page = reverse("admin:orders_order_change", args=[order.pk])
    alert_raise(CODE, f"order:{order.pk}", Finding(message, severity, owner_id=order.owner_id, page=page))


def notices_end() -> None:
    """End what has been told for long enough."""
    alerts_end(CODE, after=TOLD_FOR)

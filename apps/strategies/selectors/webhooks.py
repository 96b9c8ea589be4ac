"""Webhooks that a user may see, and where their alerts are sent."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from apps.accounts.models import User
from apps.strategies.models import StrategyWebhook


def webhooks_of(user: User) -> QuerySet[StrategyWebhook]:
    """Return the webhooks of the strategies that the user may see."""
    rows = StrategyWebhook.objects.select_related("strategy__instrument", "strategy__portfolio__owner")
    return rows if user.is_admin else rows.filter(strategy__portfolio__owner=user)


def webhook_address() -> str:
    """Return where alerts are sent: one address for all webhooks, as the secret tells whose an alert is."""
    return f"{settings.WEB_URL}{reverse('webhook-tradingview')}"

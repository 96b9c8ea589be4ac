"""Strategies that fail, as alerts to their owners."""

from __future__ import annotations

from django.urls import reverse

from apps.alerts.services import Finding, alerts_settle
from apps.strategies.models import Strategy


def strategies_watch() -> None:
    """Let the alerts of strategies be those of the enabled ones that could not run, or do not trade, for now."""
    failing = Strategy.objects.filter(enabled=True, portfolio__is_simulation=False).exclude(last_error="")
    findings = {
        f"strategy:{strategy.pk}": Finding(
            f"{strategy.name} does not trade: {strategy.last_error}",
            owner_id=strategy.portfolio.owner_id,
            page=reverse("admin:strategies_strategy_change", args=[strategy.pk]),
        )
        for strategy in failing.select_related("portfolio")
    }
    alerts_settle("strategy_failing", findings)

"""Webhooks of strategies: made, rotated, changed, taken away, and recognized by their secret.

A secret reads `hook_<prefix>_<secret>`; it is shown once, and only its keyed hash is kept.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction

from algotrendy.trading.alerts import template_check
from algotrendy.trading.errors import InvalidParameter, TradingError
from apps.accounts.models import Action
from apps.accounts.models.api_keys import is_within
from apps.accounts.services import audit
from apps.accounts.services.keyed_texts import KeyedText
from apps.common.origin import identify
from apps.strategies import metrics
from apps.strategies.models import Strategy, StrategyWebhook

from .versioning import strategy_lock

log = structlog.get_logger(__name__)
SECRETS = KeyedText(mark="hook", salt="algotrendy.webhook")
SETTINGS = frozenset({"is_enabled", "allowed_networks", "template"})


class WebhookExists(TradingError):
    """The strategy has a webhook already."""

    code = "webhook_exists"


class WebhookNotValid(TradingError):
    """The secret is no webhook's."""

    code = "webhook_not_valid"


class WebhookRefused(TradingError):
    """The webhook takes nothing now, or nothing from there."""

    code = "webhook_disabled"


@transaction.atomic
def webhook_create(*, strategy: Strategy, **values: Any) -> tuple[StrategyWebhook, str]:
    """Return a new webhook of the strategy and its secret, which is shown once.

    Values are `is_enabled`, `allowed_networks` and `template`. Raises WebhookExists and InvalidParameter.
    """
    row = strategy_lock(strategy)
    if StrategyWebhook.objects.filter(strategy=row).exists():
        raise WebhookExists(f"{row.name} has a webhook; rotate its secret instead.")
    webhook, secret = _with_new_secret(_set(StrategyWebhook(strategy=row), values))
    webhook.save(force_insert=True)
    audit(Action.WEBHOOK_CREATED, target=webhook, networks=webhook.allowed_networks)
    return webhook, secret


@transaction.atomic
def webhook_rotate(*, webhook: StrategyWebhook) -> tuple[StrategyWebhook, str]:
    """Return the webhook with another secret, and the secret; the old one is refused from now on."""
    webhook = _lock(webhook)
    old = webhook.prefix
    webhook, secret = _with_new_secret(webhook)
    webhook.save()
    audit(Action.WEBHOOK_ROTATED, target=webhook, replaces=old)
    return webhook, secret


@transaction.atomic
def webhook_change(*, webhook: StrategyWebhook, **changes: Any) -> StrategyWebhook:
    """Change what the webhook takes, and from where; raise InvalidParameter."""
    webhook = _set(_lock(webhook), changes)
    webhook.save()
    audit(Action.WEBHOOK_CHANGED, target=webhook, **{name: changes[name] for name in sorted(changes)})
    return webhook


@transaction.atomic
def webhook_delete(*, webhook: StrategyWebhook) -> None:
    """Take the webhook away, with what it remembers of its alerts; the signals that it gave stay."""
    webhook = _lock(webhook)
    audit(Action.WEBHOOK_DELETED, target=webhook)
    webhook.delete()


def webhook_admit(*, secret: str, ip: str) -> StrategyWebhook:
    """Return the webhook whose secret it is; raise WebhookNotValid or WebhookRefused.

    Only one who has the secret learns why else an alert is refused.
    """
    prefix, rest = SECRETS.split(secret)
    rows = StrategyWebhook.objects.select_related("strategy__instrument", "strategy__portfolio__owner")
    webhook = rows.filter(prefix=prefix).first() if prefix else None
    if not SECRETS.proves(rest, webhook.digest if webhook else None) or webhook is None:
        webhook_refused(webhook, "secret")
        raise WebhookNotValid("The webhook's secret is missing or not valid.")
    identify(credential=webhook.prefix)
    if not webhook.is_enabled:
        webhook_refused(webhook, "webhook_disabled")
        raise WebhookRefused("The webhook is switched off.")
    if not is_within(ip, webhook.allowed_networks):
        webhook_refused(webhook, "webhook_address")
        raise WebhookRefused(f"The webhook takes no alerts from {ip or 'there'}.", code="webhook_address")
    return webhook


def webhook_refused(webhook: StrategyWebhook | None, because: str) -> None:
    """Record that an alert was refused; strangers who know no prefix are only counted."""
    metrics.WEBHOOKS.labels(because).inc()
    log.warning("webhook_refused", webhook=webhook.prefix if webhook else "", because=because)
    if webhook is not None:
        audit(Action.WEBHOOK_REFUSED, target=webhook, because=because)


def _set(webhook: StrategyWebhook, values: dict[str, Any]) -> StrategyWebhook:
    unknown = sorted(set(values) - SETTINGS)
    if unknown:
        raise InvalidParameter(f"{', '.join(unknown)} of a webhook cannot be set.")
    for name, value in values.items():
        setattr(webhook, name, value)
    webhook.template = webhook.template.strip()
    if webhook.template:
        template_check(webhook.template)
    try:
        webhook.clean_fields(exclude=["strategy", "prefix", "digest"])
    except ValidationError as error:
        raise InvalidParameter(" ".join(error.messages)) from error
    return webhook


def _lock(webhook: StrategyWebhook) -> StrategyWebhook:
    rows = StrategyWebhook.objects.select_for_update(of=("self",)).select_related("strategy__portfolio__owner")
    return rows.get(pk=webhook.pk)


def _with_new_secret(webhook: StrategyWebhook) -> tuple[StrategyWebhook, str]:
    webhook.prefix, webhook.digest, text = SECRETS.make()
    return webhook, text

"""What each role may do, as Django permissions.

Whose rows are seen is not said here: selectors scope by owner. Permissions of models that come later are granted by
calling `seed` in another migration; administrators have every permission without being listed (`backends`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps.registry import Apps

from .models import Role

TRADED = {
    "alerts": ["alert"],
    "marketdata": [
        "instrument",
        "candle",
        "feed",
        "market session",
        "gap",
        "outage",
        "download",
        "retention",
    ],
    "brokers": ["broker connection"],
    "portfolio": ["portfolio", "risk profile", "platform limits", "position", "equity snapshot", "trading halt"],
    "strategies": [
        "strategy",
        "strategy version",
        "strategy performance",
        "signal",
        "strategy webhook",
        "backtest",
        "optimization",
    ],
    "orders": ["order", "order event", "fill", "reconciliation"],
}
"""The models of the trade by app, as their permissions name them."""
VIEWED = frozenset(f"{app}.view {model}" for app, models in TRADED.items() for model in models)
TRADER = VIEWED | {
    "orders.add order",  # place, also to close a position
    "orders.change order",  # cancel
    "alerts.change alert",  # acknowledge
    "marketdata.add download",  # also to fill a gap
    "marketdata.change download",  # cancel
    "strategies.add strategy",
    "strategies.change strategy",
    "strategies.delete strategy",
    "strategies.add backtest",
    "strategies.change backtest",  # cancel
    "strategies.delete backtest",
    "strategies.add optimization",
    "strategies.change optimization",
    "strategies.delete optimization",
    "portfolio.add portfolio",
    "portfolio.change portfolio",
    "portfolio.change risk profile",
    "portfolio.change position",  # its protection
    "portfolio.add trading halt",
    "portfolio.change trading halt",  # end one's own
    "strategies.change signal",  # approve, decline
    "strategies.add strategy webhook",
    "strategies.change strategy webhook",
    "strategies.delete strategy webhook",
    "orders.add reconciliation",  # ask for one
    "brokers.add broker connection",
    "brokers.change broker connection",
}
PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: VIEWED,
    Role.TRADER: frozenset(TRADER),
    Role.ADMIN: frozenset(
        f"{app}.{action} {model}"
        for app, models in {**TRADED, "accounts": ["user"], "auth": ["group"]}.items()
        for model in models
        for action in ("view", "add", "change", "delete")
    ),
}


def seed(apps: Apps, roles: Iterable[Role] = Role) -> None:
    """Make the groups that are missing and give each what its role may do; take nothing away.

    Permissions are made here where they do not exist yet: on a fresh database Django makes them only after the last
    migration.
    """
    group_model: Any = apps.get_model("auth", "Group")
    for role in roles:
        group, _ = group_model.objects.get_or_create(name=role.value)
        group.permissions.add(*(_permission(apps, name) for name in sorted(PERMISSIONS[role])))


def _permission(apps: Apps, name: str) -> Any:
    content_type_model: Any = apps.get_model("contenttypes", "ContentType")
    permission_model: Any = apps.get_model("auth", "Permission")
    app, _, action_on_model = name.partition(".")
    action, _, model = action_on_model.partition(" ")
    table_name = model.replace(" ", "")
    content_type, _ = content_type_model.objects.get_or_create(app_label=app, model=table_name)
    permission, _ = permission_model.objects.get_or_create(
        content_type=content_type, codename=f"{action}_{table_name}", defaults={"name": f"Can {action_on_model}"}
    )
    return permission

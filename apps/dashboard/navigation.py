"""What every page of the console shows around its content: sidebar, links, environment, the stream's address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from algotrendy.trading.orders import WORKING
from apps.alerts.selectors import open_alerts_of
from apps.marketdata.selectors import open_gaps
from apps.orders.selectors import orders_of
from apps.portfolio.halting import halt_title, halts_covering, open_halts_of
from apps.strategies.selectors import awaiting_signals_of

type Item = dict[str, Any]
MOST_HALTS = 3
"""That are said on every page; the list has all of them."""


def environment(request: HttpRequest) -> list[str]:
    """Return the pill's text and color: whether real money can be traded."""
    return ["LIVE", "danger"] if settings.LIVE_TRADING else ["PAPER", "warning"]


def environment_title(request: HttpRequest) -> str:
    return f"{environment(request)[0]} ·"


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the scripts of every page need; they read it from the page as JSON."""
    return {
        "console": {
            "stream_url": f"{settings.STREAM_URL}/api/stream?snapshot=no",
            "environment": environment(request)[0],
        },
        "halts_in_force": halts_in_force(request),
    }


def halts_in_force(request: HttpRequest) -> list[Item]:
    """Return what every page says of the halts that cover the user, the widest first."""
    if not request.user.is_authenticated or not request.user.has_perm("portfolio.view_tradinghalt"):
        return []
    return [
        {
            "mode": halt.mode,
            "title": halt_title(halt),
            "reason": halt.reason,
            "link": reverse("admin:portfolio_tradinghalt_change", args=[halt.pk]),
        }
        for halt in halts_covering(request.user)[:MOST_HALTS]
    ]


def site_links(request: HttpRequest) -> list[Item]:
    """Return the links under the site's name; other tools only where their address is set."""
    links = [{"icon": "api", "title": "API docs", "link": reverse("docs"), "attrs": {"target": "_blank"}}]
    tools = [("Flower", "task_alt", settings.FLOWER_URL), ("Grafana", "monitoring", settings.GRAFANA_URL)]
    links += [
        {"icon": icon, "title": title, "link": url, "attrs": {"target": "_blank", "rel": "noopener"}}
        for title, icon, url in tools
        if url
    ]
    return links


def sidebar(request: HttpRequest) -> list[Item]:
    """Return the groups of the sidebar; each item only for those who may view its rows."""
    return [
        {
            "title": "Trade",
            "items": [
                {"title": "Dashboard", "icon": "space_dashboard", "link": reverse("admin:index")},
                {
                    "title": "Market data",
                    "icon": "candlestick_chart",
                    "link": reverse("admin:market"),
                    "permission": _may("marketdata.view_candle"),
                },
                {
                    **_page("Orders", "receipt_long", "orders", "order"),
                    "badge": "apps.dashboard.navigation.open_orders",
                    "badge_variant": "primary",
                },
                _page("Positions", "account_balance_wallet", "portfolio", "position"),
                _page("Portfolios", "savings", "portfolio", "portfolio"),
                _page("Risk limits", "shield", "portfolio", "riskprofile"),
                {
                    **_page("Trading halts", "front_hand", "portfolio", "tradinghalt"),
                    "badge": "apps.dashboard.navigation.trading_halts",
                    "badge_variant": "danger",
                },
            ],
        },
        {
            "title": "Automate",
            "separator": True,
            "items": [
                _page("Strategies", "cognition", "strategies", "strategy"),
                _page("Backtests", "science", "strategies", "backtest"),
                _page("Optimizations", "tune", "strategies", "optimization"),
                {
                    **_page("Signals", "bolt", "strategies", "signal"),
                    "badge": "apps.dashboard.navigation.awaiting_signals",
                    "badge_variant": "warning",
                },
                _page("Drift", "compare_arrows", "strategies", "strategyperformance"),
            ],
        },
        {
            "title": "Operate",
            "separator": True,
            "items": [
                {
                    **_page("Alerts", "notifications", "alerts", "alert"),
                    "badge": "apps.dashboard.navigation.open_alerts",
                    "badge_variant": "danger",
                },
                _page("Feeds", "cell_tower", "marketdata", "feed"),
                _page("Instruments", "sell", "marketdata", "instrument"),
                _page("Downloads", "download", "marketdata", "download"),
                {
                    **_page("Gaps", "data_alert", "marketdata", "gap"),
                    "badge": "apps.dashboard.navigation.missing_candles",
                    "badge_variant": "warning",
                },
                _page("Outages", "cloud_off", "marketdata", "outage"),
                _page("Retention", "auto_delete", "marketdata", "retention"),
                _page("Connections", "link", "brokers", "brokerconnection"),
                _page("Reconciliations", "balance", "orders", "reconciliation"),
                _page("Jobs", "schedule", "django_celery_beat", "periodictask"),
                _page("Job results", "checklist", "django_celery_results", "taskresult"),
                _page("Users", "group", "accounts", "user"),
                _page("API keys", "key", "accounts", "apikey"),
                _page("Audit trail", "policy", "accounts", "auditevent"),
                {
                    "title": "Locked sign-ins",
                    "icon": "lock_clock",
                    "link": reverse("admin:axes_accessattempt_changelist"),
                    "permission": _may("accounts.view_user"),
                },
                _page("Rate limits", "speed", "accounts", "ratelimit"),
                _page("Platform limits", "gpp_maybe", "portfolio", "platformlimits"),
            ],
        },
    ]


def tabs(request: HttpRequest) -> list[Item]:
    """Return the tabs above the lists that have an open part."""
    return [
        {
            "models": [model],
            "items": [
                {"title": "All", "link": reverse(page), "active": _is_state(None)},
                {"title": "Open", "link": f"{reverse(page)}?state=open", "active": _is_state("open")},
            ],
        }
        for model, page in (
            ("orders.order", "admin:orders_order_changelist"),
            ("portfolio.position", "admin:portfolio_position_changelist"),
        )
    ]


def open_orders(request: HttpRequest) -> int | None:
    """Return how many orders are at work, or None where there are none: then there is no badge."""
    if not request.user.is_authenticated:
        return None
    return orders_of(request.user).filter(status__in=WORKING).order_by().count() or None


def open_alerts(request: HttpRequest) -> int | None:
    """Return how many alerts nobody has seen to, or None where there are none."""
    if not request.user.is_authenticated or not request.user.has_perm("alerts.view_alert"):
        return None
    return open_alerts_of(request.user).count() or None


def trading_halts(request: HttpRequest) -> int | None:
    """Return how many halts hold, or None where there are none."""
    if not request.user.is_authenticated or not request.user.has_perm("portfolio.view_tradinghalt"):
        return None
    return open_halts_of(request.user).count() or None


def awaiting_signals(request: HttpRequest) -> int | None:
    """Return how many signals wait for approval, or None where there are none."""
    if not request.user.is_authenticated or not request.user.has_perm("strategies.view_signal"):
        return None
    return awaiting_signals_of(request.user).order_by().count() or None


def missing_candles(request: HttpRequest) -> int | None:
    """Return how many gaps are open, or None where there are none."""
    if not request.user.has_perm("marketdata.view_gap"):
        return None
    return open_gaps().count() or None


def _page(title: str, icon: str, app: str, model: str) -> Item:
    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{app}_{model}_changelist"),
        "permission": _may(f"{app}.view_{model}"),
    }


def _is_state(state: str | None) -> Callable[[HttpRequest], bool]:
    return lambda request: request.GET.get("state") == state


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)

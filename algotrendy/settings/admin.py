"""The console: Unfold's theme, sidebar and links, and where the browser finds the event stream."""

from django.templatetags.static import static
from django.urls import reverse_lazy

from .env import env

WEB_URL = env.str("WEB_URL", default="").rstrip("/")
"""The origin under which browsers reach the web server; the event stream answers pages of this origin."""
STREAM_URL = env.str("STREAM_URL", default="").rstrip("/")
"""The event stream's own origin (on a laptop, another port); empty where a proxy serves both under one origin."""
FLOWER_URL = env.str("FLOWER_URL", default="")
GRAFANA_URL = env.str("GRAFANA_URL", default="")

UNFOLD = {
    "SITE_TITLE": "AlgoTrendy",
    "SITE_HEADER": "AlgoTrendy",
    "SITE_SUBHEADER": "Algorithmic trading",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("algotrendy/img/logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("algotrendy/img/logo.svg")},
    ],
    "SITE_DROPDOWN": "apps.dashboard.navigation.site_links",
    "SITE_VIEWS": [
        ("account/", "account", "apps.accounts.admin.account.ProfilePage"),
        ("account/security/", "account_security", "apps.accounts.admin.account.SecurityPage"),
        ("account/keys/", "account_keys", "apps.accounts.admin.account.KeysPage"),
        ("account/sessions/", "account_sessions", "apps.accounts.admin.account.SessionsPage"),
        ("account/activity/", "account_activity", "apps.accounts.admin.account.ActivityPage"),
        ("market/", "market", "apps.dashboard.views.MarketView"),
        ("data/overview/", "data_overview", "apps.dashboard.views.OverviewData"),
        ("data/activity/", "data_activity", "apps.dashboard.views.ActivityData"),
        ("data/chart/", "data_chart", "apps.dashboard.views.ChartData"),
        ("data/health/", "data_health", "apps.dashboard.views.HealthData"),
    ],
    "ENVIRONMENT": "apps.dashboard.navigation.environment",
    "ENVIRONMENT_TITLE_PREFIX": "apps.dashboard.navigation.environment_title",
    "GLOBAL_CALLBACK": "apps.dashboard.navigation.page_context",
    "DASHBOARD_CALLBACK": "apps.dashboard.views.dashboard_context",
    "ACCOUNT": {"navigation": [{"title": "My account", "link": reverse_lazy("admin:account")}]},
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "STYLES": [
        lambda request: static("algotrendy/css/console.css"),
        lambda request: static("algotrendy/css/account.css"),
    ],
    # The first script blocks, so that the page never flashes in the other theme.
    "SCRIPTS": [
        lambda request: static("algotrendy/js/theme.js"),
        lambda request: static("algotrendy/js/dialog.js"),
    ],
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {"show_search": True, "navigation": "apps.dashboard.navigation.sidebar"},
    "TABS": "apps.dashboard.navigation.tabs",
    "COLORS": {
        "base": {
            "50": "#f6f8fb",
            "100": "#edf1f6",
            "200": "#dde3eb",
            "300": "#c3ccd8",
            "400": "#93a0b2",
            "500": "#657287",
            "600": "#47536a",
            "700": "#2a3648",
            "800": "#1b2433",
            "900": "#101723",
            "950": "#0a0f18",
        },
        "primary": {
            "50": "#eef4ff",
            "100": "#dbe7ff",
            "200": "#bcd3ff",
            "300": "#8fb5ff",
            "400": "#6499ff",
            "500": "#3b7cff",
            "600": "#2563eb",
            "700": "#1e4fc2",
            "800": "#1d4299",
            "900": "#1a3775",
            "950": "#142349",
        },
    },
}

"""Django REST framework, JWT, the OpenAPI schema and the rate limits."""

from datetime import timedelta

from .env import env

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api.authentication.TokenAuthentication",
        "apps.accounts.api.authentication.KeyAuthentication",
        "apps.accounts.api.authentication.ConsoleAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.common.api.permissions.DeclaredPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.accounts.api.throttling.TierThrottle"],
    "DEFAULT_PAGINATION_CLASS": "apps.common.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["apps.common.api.filters.StrictFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["apps.common.api.renderers.KeptJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.api.parsers.ExactJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.common.api.schema.ProblemSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "apps.common.api.errors.problem_details",
    "COERCE_DECIMAL_TO_STRING": True,
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("JWT_ACCESS_MINUTES", default=15)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("JWT_REFRESH_DAYS", default=7)),
}

LIMIT_HEADERS = {
    "X-RateLimit-Limit": {
        "description": "Calls in the window that holds you up first.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {"description": "Calls left in that window.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {
        "description": "When that window ends, in seconds since 1970 (UTC).",
        "schema": {"type": "integer"},
    },
    "RateLimit-Policy": {
        "description": "Every window that this call was counted in, with its quota `q` and its seconds `w`.",
        "schema": {"type": "string"},
        "example": '"minute";q=100;w=60, "burst";q=10;w=1',
    },
    "RateLimit": {
        "description": "Calls `r` that each window has left, and the seconds `t` until it ends.",
        "schema": {"type": "string"},
        "example": '"minute";r=99;t=42, "burst";r=9;t=1',
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AlgoTrendy API",
    "DESCRIPTION": "Market data, strategies, orders, positions and portfolios of your own trading platform.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # its default asks another company's server
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {"headers": LIMIT_HEADERS},
    "ENUM_NAME_OVERRIDES": {
        "Role": "apps.accounts.models.Role",
        "JobStatus": "apps.strategies.models.JobStatus",
        "GapStatus": "apps.marketdata.models.GapStatus",
        "DownloadStatus": "apps.marketdata.models.DownloadStatus",
        "AlertSeverity": "apps.alerts.models.Severity",
        "OrderRole": "apps.orders.models.OrderRole",
        "OrderClass": "apps.orders.models.OrderClass",
        "OrderListClass": "apps.orders.api.serializers.LIST_CLASSES",
        "OrderType": "apps.common.api.schema.ORDER_TYPES",
        "Side": "apps.common.api.schema.SIDES",
        "ConnectionKind": "apps.brokers.models.BrokerKind",
        "OrderStatus": "apps.common.api.schema.ORDER_STATUSES",
        "SignalOutcome": "apps.strategies.models.SignalOutcome",
        "ReconciliationOutcome": "apps.orders.models.ReconciliationOutcome",
        "HealthStatus": "apps.operations.api.serializers.STATUSES",
        "PositionSide": "apps.common.api.schema.POSITION_SIDES",
    },
}

RATELIMIT_ENABLE = env.bool("RATE_LIMITS", default=True)
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_IP_META_KEY = "apps.common.client_ip.client_ip"
RATE_LIMITS = {
    "anonymous": {
        "general": ["100/m", "10/s"],
        "orders": ["60/m", "10/s"],
        "market_data": ["1200/m", "10/s"],
        "login": ["10/m"],
        "register": ["5/h"],
    },
    "free": {"general": ["100/m", "10/s"], "orders": ["60/m", "10/s"], "market_data": ["1200/m", "10/s"]},
    "premium": {"general": ["500/m", "50/s"], "orders": ["300/m", "50/s"], "market_data": ["6000/m", "50/s"]},
    "enterprise": {"general": ["2000/m", "100/s"], "orders": ["1000/m", "100/s"], "market_data": ["12000/m", "100/s"]},
}
"""Calls that a user of each tier has in each scope, and an address that has not signed in. Signing in and registering
are counted by address whoever calls. Administrators may change the rest in the console."""

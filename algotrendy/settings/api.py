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
    "DEFAULT_THROTTLE_CLASSES": ["apps.common.api.throttling.DeclaredThrottle"],
    "DEFAULT_PAGINATION_CLASS": "apps.common.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["apps.common.api.filters.StrictFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
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

SPECTACULAR_SETTINGS = {
    "TITLE": "AlgoTrendy API",
    "DESCRIPTION": "Market data, strategies, orders, positions and portfolios of your own trading platform.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "Role": "apps.accounts.models.Role",
        "OrderRole": "apps.orders.models.OrderRole",
        "OrderType": "apps.common.api.schema.ORDER_TYPES",
        "Side": "apps.common.api.schema.SIDES",
        "OrderStatus": "apps.common.api.schema.ORDER_STATUSES",
        "HealthStatus": "apps.operations.api.serializers.STATUSES",
        "PositionSide": "apps.common.api.schema.POSITION_SIDES",
    },
}

RATELIMIT_ENABLE = env.bool("RATE_LIMITS", default=True)
RATELIMIT_IP_META_KEY = env.str("CLIENT_IP_META_KEY", default="REMOTE_ADDR")
"""Where a request's address is found; behind a proxy that sets it, HTTP_X_REAL_IP."""
RATE_LIMITS = {
    "general": ["100/m", "10/s"],
    "orders": ["60/m", "10/s"],
    "market_data": ["1200/m", "10/s"],
    "login": ["10/m"],
    "register": ["5/h"],
}
"""Calls that one user, or one address that has not signed in, may make in each scope."""

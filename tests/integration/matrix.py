"""Who may do what, written down by hand for every route: what the code answers is compared with this.

A route that is not here fails the tests, so that nobody forgets to say whom it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

ANONYMOUS, VIEWER, TRADER, OTHER, ADMIN = "anonymous", "viewer", "trader", "other", "admin"
READ_KEY, TRADE_KEY, REVOKED_KEY, EXPIRED_TOKEN = "read_key", "trade_key", "revoked_key", "expired_token"
PEOPLE = frozenset({VIEWER, TRADER, OTHER, ADMIN})
TRADERS = frozenset({TRADER, OTHER, ADMIN})
ADMINS = frozenset({ADMIN})
NOBODY: frozenset[str] = frozenset()
API_ACTORS = (ANONYMOUS, VIEWER, TRADER, OTHER, ADMIN, READ_KEY, TRADE_KEY, REVOKED_KEY, EXPIRED_TOKEN)
"""The keys and the expired token are the trader's."""
CONSOLE_ACTORS = (ANONYMOUS, VIEWER, TRADER, OTHER, ADMIN)

OPEN = "open"
"""Takes no credentials at all."""
PUBLIC = frozenset({ANONYMOUS, *PEOPLE, READ_KEY, TRADE_KEY})
OWN = PEOPLE
"""One's own account: every person, no key."""
OWN_OR_KEY = PEOPLE | {READ_KEY, TRADE_KEY}
VIEW = PEOPLE | {READ_KEY}
TRADE = TRADERS | {TRADE_KEY}

API: dict[str, dict[str, frozenset[str] | str]] = {
    "/api/health/live": {"get": OPEN},
    "/api/health/ready": {"get": OPEN},
    "/api/health/startup": {"get": OPEN},
    "/api/schema": {"get": PUBLIC},
    "/api/docs": {"get": PUBLIC},
    "/api/redoc": {"get": PUBLIC},
    "/api/auth/login": {"post": OPEN},
    "/api/auth/refresh": {"post": OPEN},
    "/api/auth/logout": {"post": OPEN},
    "/api/auth/register": {"post": OPEN},
    "/api/auth/register/resend": {"post": OPEN},
    "/api/auth/verify-email": {"post": OPEN},
    "/api/auth/password/reset": {"post": OPEN},
    "/api/auth/password/reset/confirm": {"post": OPEN},
    "/api/auth/mfa/challenge": {"post": OPEN},
    "/api/auth/me": {"get": OWN_OR_KEY, "patch": OWN},
    "/api/auth/password": {"post": OWN},
    "/api/auth/sessions": {"get": OWN, "delete": OWN},
    "/api/auth/sessions/{session_id}": {"delete": OWN},
    "/api/auth/mfa": {"get": OWN},
    "/api/auth/mfa/enroll": {"post": OWN},
    "/api/auth/mfa/verify": {"post": OWN},
    "/api/auth/mfa/disable": {"post": OWN},
    "/api/auth/mfa/backup-codes": {"post": OWN},
    "/api/api-keys": {"get": OWN, "post": OWN},
    "/api/api-keys/{key_id}": {"get": OWN, "delete": OWN},
    "/api/api-keys/{key_id}/rotate": {"post": OWN},
    "/api/users": {"get": ADMINS, "post": ADMINS},
    "/api/users/{user_id}": {"get": ADMINS, "patch": ADMINS},
    "/api/audit": {"get": ADMINS},
    "/api/market-data/instruments": {"get": PUBLIC},
    "/api/market-data/instruments/{symbol}": {"get": PUBLIC},
    "/api/market-data/feeds": {"get": PUBLIC},
    "/api/market-data/gaps": {"get": PUBLIC},
    "/api/market-data/gaps/{gap_id}/backfill": {"post": TRADE},
    "/api/market-data/downloads": {"get": VIEW, "post": TRADE},
    "/api/market-data/downloads/{download_id}": {"get": VIEW},
    "/api/market-data/downloads/{download_id}/cancel": {"post": TRADE},
    "/api/market-data/{symbol}/candles": {"get": PUBLIC},
    "/api/market-data/{symbol}/latest": {"get": PUBLIC},
    "/api/market-data/{symbol}/ticker": {"get": PUBLIC},
    "/api/market-data/{symbol}/indicators": {"get": PUBLIC},
    "/api/market-data/indicators": {"get": PUBLIC},
    "/api/market-data/summary": {"get": PUBLIC},
    "/api/alerts": {"get": VIEW},
    "/api/alerts/{alert_id}": {"get": VIEW},
    "/api/alerts/{alert_id}/acknowledge": {"post": TRADE},
    "/api/connections": {"get": VIEW, "post": TRADERS},
    "/api/connections/{connection_id}": {"get": VIEW, "patch": TRADERS},
    "/api/connections/{connection_id}/credentials": {"put": TRADERS, "delete": TRADERS},
    "/api/connections/{connection_id}/test": {"post": TRADERS},
    "/api/portfolios": {"get": VIEW},
    "/api/portfolios/{portfolio_id}": {"get": VIEW},
    "/api/portfolios/{portfolio_id}/equity": {"get": VIEW},
    "/api/portfolios/{portfolio_id}/limits": {"get": VIEW, "patch": TRADERS},
    "/api/platform/limits": {"get": VIEW, "patch": ADMINS},
    "/api/halts": {"get": VIEW, "post": TRADE},
    "/api/halts/{halt_id}/end": {"post": TRADERS},
    "/api/portfolios/{portfolio_id}/ledger": {"get": VIEW},
    "/api/portfolios/{portfolio_id}/ledger.csv": {"get": VIEW},
    "/api/positions": {"get": VIEW},
    "/api/positions/close-all": {"post": TRADE},
    "/api/positions/{position_id}": {"get": VIEW},
    "/api/positions/{position_id}/leverage": {"post": TRADE},
    "/api/positions/{position_id}/protection": {"patch": TRADE},
    "/api/positions/{position_id}/close": {"post": TRADE},
    "/api/strategies": {"get": VIEW, "post": TRADE},
    "/api/strategies/rules": {"get": OWN_OR_KEY},
    "/api/strategies/rules/problems": {"get": ADMINS},
    "/api/strategies/{strategy_id}": {"get": VIEW, "patch": TRADE, "delete": TRADE},
    "/api/strategies/{strategy_id}/enable": {"post": TRADE},
    "/api/strategies/{strategy_id}/disable": {"post": TRADE},
    "/api/strategies/{strategy_id}/duplicate": {"post": TRADE},
    "/api/strategies/{strategy_id}/unarchive": {"post": TRADE},
    "/api/strategies/{strategy_id}/performance": {"get": VIEW},
    "/api/strategies/{strategy_id}/versions": {"get": VIEW},
    "/api/strategies/{strategy_id}/versions/{number}/restore": {"post": TRADE},
    "/api/strategies/{strategy_id}/webhook": {"get": VIEW, "post": TRADERS, "patch": TRADERS, "delete": TRADERS},
    "/api/strategies/{strategy_id}/webhook/rotate": {"post": TRADERS},
    "/api/signals": {"get": VIEW},
    "/api/signals/{signal_id}": {"get": VIEW},
    "/api/signals/{signal_id}/approve": {"post": TRADE},
    "/api/signals/{signal_id}/decline": {"post": TRADE},
    "/api/webhooks/tradingview": {"post": OPEN},
    "/api/backtests": {"get": VIEW, "post": TRADE},
    "/api/backtests/compare": {"get": VIEW},
    "/api/backtests/{backtest_id}": {"get": VIEW, "delete": TRADE},
    "/api/backtests/{backtest_id}/cancel": {"post": TRADE},
    "/api/backtests/{backtest_id}/trades": {"get": VIEW},
    "/api/backtests/{backtest_id}/equity": {"get": VIEW},
    "/api/backtests/{backtest_id}/trades.csv": {"get": VIEW},
    "/api/backtests/{backtest_id}/equity.csv": {"get": VIEW},
    "/api/backtests/{backtest_id}/result.json": {"get": VIEW},
    "/api/backtests/{backtest_id}/report.html": {"get": VIEW},
    "/api/optimizations": {"get": VIEW, "post": TRADE},
    "/api/optimizations/{optimization_id}": {"get": VIEW, "delete": TRADE},
    "/api/optimizations/{optimization_id}/cancel": {"post": TRADE},
    "/api/optimizations/{optimization_id}/trials": {"get": VIEW},
    "/api/optimizations/{optimization_id}/heat-map": {"get": VIEW},
    "/api/optimizations/{optimization_id}/equity": {"get": VIEW},
    "/api/orders": {"get": VIEW, "post": TRADE},
    "/api/orders/{order_id}": {"get": VIEW, "delete": TRADE},
    "/api/orders/{order_id}/cancel": {"post": TRADE},
    "/api/orders/{order_id}/replace": {"post": TRADE},
    "/api/orders/cancel-all": {"post": TRADE},
    "/api/orders/by-client-order-id/{client_order_id}": {"get": VIEW},
    "/api/order-lists": {"post": TRADE},
    "/api/reconciliations": {"get": VIEW, "post": TRADE},
    "/api/fills": {"get": VIEW},
    "/api/fills.csv": {"get": VIEW},
}
OWNERS_ALONE = ("session_id", "key_id")
"""Rows that not even an administrator reaches by API."""
EVERYBODYS = ("user_id", "gap_id", "download_id")
"""Rows that everybody reaches who may use the route."""


@dataclass(frozen=True)
class Model:
    """Who sees a model's pages in the console, and who adds, changes and deletes its rows there."""

    see: frozenset[str]
    add: frozenset[str] = NOBODY
    change: frozenset[str] = NOBODY
    delete: frozenset[str] = NOBODY


CONSOLE_MODELS = {
    "accounts_user": Model(ADMINS, add=ADMINS, change=ADMINS),
    "accounts_ratelimit": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "accounts_auditevent": Model(ADMINS),
    "accounts_apikey": Model(ADMINS),
    "accounts_apisession": Model(ADMINS),
    "alerts_alert": Model(PEOPLE),
    "auth_group": Model(ADMINS, add=ADMINS, change=ADMINS),
    "axes_accessattempt": Model(ADMINS),
    "marketdata_instrument": Model(PEOPLE, add=ADMINS, change=ADMINS),
    "marketdata_candle": Model(PEOPLE),
    "marketdata_feed": Model(PEOPLE, add=ADMINS, change=ADMINS),
    "marketdata_download": Model(PEOPLE, add=TRADERS),
    "marketdata_gap": Model(PEOPLE),
    "marketdata_gapscan": Model(ADMINS),
    "marketdata_marketsession": Model(PEOPLE),
    "marketdata_outage": Model(PEOPLE, add=ADMINS, change=ADMINS, delete=ADMINS),
    "marketdata_retention": Model(PEOPLE, add=ADMINS, change=ADMINS, delete=ADMINS),
    "brokers_brokerconnection": Model(PEOPLE, add=TRADERS, change=TRADERS),
    "brokers_paperorder": Model(ADMINS),
    "brokers_papertrade": Model(ADMINS),
    "portfolio_portfolio": Model(PEOPLE, add=TRADERS, change=TRADERS),
    "portfolio_riskprofile": Model(PEOPLE, change=TRADERS),
    "portfolio_platformlimits": Model(PEOPLE, change=ADMINS),
    "portfolio_tradinghalt": Model(PEOPLE, add=TRADERS),
    "portfolio_equitysnapshot": Model(PEOPLE),
    "portfolio_position": Model(PEOPLE),
    "strategies_strategy": Model(PEOPLE, add=TRADERS, change=TRADERS),
    "strategies_strategyversion": Model(PEOPLE),
    "strategies_strategyperformance": Model(PEOPLE),
    "strategies_signal": Model(PEOPLE),
    "strategies_strategywebhook": Model(PEOPLE),
    "strategies_webhookdelivery": Model(ADMINS),
    "strategies_backtest": Model(PEOPLE, add=TRADERS),
    "strategies_optimization": Model(PEOPLE, add=TRADERS),
    "orders_order": Model(PEOPLE),
    "orders_orderevent": Model(PEOPLE),
    "orders_fill": Model(PEOPLE),
    "orders_reconciliation": Model(PEOPLE),
    "orders_seriescursor": Model(ADMINS),
    "orders_laggingaccount": Model(ADMINS),
    "django_celery_beat_periodictask": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "django_celery_beat_intervalschedule": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "django_celery_beat_crontabschedule": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "django_celery_beat_solarschedule": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "django_celery_beat_clockedschedule": Model(ADMINS, add=ADMINS, change=ADMINS, delete=ADMINS),
    "django_celery_results_taskresult": Model(ADMINS),
    "django_celery_results_groupresult": Model(ADMINS),
}
CONSOLE_ACTIONS = {
    "accounts_user_sign_out": ADMINS,
    "accounts_user_unlock": ADMINS,
    "accounts_user_reset_mfa": ADMINS,
    "auth_user_password_change": ADMINS,
    "accounts_apikey_revoke": ADMINS,
    "axes_accessattempt_unlock": ADMINS,
    "alerts_alert_acknowledge_alert": TRADERS,
    "marketdata_feed_enable_feed": ADMINS,
    "marketdata_feed_disable_feed": ADMINS,
    "marketdata_download_cancel_download": TRADERS,
    "marketdata_gap_backfill_gap": TRADERS,
    "brokers_brokerconnection_set_credentials": TRADERS,
    "brokers_brokerconnection_remove_credentials": TRADERS,
    "brokers_brokerconnection_test_connection": TRADERS,
    "strategies_strategy_enable_strategy": TRADERS,
    "strategies_strategy_disable_strategy": TRADERS,
    "strategies_backtest_cancel_backtest": TRADERS,
    "strategies_optimization_cancel_optimization": TRADERS,
    "strategies_optimization_delete_optimization": TRADERS,
    "strategies_backtest_delete_backtest": TRADERS,
    "strategies_strategy_duplicate_strategy": TRADERS,
    "strategies_strategy_delete_strategy": TRADERS,
    "strategies_strategy_unarchive_strategy": TRADERS,
    "strategies_strategyversion_restore_version": TRADERS,
    "portfolio_portfolio_halt_portfolio": TRADERS,
    "portfolio_tradinghalt_end_halt": TRADERS,
    "strategies_strategy_create_webhook": TRADERS,
    "strategies_strategywebhook_change_webhook": TRADERS,
    "strategies_strategywebhook_rotate_webhook": TRADERS,
    "strategies_strategywebhook_delete_webhook": TRADERS,
    "strategies_signal_approve_signal": TRADERS,
    "strategies_signal_decline_signal": TRADERS,
    "orders_order_cancel_order": TRADERS,
    "orders_order_replace_order": TRADERS,
    "orders_order_new_order": TRADERS,
    "orders_order_cancel_all": TRADERS,
    "orders_reconciliation_reconcile_now": TRADERS,
    "portfolio_position_close_position": TRADERS,
    "portfolio_position_close_part": TRADERS,
    "portfolio_position_change_protection": TRADERS,
    "portfolio_position_set_leverage": TRADERS,
    "portfolio_position_close_all": TRADERS,
}
"""Each is a dialog: GET asks, POST acts."""
CONSOLE_PAGES = {
    "index": PEOPLE,
    "search": PEOPLE,
    "market": PEOPLE,
    "data_overview": PEOPLE,
    "data_activity": PEOPLE,
    "data_chart": PEOPLE,
    "data_health": PEOPLE,
    "strategies_backtest_chart": PEOPLE,
    "strategies_backtest_compare": PEOPLE,
    "portfolio_position_ledger": PEOPLE,
    "portfolio_position_ledger_page": PEOPLE,
    "account": PEOPLE,
    "account_security": PEOPLE,
    "account_keys": PEOPLE,
    "account_sessions": PEOPLE,
    "account_activity": PEOPLE,
    "password_change_done": PEOPLE,
    "app_list": PEOPLE,
    "jsi18n": PEOPLE,
}
ELSEWHERE = {
    "sign-in", "sign-in-code", "login", "logout", "autocomplete", "view_on_site", "root", "admin_password_reset",
    "reset-password", "verify-email", "register", "metrics", "password-change", "password_change",
}  # fmt: skip
"""Routes whose own tests say who may do what there."""

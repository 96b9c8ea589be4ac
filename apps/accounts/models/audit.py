"""What was done by whom: rows that are added and never change."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    """What is recorded; the words are stable, for programs."""

    SIGNED_IN = "auth.signed_in", "Signed in"
    SIGN_IN_FAILED = "auth.sign_in_failed", "Sign-in failed"
    SIGN_IN_LOCKED = "auth.sign_in_locked", "Sign-in locked"
    SIGN_IN_UNLOCKED = "auth.sign_in_unlocked", "Sign-in unlocked"
    SIGNED_OUT = "auth.signed_out", "Signed out"
    SESSION_ENDED = "auth.session_ended", "Session ended"
    TOKEN_REUSED = "auth.token_reused", "Used token came back"
    REGISTERED = "account.registered", "Registered"
    VERIFIED = "account.email_verified", "E-mail address verified"
    CREATED = "account.created", "Account made"
    CHANGED = "account.changed", "Account changed"
    ACCESS_CHANGED = "account.access_changed", "Role or access changed"
    PASSWORD_CHANGED = "account.password_changed", "Password changed"
    PASSWORD_REFUSED = "account.password_refused", "Current password was wrong"
    RESET_ASKED = "account.password_reset_asked", "Password reset asked for"
    KEY_CREATED = "api_key.created", "API key made"
    KEY_ROTATED = "api_key.rotated", "API key rotated"
    KEY_REVOKED = "api_key.revoked", "API key revoked"
    KEY_USED = "api_key.used", "API key used"
    KEY_REFUSED = "api_key.refused", "API key refused"
    MFA_ENROLLED = "mfa.enabled", "Second factor switched on"
    MFA_DISABLED = "mfa.disabled", "Second factor switched off"
    MFA_FAILED = "mfa.failed", "One-time password was wrong"
    MFA_LOCKED = "mfa.locked", "One-time passwords locked"
    MFA_BACKUP_USED = "mfa.backup_code_used", "Backup code used"
    MFA_CODES_RENEWED = "mfa.backup_codes_renewed", "Backup codes renewed"
    ORDER_PLACED = "order.placed", "Order placed"
    ORDER_DENIED = "order.denied", "Order denied"
    ORDER_CANCELED = "order.cancel_requested", "Order's cancellation asked for"
    ORDER_REPLACED = "order.replace_requested", "Order's replacement asked for"
    ORDERS_CANCELED = "orders.cancel_requested", "Orders' cancellation asked for"
    ORDERS_LINKED = "orders.linked", "Linked orders placed"
    ORDER_ADOPTED = "order.adopted", "Order found at the venue"
    RECONCILED = "orders.reconciled", "Compared with the venue"
    POSITIONS_CLOSED = "positions.close_requested", "Positions' closing asked for"
    POSITION_PROTECTED = "position.protected", "Position's protection changed"
    HALT_STARTED = "halt.started", "Trading halted"
    HALT_ENDED = "halt.ended", "Trading resumed"
    LIMITS_CHANGED = "limits.changed", "Risk limits changed"
    CONNECTION_CREATED = "connection.created", "Connection made"
    CONNECTION_CHANGED = "connection.changed", "Connection changed"
    CREDENTIALS_SET = "connection.credentials_set", "Connection's credentials set"
    CREDENTIALS_REMOVED = "connection.credentials_removed", "Connection's credentials removed"
    CONNECTION_TESTED = "connection.tested", "Connection tested"
    SIGNAL_APPROVED = "signal.approved", "Signal approved"
    SIGNAL_DECLINED = "signal.declined", "Signal declined"
    WEBHOOK_CREATED = "webhook.created", "Webhook made"
    WEBHOOK_CHANGED = "webhook.changed", "Webhook changed"
    WEBHOOK_ROTATED = "webhook.rotated", "Webhook's secret rotated"
    WEBHOOK_DELETED = "webhook.deleted", "Webhook deleted"
    WEBHOOK_REFUSED = "webhook.refused", "Webhook's alert refused"
    POSITION_CLOSED = "position.close_requested", "Position's closing asked for"
    STRATEGY_CREATED = "strategy.created", "Strategy made"
    STRATEGY_CHANGED = "strategy.changed", "Strategy changed"
    STRATEGY_RESTORED = "strategy.restored", "Strategy's older version restored"
    STRATEGY_DUPLICATED = "strategy.duplicated", "Strategy duplicated"
    STRATEGY_ARCHIVED = "strategy.archived", "Strategy archived"
    STRATEGY_UNARCHIVED = "strategy.unarchived", "Strategy taken out of the archive"
    STRATEGY_DELETED = "strategy.deleted", "Strategy deleted"
    STRATEGY_ENABLED = "strategy.enabled", "Strategy switched on"
    STRATEGY_DISABLED = "strategy.disabled", "Strategy switched off"
    DOWNLOAD_REQUESTED = "download.requested", "Download asked for"
    DOWNLOAD_CANCELED = "download.canceled", "Download canceled"
    ALERT_ACKNOWLEDGED = "alert.acknowledged", "Alert acknowledged"
    GAP_BACKFILLED = "gap.backfilled", "Gap's backfill asked for"
    BACKTEST_CREATED = "backtest.created", "Backtest asked for"
    BACKTEST_DELETED = "backtest.deleted", "Backtest deleted"
    OPTIMIZATION_CREATED = "optimization.created", "Optimization asked for"
    OPTIMIZATION_DELETED = "optimization.deleted", "Optimization deleted"
    ADDED_IN_CONSOLE = "console.added", "Added in the console"
    CHANGED_IN_CONSOLE = "console.changed", "Changed in the console"
    DELETED_IN_CONSOLE = "console.deleted", "Deleted in the console"


class Via(models.TextChoices):
    """How it came."""

    CONSOLE = "console", "Console"
    TOKEN = "token", "API token"
    KEY = "api_key", "API key"
    ANONYMOUS = "anonymous", "Not signed in"
    PLATFORM = "platform", "Platform"


class AuditEvent(models.Model):
    """Who did what, when, from where, and the id that joins it to logs and orders.

    The user's name is kept as it was, beside an id that outlives the account: a record does not change when something
    that it names is renamed or removed. A trigger in the database refuses to change or delete a row.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    action = models.CharField(max_length=40, choices=Action.choices)
    user_id = models.BigIntegerField("user's id", null=True)
    username = models.CharField("user", max_length=254, blank=True)
    target_kind = models.CharField(max_length=50, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    via = models.CharField(max_length=12, choices=Via.choices)
    credential = models.CharField(max_length=100, blank=True)
    """The API key's prefix or the session's id that the request was signed with."""
    ip = models.GenericIPAddressField("from", null=True)
    user_agent = models.CharField(max_length=200, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "audit record"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user_id", "-id"], name="audit_by_user"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["correlation_id"], name="audit_by_correlation"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.target}".strip()

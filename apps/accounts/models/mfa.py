"""The second factor."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models


class Authenticator(models.Model):
    """A user's one-time passwords (RFC 6238): six digits, a new one every 30 seconds."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="authenticator")
    encrypted_secret = models.TextField()
    last_step = models.BigIntegerField(default=-1)
    """The newest 30-second step that a password was taken for; none is taken twice."""
    failures = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"authenticator of {self.user}"

    def is_locked(self, at: datetime) -> bool:
        return self.locked_until is not None and at < self.locked_until


class BackupCode(models.Model):
    """Stands in for a one-time password, once; only its keyed hash is kept."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.CASCADE, related_name="backup_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authenticator", "digest"], name="backup_code_once")]

    def __str__(self) -> str:
        return f"backup code of {self.authenticator.user}"

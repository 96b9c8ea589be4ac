"""Sign-ins to the API."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class ApiSession(models.Model):
    """One sign-in by password: the family of all refresh tokens that follow from it.

    Only the newest token of the family is good. That an older one comes back means that somebody has copied it, and
    ends the family.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_sessions")
    token_id = models.CharField(max_length=32)
    """The `jti` of the family's newest refresh token."""
    ip = models.GenericIPAddressField("from", null=True)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField("last renewed")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API session"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_session_by_user")]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"

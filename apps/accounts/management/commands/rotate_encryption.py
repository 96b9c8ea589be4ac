"""Move secrets at rest to the newest key of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.services.rotation import secrets_rotate


class Command(BaseCommand):
    help = "Encrypt every secret at rest by the first of ENCRYPTION_KEYS; afterwards the others can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        renewed, lost = secrets_rotate()
        self.stdout.write(f"{renewed} secrets are encrypted by the newest key.")
        if lost:
            advice = "put the missing key back, or remove those second factors and set those credentials again"
            raise CommandError(f"{lost} secrets are opened by none of the keys: {advice}.")

"""What every model shares: an unguessable id, and when the row was made and changed."""

from __future__ import annotations

import uuid
from enum import StrEnum

from django.db import models


class PublicModel(models.Model):
    """A row that users see: its id is a UUID, so that ids can be neither counted nor guessed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


def choices_of(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Return a core enumeration as a field's choices: `stop_limit` reads "Stop limit"."""
    return [(word.value, word.value.replace("_", " ").capitalize()) for word in words]

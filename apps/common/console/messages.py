"""What a page tells its reader once, kept until a reader is there."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.fallback import FallbackStorage

BACKGROUND = "X-Background"  # sent by scripts that read a page for its rows


class ReaderStorage(FallbackStorage):
    """Messages for the page that a person sees: one that a script reads in the background shows and ends none."""

    def __iter__(self) -> Iterator[Message]:
        if BACKGROUND in self.request.headers:
            return iter(())
        return super().__iter__()

"""Who is asking and from where: known to whatever runs on behalf of a request, without passing it along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """A request's sender. `via` is empty where no request is being answered: in tasks and commands."""

    ip: str | None = None
    user_agent: str = ""
    via: str = ""
    credential: str = ""
    """The API key's prefix or the session's id; never a secret."""
    user_id: int | None = None
    username: str = ""


NOBODY = Origin()
_current: ContextVar[Origin] = ContextVar("origin", default=NOBODY)


def current_origin() -> Origin:
    """Return the sender of the request that is being answered; an empty one outside requests."""
    return _current.get()


def identify(**known: object) -> None:
    """Add to what is known of the sender, as soon as it is."""
    _current.set(replace(_current.get(), **known))  # type: ignore[arg-type]


@contextmanager
def request_from(ip: str, user_agent: str) -> Iterator[None]:
    """Take what is done inside as asked for by this address."""
    token = _current.set(Origin(ip=ip or None, user_agent=printable(user_agent)[:LONGEST_AGENT], via="anonymous"))
    try:
        yield
    finally:
        _current.reset(token)


def printable(text: str) -> str:
    """Return the text without control characters, which could forge lines of a log or stop PostgreSQL."""
    return "".join(character for character in text if character.isprintable())

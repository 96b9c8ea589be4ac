"""Calling the API as somebody who signs each request by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

type Call = Callable[..., Response]


@pytest.fixture
def call() -> Call:
    """Return a function that sends a request and returns its response; `key` and `token` sign it."""

    def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        token: str = "",
        ip: str = "127.0.0.1",
        **headers: Any,
    ) -> Response:
        client = APIClient(raise_request_exception=False)
        signed = {"HTTP_X_API_KEY": key} if key else {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
        extra = {**signed, **headers, "REMOTE_ADDR": ip}
        if method == "get":
            return client.get(path, body, **extra)
        return getattr(client, method)(path, body, format="json", **extra)

    return send

"""No test, and no process that one starts, reaches anything beyond this machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.processes import PROJECT, environment

ELSEWHERE = ("203.0.113.1", 443)


def test_a_connection_to_elsewhere_is_refused_at_once() -> None:
    with pytest.raises(SocketConnectBlockedError, match=r"203\.0\.113\.1"):
        socket.create_connection(ELSEWHERE, timeout=5)


@pytest.mark.django_db
def test_a_process_that_a_test_starts_is_refused_too() -> None:
    code = f"import django, socket; django.setup(); socket.create_connection({ELSEWHERE}, timeout=5)"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert "SocketConnectBlockedError" in ended.stderr

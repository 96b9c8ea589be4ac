"""Requests as no well-behaved client sends them, written byte by byte to a real web server."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.processes import free_port, granian

LIMIT = 1_048_576
LOGIN = "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def port(django_db_setup: None, django_db_blocker: object) -> Iterator[int]:
    number = free_port()
    with granian("wsgi", number, RATE_LIMITS="false"):
        yield number


def told(port: int, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send the bytes, and return the status and the body of the answer, whether or not the server reads them all."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # It may hang up before the end: what it answered can still be read.
            connection.sendall(head.encode() + b"\r\n" + body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    top, _, rest = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), rest


def code(body: bytes) -> str:
    return str(json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["code"])


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    for length in (LIMIT + 1, 10**12, 10**30):
        status, body = told(port, LOGIN + f"Content-Length: {length}\r\n")
        assert status in (400, 413)
        if status == 413:
            assert code(body) == "too_large"
    assert told(port, LOGIN + f"Content-Length: {LIMIT + 1}\r\n")[0] == 413


def test_a_body_of_the_limit_is_read(port: int) -> None:
    body = json.dumps({"username": "a" * (LIMIT - 40), "password": "b"}).encode().ljust(LIMIT)
    status, answer = told(port, LOGIN + f"Content-Length: {LIMIT}\r\n", body)
    assert (status, code(answer)) != (413, "too_large")
    assert status in (400, 401)


def test_a_body_in_chunks_is_refused_unread(port: int) -> None:
    status, body = told(port, LOGIN + "Transfer-Encoding: chunked\r\n", b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n')
    assert (status, code(body)) == (411, "length_required")
    status, _ = told(port, LOGIN + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")
    assert status in (400, 411)


def test_a_packed_body_is_refused_unread(port: int) -> None:
    status, body = told(port, LOGIN + "Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"\x1f\x8b\x08\x00")
    assert (status, code(body)) == (415, "unsupported_encoding")


@pytest.mark.parametrize("length", ["abc", "-1", "5\r\nContent-Length: 6"])
def test_a_length_that_is_none_is_refused(port: int, length: str) -> None:
    assert told(port, LOGIN + f"Content-Length: {length}\r\n", b"{}")[0] == 400


@pytest.mark.parametrize("open_and_close", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_deep_nesting_is_an_invalid_body(port: int, open_and_close: tuple[bytes, bytes]) -> None:
    opening, closing = open_and_close
    body = opening * 100_000 + b"1" + closing * 100_000
    status, answer = told(port, LOGIN + f"Content-Length: {len(body)}\r\n", body)
    assert (status, code(answer)) == (400, "parse_error")


def test_large_and_many_form_fields_are_refused(port: int) -> None:
    form = LOGIN.replace("/api/auth/login", "/admin/login/").replace("json", "x-www-form-urlencoded")
    status, body = told(port, form + "Content-Length: 10000000\r\n", b"username=" + b"a" * 9_999_991)
    assert status == 413
    assert b"at most 1,048,576 bytes" in body
    fields = b"&".join(b"f%d=1" % number for number in range(2000))
    assert told(port, form + f"Content-Length: {len(fields)}\r\n", fields)[0] in (400, 403)


def test_long_headers_and_addresses_are_refused(port: int) -> None:
    get = "GET /api/health/live{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    assert told(port, get.format("") + f"X-Long: {'a' * 30_000}\r\n")[0] == 200
    assert told(port, get.format("") + f"X-Long: {'a' * 100_000}\r\n")[0] == 431
    assert told(port, get.format("") + "".join(f"X-{number}: a\r\n" for number in range(200)))[0] == 431
    assert told(port, get.format("?" + "a" * 100_000))[0] in (414, 431)


def test_a_host_that_is_not_ours_is_refused(port: int) -> None:
    status, body = told(port, "GET /api/health/live HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n")
    assert (status, code(body)) == (400, "bad_request")

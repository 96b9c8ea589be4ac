"""Logs to Seq, against servers that take, refuse, hang or are not there: none of them holds anything up."""

import json
import logging
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import structlog

from apps.common import seq
from apps.common.redaction import HIDDEN, redact
from apps.common.seq import SeqHandler
from tests.serving import serving


class Recorder(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), [json.loads(line) for line in body.splitlines()]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    running.got, running.status = [], 201
    with serving(running):
        yield running


def logger_to(url, **options):
    handler = SeqHandler(url, **options)
    logger = logging.getLogger(f"test.seq.{id(handler)}")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    return logger, handler


def wait_for(condition):
    deadline = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_events_arrive_as_compact_log_events_with_the_correlation_id(server):
    logger, handler = logger_to(f"http://127.0.0.1:{server.server_port}", api_key="key")
    with structlog.contextvars.bound_contextvars(correlation_id="abc12345"):
        logger.warning("order %s placed at redis://:secret@host", "x")
        logger.info({"event": "order_placed", "order": "y", "correlation_id": "abc12345"})
    wait_for(lambda: sum(len(events) for _, _, events in server.got) == 2)
    path, headers, _ = server.got[0]
    first, second = [event for _, _, events in server.got for event in events]
    assert path == "/ingest/clef"
    assert headers["X-Seq-ApiKey"] == "key"
    assert (first["@m"], first["@l"], first["correlation_id"]) == (
        f"order x placed at redis://:{HIDDEN}@host",
        "Warning",
        "abc12345",
    )
    assert (second["@mt"], second["order"], second["correlation_id"]) == ("order_placed", "y", "abc12345")
    handler.close()


def test_a_seq_that_fails_at_first_gets_the_events_later(server):
    server.status = 503
    logger, handler = logger_to(f"http://127.0.0.1:{server.server_port}")
    logger.info("kept")
    wait_for(lambda: len(server.got) >= 1)
    server.status = 201
    wait_for(lambda: len(server.got) >= 2)
    assert server.got[-1][2][0]["@m"] == "kept"
    handler.close()


@pytest.mark.parametrize("kind", ["dead", "hanging"])
def test_a_seq_that_is_away_or_hangs_costs_a_log_line_nothing(kind):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "hanging":
            listener.listen(64)  # Takes connections, never answers.
        logger, handler = logger_to(f"http://127.0.0.1:{listener.getsockname()[1]}")
        started = time.monotonic()
        for number in range(2000):
            logger.info("line %s", number)
        handler.flush()
        assert time.monotonic() - started < 2
        handler.pid = 0  # Leave the sending thread to end by itself: it is a daemon.


def test_a_full_queue_drops_and_counts(monkeypatch):
    monkeypatch.setattr(seq, "LIMIT", 5)
    counter = seq.LOG_EVENTS_DROPPED.labels("queue_full")
    before = counter._value.get()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        logger, handler = logger_to(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for number in range(1000):
            logger.info("line %s", number)
        assert handler.log_queue.qsize() <= 5
        assert counter._value.get() > before
        handler.pid = 0


def test_secrets_are_hidden_before_anything_is_written():
    event = redact(None, "info", {"event": "x", "password": "p", "api_key": "k", "url": "postgres://u:pw@h/db", "n": 1})
    assert event == {
        "event": "x",
        "password": HIDDEN,
        "api_key": HIDDEN,
        "url": f"postgres://u:{HIDDEN}@h/db",
        "n": 1,
    }

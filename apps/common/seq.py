"""Logs to Seq that never hold anything up: seqlog's handler behind a bounded queue, with time-outs and retries.

A Seq that is away, hangs or refuses costs a log line nothing; what does not fit the queue meanwhile is dropped and
counted. The sending thread belongs to the process that logs: a forked child starts its own.
"""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import UTC, datetime
from queue import Queue
from typing import Any

import requests
import seqlog.structured_logging
import structlog
from seqlog.consumer import QueueConsumer

from apps.common.metrics import LOG_EVENTS_DROPPED
from apps.common.redaction import redact_text

LIMIT = 10_000
BATCH = 100
FLUSH_AFTER = 1.0
TIMEOUTS = (1.0, 3.0)
ATTEMPTS = 5
LONGEST_PAUSE = 8.0
LEVELS = {"WARNING": "Warning", "ERROR": "Error", "CRITICAL": "Fatal", "INFO": "Information", "DEBUG": "Debug"}
OWN_NAMES = frozenset({"event", "level", "logger", "timestamp", "exc_info"})


class SeqHandler(seqlog.structured_logging.SeqLogHandler):  # type: ignore[misc]
    """Posts compact log events to `SEQ_URL/ingest/clef`."""

    def __init__(self, server_url: str, api_key: str = "") -> None:
        logging.Handler.__init__(self)
        self.ingest_url = f"{server_url.rstrip('/')}/ingest/clef"
        self.api_key = api_key
        self.pid = 0
        self.setFormatter(logging.Formatter())

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record without the handler's lock, which the sending thread would otherwise share."""
        if not self.filter(record):
            return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("urllib3", "requests")):
            return  # What sending logs would log about itself.
        if self.pid != os.getpid():
            self._begin()
        if self.log_queue.qsize() >= LIMIT:
            LOG_EVENTS_DROPPED.labels("queue_full").inc()
            return
        try:
            self.log_queue.put_nowait(self._event(record))
        except Exception:  # A record that cannot be told is no reason to fail what it tells of.
            LOG_EVENTS_DROPPED.labels("unprintable").inc()

    def publish_log_batch(self, batch: list[dict[str, Any]]) -> None:
        """Send a batch; try again after growing pauses, then drop it."""
        body = "\n".join(json.dumps(event, default=str) for event in batch).encode()
        for attempt in range(ATTEMPTS):
            try:
                answer = self.session.post(self.ingest_url, data=body, timeout=TIMEOUTS)
            except requests.RequestException:
                pass
            else:
                if answer.ok:
                    return
                if answer.status_code < 500 and answer.status_code != 429:
                    break
            if attempt + 1 < ATTEMPTS:
                time.sleep(min(0.5 * 2**attempt, LONGEST_PAUSE))
        LOG_EVENTS_DROPPED.labels("not_taken").inc(len(batch))

    def close(self) -> None:
        if self.pid == os.getpid():
            super().close()
        else:
            logging.Handler.close(self)

    def flush(self) -> None:
        """Leave the queue to its thread: whoever flushes must not wait for Seq."""

    def _begin(self) -> None:
        self.pid = os.getpid()
        self.session = requests.Session()
        self.session.headers["Content-Type"] = "application/vnd.serilog.clef"
        if self.api_key:
            self.session.headers["X-Seq-ApiKey"] = self.api_key
        self.log_queue: Queue[dict[str, Any]] = Queue()
        self.consumer = QueueConsumer(
            name="SeqHandler",
            queue=self.log_queue,
            callback=self.publish_log_batch,
            batch_size=BATCH,
            auto_flush_timeout=FLUSH_AFTER,
        )
        self.consumer.start()

    def _event(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the record as a compact log event; structlog's has its own names and values."""
        at = datetime.fromtimestamp(record.created, tz=UTC).isoformat()
        event: dict[str, Any] = {
            "@t": at,
            "@l": LEVELS.get(record.levelname, record.levelname),
            "SourceContext": record.name,
            "ProcessId": self.pid,
        }
        if isinstance(record.msg, dict):
            event["@mt"] = str(record.msg.get("event", ""))
            event |= {name: value for name, value in record.msg.items() if name not in OWN_NAMES and name[0] != "_"}
        else:
            event["@m"] = redact_text(record.getMessage())
            event |= structlog.contextvars.get_contextvars()
        if record.exc_info and isinstance(record.exc_info, tuple) and record.exc_info[0]:
            event["@x"] = logging.Formatter().formatException(record.exc_info)
        return event

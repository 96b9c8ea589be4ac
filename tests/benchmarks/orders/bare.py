"""Bare inserts of single rows, each committed, by some connections at once: python -m … CONNECTIONS SECONDS.

The address comes from DATABASE_URL. Prints the rows a second.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import psycopg

MAKE = """
    CREATE TABLE IF NOT EXISTS bench_row
    (id uuid PRIMARY KEY, at timestamptz, side text, type text, price numeric, quantity numeric, number integer)
"""
ADD = "INSERT INTO bench_row VALUES (%s, %s, %s, %s, %s, %s, %s)"


def insert(url: str, until: float, counts: list[int]) -> None:
    count = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < until:
            row = (uuid.uuid4(), datetime.now(UTC), "buy", "market", Decimal("100.25"), Decimal("0.5"), count)
            connection.execute(ADD, row, prepare=True)
            count += 1
    counts.append(count)


def main() -> None:
    connections, seconds = int(sys.argv[1]), float(sys.argv[2])
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MAKE)
        connection.execute("TRUNCATE bench_row")
    counts: list[int] = []
    begin = time.monotonic()
    threads = [threading.Thread(target=insert, args=(url, begin + seconds, counts)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(counts) / (time.monotonic() - begin))


if __name__ == "__main__":
    main()

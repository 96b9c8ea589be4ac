"""`manage.py reconcile`: compare the platform with its venues, and print what differs."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from apps.brokers.models import BrokerConnection
from apps.orders.models import ReconciliationOutcome
from apps.orders.services.reconciling import (
    ReconciliationRunning,
    connection_compare,
    connection_reconcile,
    connections_to_reconcile,
)

COLUMNS = ("kind", "what", "ours", "venue", "note")
HEAD = ("KIND", "WHAT", "HERE", "AT THE VENUE", "NOTE")


class Command(BaseCommand):
    help = (
        "Compare orders, fills, positions and money with the venues of all active connections, repair what can be "
        "repaired, and print what differs still. Ends with status 1 where something differs or a venue did not answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", help="only this one, by name or id")
        parser.add_argument("--dry-run", action="store_true", help="change nothing: print what differs now")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = _connections(options["connection"])
        is_fine = [self._one(connection, is_dry=options["dry_run"]) for connection in connections]
        if not connections:
            self.stdout.write("There is no active connection with a portfolio.")
        if not all(is_fine):
            sys.exit(1)

    def _one(self, connection: BrokerConnection, *, is_dry: bool) -> bool:
        """Compare a connection and print the result; return whether nothing differs."""
        title = f"{connection.name} ({connection.exchange or connection.kind}, {connection.owner})"
        try:
            if is_dry:
                found = [difference.told() for difference in connection_compare(connection=connection)]
                summary = "nothing differs" if not found else f"{len(found)} differences"
            else:
                row = connection_reconcile(connection=connection)
                if row.outcome == ReconciliationOutcome.FAILED:
                    raise BrokerUnavailable(row.error)
                found = row.differences
                summary = (
                    f"{row.outcome}: {row.orders_checked} orders checked, {row.fills_applied} fills applied, "
                    f"{row.orders_adopted} adopted, {row.orders_resolved} resolved"
                )
        except (BrokerUnavailable, BrokerRejected, ReconciliationRunning) as error:
            self.stdout.write(f"{title}: nothing is known: {error.message}")
            return False
        self.stdout.write(f"{title}: {summary}")
        self._table([[difference[name] for name in COLUMNS] for difference in found])
        return not found

    def _table(self, rows: list[list[str]]) -> None:
        if not rows:
            return
        widths = [max(len(line[index]) for line in [HEAD, *rows]) for index in range(len(HEAD))]
        for line in [HEAD, *rows]:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  " + "  ".join(cells).rstrip())


def _connections(name: str | None) -> list[BrokerConnection]:
    rows = list(BrokerConnection.objects.filter(pk__in=connections_to_reconcile()).select_related("owner"))
    if name is None:
        return rows
    found = [row for row in rows if name in (row.name, str(row.pk))]
    if not found:
        known = ", ".join(repr(row.name) for row in rows) or "none"
        raise CommandError(f"There is no active connection {name!r} with a portfolio; there are: {known}.")
    return found

"""Accounts to which a candle could not be applied: they stay behind alone, and go on where they were.

What an account's orders make of a candle is one transaction: where it fails, nothing of it stays. The account then
waits in that series, with its orders, and is tried again before every later candle; nobody else waits for it.
"""

from __future__ import annotations

import uuid

from django.urls import reverse
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.strategies.places import worded
from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.brokers.models import BrokerConnection
from apps.common.apart import CUT_OFF, failed_apart
from apps.marketdata.models import Feed
from apps.marketdata.selectors import feed_bars_after
from apps.orders.models import LaggingAccount, SeriesCursor
from apps.orders.services.market.meeting import bar_meet
from apps.portfolio.selectors import LIVE

AT_ONCE = 500
"""How many candles an account catches up with before one more is traded."""
WAITS = "Holds: its account waits for a candle that could not be applied to it; see the alerts."


class Lagging:
    """The accounts that lag behind a feed, while its candles are traded."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._rows = {row.connection_id: row for row in feed.lagging_accounts.select_related("connection")}

    @property
    def ids(self) -> set[uuid.UUID]:
        """The connections whose orders wait."""
        return set(self._rows)

    def catch_up(self, before: Bar) -> set[uuid.UUID]:
        """Try again what failed, and what came since, up to a candle; return the portfolios that had fills."""
        touched: set[uuid.UUID] = set()
        for row in list(self._rows.values()):
            missed = feed_bars_after(feed=self._feed, position=row.traded_through, length=AT_ONCE)
            bars = [bar for bar in missed if bar.open_time < before.open_time]
            for bar in bars:
                met = self._meet(row.connection, bar)
                if met is None:
                    break
                touched |= met
                row.traded_through = bar.open_time
                row.save(update_fields=["traded_through"])
            else:
                if len(bars) < AT_ONCE:
                    self._catches_up(row)
        return touched

    def meet(self, connection: BrokerConnection, bar: Bar) -> set[uuid.UUID]:
        """Let the candle meet an account's orders, or have the account lag; return the portfolios that had fills."""
        if connection.pk in self._rows:
            return set()
        return self._meet(connection, bar) or set()

    def _meet(self, connection: BrokerConnection, bar: Bar) -> set[uuid.UUID] | None:
        """Return the portfolios that had fills; None where the candle cannot be applied, and the account is behind."""
        try:
            return bar_meet(connection=connection, instrument=self._feed.instrument, bar=bar, scope=LIVE)
        except CUT_OFF:
            raise
        except Exception as error:
            self._stays_behind(connection, error)
            return None

    def _catches_up(self, row: LaggingAccount) -> None:
        row.delete()
        del self._rows[row.connection_id]
        lagging_alerts()

    def _stays_behind(self, connection: BrokerConnection, error: Exception) -> None:
        failed_apart("applying a candle", f"{connection.pk} {self._feed}")
        row = self._rows.get(connection.pk)
        if row is None:
            through = SeriesCursor.objects.values_list("traded_through", flat=True).get(feed=self._feed)
            row = LaggingAccount(feed=self._feed, connection=connection, traded_through=through)
            self._rows[connection.pk] = row
        row.error, row.failed_at, row.attempts = worded(error)[:500], timezone.now(), row.attempts + 1
        row.save()
        lagging_alerts()


def lagging_alerts() -> None:
    """Let the alerts about accounts that lag be those that there is a cause for now."""
    rows = LaggingAccount.objects.select_related("connection", "feed__instrument")
    alerts_settle("account_lags", {f"lag:{row.feed_id}:{row.connection_id.hex}": _finding(row) for row in rows})


def _finding(row: LaggingAccount) -> Finding:
    return Finding(
        f"{row.connection} stays behind {row.feed}: {row.error} Its orders and strategies there wait, and it is tried "
        "again with every candle; the log has the whole error.",
        Severity.CRITICAL,
        owner_id=row.connection.owner_id,
        page=reverse("admin:brokers_brokerconnection_change", args=[row.connection_id]),
    )

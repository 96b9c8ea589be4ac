"""`manage.py trade_replay`: trade a stretch of history with a copy of a portfolio."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import TradingError
from apps.marketdata.models import Source
from apps.orders.services.market.replaying import ReplayResult, replay_trade
from apps.portfolio.models import Portfolio


class Command(BaseCommand):
    help = (
        "Trade stored candles with the enabled strategies of a portfolio, through the same risk check, paper broker "
        "and bookkeeping as live. It works on a copy of the portfolio, which is kept for you to look at; the same "
        "input always gives the same trades, to the last digit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--portfolio", required=True, help="name or id of the portfolio whose strategies trade")
        parser.add_argument("--owner", help="user name of its owner, where several users have one of that name")
        parser.add_argument("--from", dest="start", type=_moment, help="first candle: 2017-03-01 or 2017-03-01T12:00")
        parser.add_argument("--to", dest="end", type=_moment, help="end, not included, in the same form; UTC")
        parser.add_argument("--source", default=Source.CSV, help="whose stored candles to trade (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        portfolio = _portfolio(options["portfolio"], options["owner"])
        start, end = options["start"], options["end"]
        if start and end and start >= end:
            raise CommandError(f"--from {start:%Y-%m-%d %H:%M} is not before --to {end:%Y-%m-%d %H:%M}.")
        with tqdm(unit=" candles", disable=not sys.stderr.isatty()) as bar:

            def progress(candle: Bar) -> None:
                bar.set_postfix_str(f"{candle.symbol} {candle.close_time:%Y-%m-%d %H:%M}", refresh=False)
                bar.update()

            try:
                result = replay_trade(
                    portfolio=portfolio, source=options["source"], start=start, end=end, progress=progress
                )
            except TradingError as error:
                raise CommandError(error.message) from error
        self.stdout.write(_report(result))


def _report(result: ReplayResult) -> str:
    summary, currency = result.summary, result.portfolio.base_currency
    rows = [
        ("Portfolio", result.portfolio.name),
        ("Candles", f"{result.candles:,}"),
        ("Signals", f"{result.signals:,}"),
        ("Orders", f"{result.orders:,}: {result.filled} filled, {result.canceled} canceled, {result.denied} denied"),
        ("Fills", f"{result.fills:,}"),
        ("Realized PnL", f"{summary.realized_pnl:+,.2f} {currency}"),
        ("Unrealized PnL", f"{summary.unrealized_pnl:+,.2f} {currency} in {summary.open_positions} open positions"),
        ("Fees", f"{summary.fees_paid:,.2f} {currency}"),
        ("Equity", f"{summary.equity:,.2f} {currency} ({summary.total_return_percent:+.2f} %)"),
        ("Fingerprint", result.fingerprint),
    ]
    return "\n".join(f"{name:<15}{value}" for name, value in rows)


def _portfolio(name: str, owner: str | None) -> Portfolio:
    portfolios = Portfolio.objects.filter(is_simulation=False).select_related("owner", "connection", "risk_profile")
    if owner:
        portfolios = portfolios.filter(owner__username=owner)
    found = [portfolio for portfolio in portfolios if name in (portfolio.name, str(portfolio.pk))]
    if len(found) == 1:
        return found[0]
    if found:
        owners = ", ".join(portfolio.owner.username for portfolio in found)
        raise CommandError(f"Several users have a portfolio {name!r}; choose with --owner one of: {owners}.")
    known = ", ".join(repr(portfolio.name) for portfolio in portfolios) or "none"
    raise CommandError(f"There is no portfolio {name!r}; there are: {known}.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no time; write it like 2017-03-01 or 2017-03-01T12:00.") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)

"""`manage.py halt`: the kill switch at the machine's own terminal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from algotrendy.trading.errors import TradingError
from algotrendy.trading.risk import TradingMode
from apps.orders.services.entry.halting import place_of
from apps.portfolio.halting import open_halts
from apps.portfolio.models import HaltWidth, Portfolio, TradingHalt
from apps.portfolio.services import halt_end, halt_start
from apps.strategies.models import Strategy

MODES = [mode.value for mode in TradingMode if mode is not TradingMode.ACTIVE]


class Command(BaseCommand):
    help = (
        "Stop trading on the whole platform, in a portfolio or of a strategy; also what is queued already. Cancels "
        "and fills go on. With --end trading goes on, with --list the halts that hold are shown."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--platform", action="store_true", help="the whole platform")
        parser.add_argument("--portfolio", help="name or id of a portfolio")
        parser.add_argument("--owner", help="user name of its owner, where several users have one of that name")
        parser.add_argument("--strategy", help="name or slug of a strategy of the portfolio: only this one")
        parser.add_argument("--mode", choices=MODES, default=TradingMode.HALTED.value, help="default: %(default)s")
        parser.add_argument("--reason", help="told to whoever is stopped by it")
        parser.add_argument("--flatten", action="store_true", help="cancel the orders and close the positions, too")
        parser.add_argument(
            "--end", action="store_true", help="end what halts this place, whoever or whatever began it"
        )
        parser.add_argument("--list", action="store_true", help="show the halts that hold now")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        place = _place(options)
        try:
            if options["end"]:
                self._end(place)
            else:
                self._start(place, options)
        except TradingError as error:
            raise CommandError(error.message) from error

    def _start(self, place: dict[str, Any], options: dict[str, Any]) -> None:
        if not options["reason"]:
            raise CommandError("Give a reason with --reason; whoever is stopped by the halt is told it.")
        halt = halt_start(
            **place,
            mode=TradingMode(options["mode"]),
            reason=options["reason"],
            flatten=options["flatten"],
            actor=None,
        )
        self.stdout.write(_line(halt))
        if halt.flatten:
            self.stdout.write("A worker cancels the orders and closes the positions that it covers.")
        self.stdout.write("To let trading go on: the same place with --end.")

    def _end(self, place: dict[str, Any]) -> None:
        found = list(TradingHalt.objects.filter(**{"portfolio": None, "book": "", **place}, ended_at=None))
        if not found:
            raise CommandError("Nothing halts this place by itself; --list shows what holds.")
        for halt in found:
            self.stdout.write(f"Ended: {_line(halt_end(halt=halt, actor=None))}")

    def _list(self) -> None:
        found = open_halts().select_related("portfolio__owner", "started_by").order_by("created_at")
        self.stdout.write("\n".join(map(_line, found)) or "Nothing is halted.")


def _line(halt: TradingHalt) -> str:
    where = "platform"
    if halt.portfolio is not None:
        where = f"portfolio {halt.portfolio.name} of {halt.portfolio.owner.username}"
        where += f", strategy {halt.book}" if halt.book else ""
    who = halt.started_by.username if halt.started_by else "the platform"
    lasts = f", until {halt.until:%Y-%m-%d %H:%M:%S} UTC" if halt.until else ""
    flattens = ", flattening" if halt.flatten else ""
    return (
        f"{halt.mode:<8} {where}{flattens}{lasts}: {halt.reason} "
        f"({halt.get_cause_display().lower()}; {who}, {halt.created_at:%Y-%m-%d %H:%M:%S} UTC)"
    )


def _place(options: dict[str, Any]) -> dict[str, Any]:
    if options["platform"] == bool(options["portfolio"]):
        raise CommandError("Say what: --platform, or --portfolio NAME with or without --strategy NAME.")
    if options["platform"]:
        if options["strategy"]:
            raise CommandError("A strategy is one of a portfolio; name that with --portfolio.")
        return {"width": HaltWidth.PLATFORM}
    portfolio = _portfolio(options["portfolio"], options["owner"])
    if not options["strategy"]:
        return place_of(HaltWidth.PORTFOLIO, portfolio, None)
    return place_of(HaltWidth.STRATEGY, portfolio, _strategy(portfolio, options["strategy"]))


def _portfolio(name: str, owner: str | None) -> Portfolio:
    portfolios = (
        Portfolio.objects.filter(is_simulation=False).select_related("owner").order_by("name", "owner__username")
    )
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


def _strategy(portfolio: Portfolio, name: str) -> Strategy:
    strategies = Strategy.objects.filter(portfolio=portfolio).select_related("portfolio__owner").order_by("slug")
    for strategy in strategies:
        if name in (strategy.slug, strategy.name):
            return strategy
    known = ", ".join(strategy.slug for strategy in strategies) or "none"
    raise CommandError(f"{portfolio} has no strategy {name!r}; there are: {known}.")

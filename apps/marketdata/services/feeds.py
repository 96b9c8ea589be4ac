"""Set up feeds and note what became of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import TradingError
from apps.marketdata import cache
from apps.marketdata.models import Feed, Instrument, Source
from apps.marketdata.sources.exchanges.known import has_exchange


class InvalidFeed(TradingError):
    """A feed cannot be as asked."""

    code = "invalid_feed"


def feed_ensure(
    *,
    instrument: Instrument,
    timeframe: str,
    source: str = Source.REPLAY,
    origin: str = Source.CSV,
    speed: float = 3600,
    position: datetime | None = None,
    enabled: bool = True,
) -> Feed:
    """Return the feed of the series; create it as given where there is none. An existing feed is left as it is."""
    existing = Feed.objects.filter(instrument=instrument, timeframe=timeframe, source=source).first()
    if existing is not None:
        return existing
    feed = Feed(
        instrument=instrument,
        timeframe=timeframe,
        source=source,
        origin=origin,
        speed=speed,
        position=position,
        enabled=enabled,
    )
    return feed_update(feed=feed)


@transaction.atomic
def feeds_create(
    *, instruments: Iterable[Instrument], timeframes: Iterable[str], enabled: bool, **values: Any
) -> tuple[list[Feed], int]:
    """Make a feed for each instrument in each timeframe, all or none; return those that were made, and how many not.

    A feed that is there already is left as it is. Raises InvalidFeed.
    """
    made, there = [], 0
    for instrument, timeframe in itertools.product(instruments, list(timeframes)):
        series = {"instrument": instrument, "timeframe": timeframe, "source": values["source"]}
        if Feed.objects.filter(**series).exists():
            there += 1
        else:
            made.append(feed_update(feed=Feed(instrument=instrument, timeframe=timeframe, enabled=enabled, **values)))
    return made, there


def feed_update(*, feed: Feed, **changes: object) -> Feed:
    """Change a feed's `enabled`, `speed`, `origin` or `position` and save it; raise InvalidFeed.

    It also forgets the last error, so that a feed that failed is tried again.
    """
    for name, value in changes.items():
        setattr(feed, name, value)
    feed.last_error = ""
    _require_sources(feed)
    try:
        feed.full_clean()
        with cache.changing(feed.instrument.symbol), transaction.atomic():
            # Only what was changed: the feed's process may be moving the position meanwhile.
            feed.save(update_fields=[*changes, "last_error"] if feed.pk else None)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidFeed(f"{feed}: {messages[0] if field == '__all__' else f'{field}: {messages[0]}'}") from None
    except IntegrityError:
        raise InvalidFeed(f"{feed}: another feed of the series is enabled; disable it.") from None
    return feed


def _require_sources(feed: Feed) -> None:
    unknown = [name for name in feed.providers if not has_exchange(name)]
    if unknown:
        raise InvalidFeed(f"{feed}: there is no exchange {unknown[0][:32]!r}; give replay, binance, okx or another id.")


def feed_failed(*, feed_id: int, message: str) -> None:
    """Note why a feed could not go on; its next candle clears it."""
    Feed.objects.filter(pk=feed_id).update(last_error=message[:500])

"""`manage.py run_feeds`: the market feed process."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from apps.marketdata.services.feeding import MarketFeed


class Command(BaseCommand):
    help = (
        "Bring in the candles of all enabled feeds until stopped (Ctrl-C or SIGTERM). Feeds are switched, sped up and "
        "moved in the admin; a change works within a second. Only one such process is at work at a time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        feed = MarketFeed()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: feed.stop())
        feed.run()

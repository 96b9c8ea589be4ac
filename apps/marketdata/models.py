"""What can be traded, its candles, and the feeds that bring them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.values import Timeframe
from apps.common.fields import AmountField
from apps.common.models import choices_of

if TYPE_CHECKING:
    from datetime import datetime

SMALLEST = Decimal("0.00000001")
positive = MinValueValidator(SMALLEST)
validate_symbol = RegexValidator(r"^[A-Z0-9_/-]{3,20}$", "A symbol is 3 to 20 of A-Z, 0-9, -, _ and /.")


class AssetType(models.TextChoices):
    CRYPTOCURRENCY = "cryptocurrency", "Cryptocurrency"
    STOCK = "stock", "Stock"
    FUTURES = "futures", "Futures"
    OPTIONS = "options", "Options"
    ETF = "etf", "ETF"
    FOREX = "forex", "Forex"


class Source(models.TextChoices):
    """Where candles come from."""

    CSV = "csv", "Imported file"
    REPLAY = "replay", "Replay of stored candles"


class Instrument(models.Model):
    """Something that can be traded, with the grid on which its prices and quantities lie."""

    symbol = models.CharField(max_length=20, unique=True, validators=[validate_symbol])
    name = models.CharField(max_length=100, blank=True)
    asset_type = models.CharField(max_length=16, choices=AssetType.choices)
    base_currency = models.CharField(max_length=10, blank=True)
    quote_currency = models.CharField(max_length=10)
    price_tick = AmountField(validators=[positive], help_text="Prices are multiples of this.")
    quantity_step = AmountField(validators=[positive], help_text="Quantities are multiples of this.")
    min_quantity = AmountField(validators=[positive])
    min_notional = AmountField(default=Decimal(0), help_text="Least value of an order, in the quote currency.")
    contract_size = AmountField(default=Decimal(1), validators=[positive])
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["symbol"]

    def __str__(self) -> str:
        return self.symbol

    @property
    def spec(self) -> InstrumentSpec:
        return InstrumentSpec(
            symbol=self.symbol,
            quote_currency=self.quote_currency,
            price_tick=self.price_tick,
            quantity_step=self.quantity_step,
            min_quantity=self.min_quantity,
            min_notional=self.min_notional,
            contract_size=self.contract_size,
        )

    @property
    def price_decimals(self) -> int:
        """The decimals that a price of this instrument is shown with."""
        return _decimals(self.price_tick)

    @property
    def quantity_decimals(self) -> int:
        return _decimals(self.quantity_step)


class Candle(models.Model):
    """A finished candle of one source."""

    id = models.BigAutoField(primary_key=True)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="candles")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32)
    open_time = models.DateTimeField()
    open = AmountField()
    high = AmountField()
    low = AmountField()
    close = AmountField()
    volume = AmountField()
    quote_volume = AmountField(null=True, blank=True)
    trade_count = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-open_time"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "source", "open_time"], name="candle_once_per_series_and_time"
            ),
            models.CheckConstraint(
                condition=Q(low__gt=0)
                & Q(low__lte=F("open"))
                & Q(low__lte=F("close"))
                & Q(high__gte=F("open"))
                & Q(high__gte=F("close")),
                name="candle_prices_agree",
            ),
            models.CheckConstraint(condition=Q(volume__gte=0), name="candle_volume_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} {self.open_time:%Y-%m-%d %H:%M}"

    @property
    def close_time(self) -> datetime:
        return self.open_time + Timeframe(self.timeframe).duration


class Feed(models.Model):
    """A series of candles that arrives: one instrument and timeframe from one source.

    A replay feed sends the stored candles of `origin` as if they arrived now, `speed` seconds of market time in each
    second of the clock, and keeps in `position` the open time of the last candle it sent.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="feeds")
    timeframe = models.CharField(max_length=3, choices=choices_of(Timeframe))
    source = models.CharField(max_length=32, choices=Source.choices, default=Source.REPLAY)
    enabled = models.BooleanField(default=True)
    origin = models.CharField(max_length=32, default=Source.CSV, help_text="Whose stored candles a replay sends.")
    speed = models.FloatField(
        default=3600, validators=[MinValueValidator(0.001), MaxValueValidator(10_000_000)],
        help_text="Seconds of market time in a second of the clock; 3600 sends an hour a second.",
    )  # fmt: skip
    position = models.DateTimeField(null=True, blank=True, help_text="Open time of the last candle that was sent.")
    last_received_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["instrument__symbol", "timeframe"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "timeframe", "source"], name="feed_once_per_series"),
            models.UniqueConstraint(
                fields=["instrument", "timeframe"], condition=Q(enabled=True), name="feed_one_enabled_per_timeframe"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.timeframe} ({self.source})"

    def clean(self) -> None:
        if self.source == Source.REPLAY and self.origin == Source.REPLAY:
            raise ValidationError({"origin": "A replay cannot replay itself; name the source that holds the candles."})


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

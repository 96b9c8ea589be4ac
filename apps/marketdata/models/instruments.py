"""What can be traded."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from algotrendy.trading.instruments import InstrumentSpec
from apps.common.fields import AmountField

SMALLEST = Decimal("0.00000001")
ALWAYS_OPEN = "24/7"
FOREX = "forex"
YEARS = {ALWAYS_OPEN: (365.25, 24.0), FOREX: (365.25 * 5 / 7, 24.0)}
"""Days a year and hours a day of the markets that are no exchanges."""
EXCHANGE_YEAR = (252.0, 6.5)
"""Those of an exchange with a calendar: what a year of New York's sessions comes to."""
positive = MinValueValidator(SMALLEST)
validate_symbol = RegexValidator(r"^[A-Z0-9_/-]{3,20}$", "A symbol is 3 to 20 of A-Z, 0-9, -, _ and /.")


class AssetType(models.TextChoices):
    CRYPTOCURRENCY = "cryptocurrency", "Cryptocurrency"
    STOCK = "stock", "Stock"
    FUTURES = "futures", "Futures"
    OPTIONS = "options", "Options"
    ETF = "etf", "ETF"
    FOREX = "forex", "Forex"


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
    calendar = models.CharField(
        max_length=12,
        default=ALWAYS_OPEN,
        help_text="When its market is open: 24/7, forex, or an exchange's code such as XNYS.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["symbol"]

    def __str__(self) -> str:
        return self.symbol

    @property
    def spec(self) -> InstrumentSpec:
        days, hours = YEARS.get(self.calendar, EXCHANGE_YEAR)
        return InstrumentSpec(
            symbol=self.symbol,
            quote_currency=self.quote_currency,
            price_tick=self.price_tick,
            quantity_step=self.quantity_step,
            min_quantity=self.min_quantity,
            min_notional=self.min_notional,
            contract_size=self.contract_size,
            days_a_year=days,
            hours_a_day=hours,
        )

    @property
    def price_decimals(self) -> int:
        """The decimals that a price of this instrument is shown with."""
        return _decimals(self.price_tick)

    @property
    def quantity_decimals(self) -> int:
        return _decimals(self.quantity_step)


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

"""Money, its limits, what it is in, and how it went."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from algotrendy.trading.positions import PositionState
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.values import PositionSide
from apps.brokers.models import BrokerConnection
from apps.common.fields import AmountField, PercentField
from apps.common.models import PublicModel
from apps.marketdata.models import Instrument

MANUAL_BOOK = "manual"


class Portfolio(PublicModel):
    """An owner's money at one connection, in one currency.

    `is_simulation` marks the private copy that a historical replay trades; live candles never touch it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios")
    name = models.CharField(max_length=100)
    connection = models.ForeignKey(BrokerConnection, on_delete=models.PROTECT, related_name="portfolios")
    base_currency = models.CharField(max_length=10, default="USD")
    initial_cash = AmountField(default=Decimal(10_000))
    cash = AmountField(default=Decimal(10_000))
    realized_pnl = AmountField(default=Decimal(0), help_text="Of all closed quantity, before fees.")
    fees_paid = AmountField(default=Decimal(0))
    peak_equity = AmountField(default=Decimal(10_000))
    is_simulation = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="portfolio_name_once_per_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class RiskProfile(models.Model):
    """The limits that every order of a portfolio is held against."""

    portfolio = models.OneToOneField(Portfolio, on_delete=models.CASCADE, related_name="risk_profile")
    enabled = models.BooleanField(default=True)
    max_position_size_percent = PercentField(default=Decimal(10), help_text="Of equity, one position.")
    max_total_exposure_percent = PercentField(default=Decimal(50), help_text="Of equity, all positions and orders.")
    max_concurrent_positions = models.PositiveSmallIntegerField(default=5)
    min_order_size = AmountField(default=Decimal(10), help_text="In the portfolio's currency.")
    max_order_size = AmountField(null=True, blank=True, help_text="In the portfolio's currency; empty for none.")
    default_stop_loss_percent = PercentField(default=Decimal(5), help_text="From the entry; 0 for none.")
    default_take_profit_percent = PercentField(default=Decimal(10), help_text="From the entry; 0 for none.")

    def __str__(self) -> str:
        return f"Limits of {self.portfolio}"

    @property
    def limits(self) -> RiskLimits:
        return RiskLimits(
            enabled=self.enabled,
            max_position_size_percent=self.max_position_size_percent,
            max_total_exposure_percent=self.max_total_exposure_percent,
            max_concurrent_positions=self.max_concurrent_positions,
            min_order_size=self.min_order_size,
            max_order_size=self.max_order_size,
        )


class Position(PublicModel):
    """What a portfolio holds of an instrument in one book, from opening to closing.

    A book is a strategy's slug, or `manual`: each strategy has its own position in an instrument, so that none can
    close another's. `quantity` is signed (short below 0) and `cost_basis` is the signed value paid for it.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    book = models.CharField(max_length=64, default=MANUAL_BOOK)
    quantity = AmountField(default=Decimal(0))
    cost_basis = AmountField(default=Decimal(0))
    side = models.CharField(max_length=5, choices=[(s.value, s.value.capitalize()) for s in PositionSide])
    entry_price = AmountField(
        default=Decimal(0), help_text="Average price of what is held; of all entries once closed."
    )
    max_quantity = AmountField(default=Decimal(0), help_text="The largest size that was held.")
    mark_price = AmountField(null=True, blank=True)
    realized_pnl = AmountField(default=Decimal(0), help_text="Of the closed quantity, before fees.")
    fees_paid = AmountField(default=Decimal(0))
    stop_loss = AmountField(null=True, blank=True)
    take_profit = AmountField(null=True, blank=True)
    opened_at = models.DateTimeField(help_text="Market time of the first fill.")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Market time of the last fill.")

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["portfolio", "instrument", "book"],
                condition=Q(closed_at__isnull=True),
                name="position_one_open_per_book",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.instrument_id} ({self.book})"

    @property
    def state(self) -> PositionState:
        return PositionState(quantity=self.quantity, cost_basis=self.cost_basis)

    @property
    def market_value(self) -> Decimal:
        """Signed value at the mark price, in the portfolio's currency."""
        price = self.entry_price if self.mark_price is None else self.mark_price
        return self.instrument.spec.notional(price, self.quantity)

    @property
    def unrealized_pnl(self) -> Decimal:
        cost: Decimal = self.cost_basis
        return self.market_value - cost


class EquitySnapshot(models.Model):
    """A portfolio's worth at a market time."""

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="equity")
    at = models.DateTimeField()
    equity = AmountField()
    cash = AmountField()
    unrealized_pnl = AmountField()
    drawdown_percent = PercentField(default=Decimal(0), help_text="Below the highest equity so far.")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "at"], name="equity_once_per_time"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.at:%Y-%m-%d %H:%M} {self.equity}"

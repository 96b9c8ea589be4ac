"""What portfolios hold."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from algotrendy.trading.margin import Backing, Health, collateral, health_of
from algotrendy.trading.positions import PositionState
from algotrendy.trading.values import MarginMode, PositionSide
from apps.common.fields import AmountField
from apps.common.models import PublicModel, choices_of
from apps.marketdata.models import Instrument

from .portfolios import MANUAL_BOOK, Portfolio


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
    side = models.CharField(max_length=5, choices=choices_of(PositionSide))
    entry_price = AmountField(
        default=Decimal(0), help_text="Average price of what is held; of all entries once closed."
    )
    max_quantity = AmountField(default=Decimal(0), help_text="The largest size that was held.")
    mark_price = AmountField(null=True, blank=True)
    realized_pnl = AmountField(default=Decimal(0), help_text="Of the closed quantity, before fees.")
    fees_paid = AmountField(default=Decimal(0))
    stop_loss = AmountField(null=True, blank=True)
    take_profit = AmountField(null=True, blank=True)
    leverage = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(1), validators=[MinValueValidator(Decimal(1))]
    )
    margin_mode = models.CharField(max_length=8, choices=choices_of(MarginMode), default=MarginMode.CROSS)
    collateral = AmountField(default=Decimal(0), help_text="What is set aside for it: its cost over its leverage.")
    liquidation_price = AmountField(null=True, blank=True)
    funding_paid = AmountField(default=Decimal(0), help_text="What a short position has paid for being one.")
    funded_through = models.DateTimeField(null=True, blank=True, help_text="Market time up to which it has paid.")
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
        return f"{self.side} {self.instrument} ({self.book})"

    @property
    def state(self) -> PositionState:
        return PositionState(quantity=self.quantity, cost_basis=self.cost_basis)

    @property
    def tradable_quantity(self) -> Decimal:
        """What of the signed quantity can be traded, on the instrument's grid.

        A fee that is taken in the base currency leaves dust below a step, which nothing can be done with.
        """
        on_grid = self.instrument.spec.round_quantity(abs(self.quantity))
        return on_grid if self.quantity >= 0 else -on_grid

    @property
    def market_value(self) -> Decimal:
        """Signed value at the mark price, in the portfolio's currency."""
        price = self.entry_price if self.mark_price is None else self.mark_price
        return self.instrument.spec.notional(price, self.quantity)

    @property
    def unrealized_pnl(self) -> Decimal:
        cost: Decimal = self.cost_basis
        return self.market_value - cost

    @property
    def backing(self) -> Backing:
        """What it is worth and what backs that: its collateral with its profit or loss."""
        own = collateral(self.cost_basis, self.leverage)
        return Backing(value=abs(self.market_value), backing=own + self.unrealized_pnl)

    @property
    def margin_health(self) -> Decimal:
        """What backs it as a share of its value: 1 for a long without leverage."""
        return self.backing.health

    @property
    def margin_state(self) -> Health:
        return health_of(self.margin_health)

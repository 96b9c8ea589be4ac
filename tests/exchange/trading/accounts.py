"""Accounts of the trading exchange: keys, what they may do, and money that is free or locked in orders."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass
class Rights:
    """What a key may do, as the exchange tells it."""

    enableReading: bool = True
    enableSpotAndMarginTrading: bool = True
    enableFutures: bool = False
    enableWithdrawals: bool = False
    ipRestrict: bool = True


@dataclass
class Account:
    """One key's account. `pays_in` is BNB where fees are taken in it, else empty: in what was bought."""

    key: str
    secret: str
    free: dict[str, Decimal] = field(default_factory=dict)
    locked: dict[str, Decimal] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    pays_in: str = ""
    leverage: dict[str, int] = field(default_factory=dict)
    positions: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """By symbol: signed quantity and entry price, of perpetual swaps."""

    def can_lock(self, currency: str, amount: Decimal) -> bool:
        return self.free.get(currency, ZERO) >= amount

    def lock(self, currency: str, amount: Decimal) -> None:
        self.add(currency, -amount)
        self.locked[currency] = self.locked.get(currency, ZERO) + amount

    def unlock(self, currency: str, amount: Decimal) -> None:
        self.locked[currency] = self.locked.get(currency, ZERO) - amount
        self.add(currency, amount)

    def add(self, currency: str, amount: Decimal) -> None:
        self.free[currency] = self.free.get(currency, ZERO) + amount

    def hold(self, symbol: str, quantity: Decimal, price: Decimal) -> None:
        """Take a fill of a swap into the position: averaged where it grows, closed or turned where it does not."""
        held, entry = self.positions.get(symbol, (ZERO, ZERO))
        after = held + quantity
        if held * quantity >= 0:
            entry = (held * entry + quantity * price) / after
        elif held * after < 0:
            entry = price
        self.positions[symbol] = (after, entry if after else ZERO)

    def balances(self) -> list[dict[str, str]]:
        names = sorted({*self.free, *self.locked})
        return [
            {"asset": name, "free": f"{self.free.get(name, ZERO):f}", "locked": f"{self.locked.get(name, ZERO):f}"}
            for name in names
        ]

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, row: dict[str, Any]) -> Account:
        def amounts(found: dict[str, str]) -> dict[str, Decimal]:
            return {name: Decimal(value) for name, value in found.items()}

        positions = {name: (Decimal(held), Decimal(entry)) for name, (held, entry) in row.get("positions", {}).items()}
        return cls(
            key=row["key"],
            secret=row["secret"],
            free=amounts(row.get("free", {})),
            locked=amounts(row.get("locked", {})),
            rights=Rights(**row.get("rights", {})),
            pays_in=row.get("pays_in", ""),
            leverage=row.get("leverage", {}),
            positions=positions,
        )

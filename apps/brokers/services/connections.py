"""Making and changing connections."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction

from algotrendy.trading.errors import TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.brokers.live import LiveRefused, require_live
from apps.brokers.models import BrokerConnection, BrokerKind, MarketType
from apps.marketdata.sources.exchanges import has_exchange

PAPER_ONLY = ("commission_rate", "slippage_rate", "volume_share", "latency_ms", "seed", "funding_rate")
CHANGEABLE = frozenset({"name", "is_active", "is_live", "sandbox", *PAPER_ONLY})


class ConnectionRefused(TradingError):
    """A connection cannot be made or changed like that."""

    code = "connection_invalid"


def paper_connection_create(
    *, owner: User, name: str, commission_rate: Decimal | None = None, slippage_rate: Decimal | None = None
) -> BrokerConnection:
    """Open an account at the paper venue; rates not given are the venue's own."""
    rates: dict[str, Any] = {"commission_rate": commission_rate, "slippage_rate": slippage_rate}
    given = {field: rate for field, rate in rates.items() if rate is not None}
    return connection_create(owner=owner, name=name, **given)


def connection_create(
    *,
    owner: User,
    name: str,
    kind: BrokerKind = BrokerKind.PAPER,
    exchange: str = "",
    market_type: MarketType = MarketType.SPOT,
    sandbox: bool | None = None,
    **paper: Any,
) -> BrokerConnection:
    """Make a connection: to the paper venue, or to an exchange, on its test network unless told otherwise.

    It is never live at first: that is switched on once it has a key. `paper` are the paper venue's own settings.
    """
    _refuse_unfit(kind, exchange, paper)
    sandboxed = kind == BrokerKind.CCXT if sandbox is None else sandbox
    connection = BrokerConnection(
        owner=owner, name=name, kind=kind, exchange=exchange, market_type=market_type, sandbox=sandboxed, **paper
    )
    if kind == BrokerKind.PAPER:
        connection.sandbox = BrokerConnection._meta.get_field("sandbox").default
    with transaction.atomic():
        connection.full_clean()
        connection.save()
        audit(
            Action.CONNECTION_CREATED, user=owner, target=connection, kind=connection.kind, exchange=exchange,
            market_type=str(connection.market_type), sandbox=connection.sandbox,
        )  # fmt: skip
    return connection


def connection_change(*, connection: BrokerConnection, actor: User, **changes: Any) -> BrokerConnection:
    """Change a connection's name, state, money or paper settings; its exchange and its owner stay what they are."""
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise ConnectionRefused(f"A connection's {', '.join(sorted(unknown))} cannot be changed; make another one.")
    with transaction.atomic():
        row = BrokerConnection.objects.select_for_update(of=("self",)).select_related("owner").get(pk=connection.pk)
        before = {name: getattr(row, name) for name in changes if getattr(row, name) != changes[name]}
        for name in before:
            setattr(row, name, changes[name])
        _require_fit(row, before, actor)
        if not before:
            return row
        row.full_clean()
        row.save(update_fields=[*before, *_forgotten(row, before), "updated_at"])
        told = {name: {"from": str(was), "to": str(changes[name])} for name, was in before.items()}
        audit(Action.CONNECTION_CHANGED, user=actor, target=row, changes=told)
    return row


def _refuse_unfit(kind: BrokerKind, exchange: str, paper: dict[str, Any]) -> None:
    unknown = paper.keys() - set(PAPER_ONLY)
    if unknown or (paper and kind != BrokerKind.PAPER):
        raise ConnectionRefused(f"Only the paper venue has {', '.join(sorted(unknown or paper))}; leave it out.")
    if (kind == BrokerKind.CCXT) != bool(exchange):
        raise ConnectionRefused(
            "Name the exchange of an exchange connection, and of no other.", code="exchange_missing"
        )
    if exchange and not has_exchange(exchange):
        raise ConnectionRefused(
            f"There is no exchange {exchange[:32]!r}; use its id, such as binance.", code="unknown_exchange"
        )


def _require_fit(row: BrokerConnection, before: dict[str, Any], actor: User) -> None:
    """Raise unless the connection as it now is may be: one that becomes live passes every switch."""
    if row.is_paper and (row.is_live or "sandbox" in before):
        raise ConnectionRefused("The paper venue trades no money: it has no test network and is never live.")
    if not row.is_paper and before.keys() & set(PAPER_ONLY):
        raise ConnectionRefused(f"Only the paper venue has {', '.join(sorted(before.keys() & set(PAPER_ONLY)))}.")
    if not row.is_live or not before.keys() & {"is_live", "sandbox"}:
        return
    if row.sandbox:
        raise ConnectionRefused("A connection to a test network is not live: switch the test network off.")
    if actor.pk != row.owner_id:
        raise LiveRefused("Only the owner of a connection lets it trade real money.", code="live_by_owner_only")
    require_live(row)
    if not row.has_credentials:
        raise ConnectionRefused("Set the connection's credentials before it goes live.", code="credentials_missing")


def _forgotten(row: BrokerConnection, before: dict[str, Any]) -> list[str]:
    """Forget the last test where it was of another network."""
    if "sandbox" not in before:
        return []
    row.tested_at, row.test_result = None, {}
    return ["tested_at", "test_result"]

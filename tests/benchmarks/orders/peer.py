"""The peer: the same list of orders by FastAPI and SQLAlchemy's ORM, as its documentation writes such a thing.

It verifies the same token, looks up its user, and answers the same fields of the same rows. Run by the peers' Python,
which has none of the platform's packages. PEER_STYLE is `threads` or `async`.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, sessionmaker

KEY, DATABASE, STYLE = os.environ["PEER_KEY"], os.environ["PEER_DATABASE"], os.environ["PEER_STYLE"]


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSONB}


class User(Base):
    __tablename__ = "accounts_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool]


class Instrument(Base):
    __tablename__ = "marketdata_instrument"
    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str]


class Order(Base):
    __tablename__ = "orders_order"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
    portfolio: Mapped[UUID] = mapped_column("portfolio_id")
    instrument_id: Mapped[int] = mapped_column(ForeignKey("marketdata_instrument.id"))
    instrument: Mapped[Instrument] = relationship()
    strategy: Mapped[UUID | None] = mapped_column("strategy_id")
    signal: Mapped[UUID | None] = mapped_column("signal_id")
    parent: Mapped[UUID | None] = mapped_column("parent_id")
    client_order_id: Mapped[str]
    exchange_order_id: Mapped[str]
    side: Mapped[str]
    type: Mapped[str]
    status: Mapped[str]
    time_in_force: Mapped[str]
    quantity: Mapped[Decimal]
    filled_quantity: Mapped[Decimal]
    limit_price: Mapped[Decimal | None]
    stop_price: Mapped[Decimal | None]
    average_fill_price: Mapped[Decimal | None]
    reference_price: Mapped[Decimal]
    reduce_only: Mapped[bool]
    stop_loss: Mapped[Decimal | None]
    take_profit: Mapped[Decimal | None]
    fees_paid: Mapped[Decimal]
    role: Mapped[str]
    book: Mapped[str]
    reason_code: Mapped[str]
    reason: Mapped[str]
    expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]
    order_metadata: Mapped[dict[str, Any]] = mapped_column("metadata")

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def remaining_quantity(self) -> Decimal:
        return self.quantity - self.filled_quantity


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    client_order_id: str
    exchange_order_id: str
    portfolio: UUID
    symbol: str
    side: str
    type: str
    status: str
    time_in_force: str
    quantity: Decimal
    filled_quantity: Decimal
    remaining_quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    average_fill_price: Decimal | None
    reference_price: Decimal
    reduce_only: bool
    stop_loss: Decimal | None
    take_profit: Decimal | None
    fees_paid: Decimal
    role: str
    book: str
    strategy: UUID | None
    signal: UUID | None
    parent: UUID | None
    reason_code: str
    reason: str
    expires_at: datetime | None
    cancel_requested_at: datetime | None
    submitted_at: datetime | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    order_metadata: dict[str, Any]


class Page(BaseModel):
    results: list[OrderOut]


app = FastAPI()
bearer = HTTPBearer()
Credentials = Annotated[HTTPAuthorizationCredentials, Depends(bearer)]
Limit = Annotated[int, Query(ge=1, le=500)]


def _user_id(credentials: HTTPAuthorizationCredentials) -> int:
    try:
        return int(jwt.decode(credentials.credentials, KEY, algorithms=["HS256"])["user_id"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise HTTPException(401) from error


def _page(user: User, limit: int) -> Any:
    newest = (Order.created_at.desc(), Order.id.desc())
    orders = select(Order).options(joinedload(Order.instrument)).where(Order.owner_id == user.id)
    return orders.order_by(*newest).limit(limit)


def _let_in(user: User | None) -> User:
    if user is None or not user.is_active:
        raise HTTPException(401)
    return user


if STYLE == "threads":
    sessions = sessionmaker(create_engine(DATABASE, pool_size=20))

    @app.get("/api/orders", response_model=Page)
    def orders(credentials: Credentials, limit: Limit = 100) -> Any:
        with sessions() as session:
            user = _let_in(session.get(User, _user_id(credentials)))
            return {"results": [OrderOut.model_validate(row) for row in session.scalars(_page(user, limit))]}

else:
    async_sessions = async_sessionmaker(create_async_engine(DATABASE, pool_size=20))

    @app.get("/api/orders", response_model=Page)
    async def orders_async(credentials: Credentials, limit: Limit = 100) -> Any:
        async with async_sessions() as session:
            user = _let_in(await session.get(User, _user_id(credentials)))
            rows = await session.scalars(_page(user, limit))
            return {"results": [OrderOut.model_validate(row) for row in rows]}

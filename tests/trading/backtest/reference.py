"""A backtest that reads like the live path: exact decimals, the core's matching, positions and risk check, slowly."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal as D
from itertools import pairwise

from algotrendy.trading.candles import Bar
from algotrendy.trading.matching import RestingOrder
from algotrendy.trading.orders import MAX_QUANTITY
from algotrendy.trading.positions import PositionState
from algotrendy.trading.risk import AccountSnapshot, Denied, OrderEffect, check_order
from algotrendy.trading.signals import CODES, follow
from algotrendy.trading.values import OrderType, TimeInForce, quantize
from tests.trading.builders import first_event

REASONS = {OrderType.MARKET: "signal", OrderType.STOP: "stop_loss", OrderType.TAKE_PROFIT: "take_profit"}


@dataclass(eq=False)
class Desk:
    """One book: its position, its resting orders, and what the entry asked to be protected by."""

    book: object
    state: PositionState = field(default_factory=PositionState)
    resting: list = field(default_factory=list)
    mark: D = D(0)
    wants: tuple = (None, None)
    opening: D = D(0)
    reference: D = D(0)
    entry: tuple = ()


class Reference:
    def __init__(self, books, config):
        self.config, self.cash, self.sequence = config, config.initial_cash, 0
        self.desks = [Desk(book) for book in sorted(books, key=lambda book: book.key)]
        self.trades, self.denied, self.skipped = [], Counter(), 0
        self.equity_at = {}

    def run(self):
        steps = sorted(
            (int(book.candles.time[i] + seconds(book)), desk.book.key, i)
            for desk in {desk.book.key: desk for desk in self.desks}.values()
            for book in [desk.book]
            for i in range(min(d.book.first for d in self.desks if d.book.key == book.key), len(book.candles))
        )
        for at, key, i in steps:
            desks = [desk for desk in self.desks if desk.book.key == key]
            bar = bar_of(desks[0].book.candles, i)
            for desk in desks:
                self.match(desk, bar, i)
            for desk in desks:
                desk.mark = bar.close
            for desk in desks:
                if i >= desk.book.first:
                    self.decide(desk, bar, i)
            self.equity_at[at] = self.equity()
        return self

    def equity(self):
        return self.cash + sum(d.book.instrument.notional(d.mark, d.state.quantity) for d in self.desks)

    def match(self, desk, bar, i):
        spec, inside = desk.book.instrument, False
        while not inside and (event := first_event(desk.resting, bar, self.config.costs, spec)):
            order = event.order
            desk.resting.remove(order)
            closing = abs(desk.state.quantity) if order.side.sign * desk.state.sign < 0 else D(0)
            quantity = closing + (desk.opening if order.type is OrderType.MARKET else D(0))
            if not quantity:
                continue  # What it was to close is closed already.
            inside = not event.at_open
            self.fill(desk, order, event.price, quantity, closing, i)
            if order.type is OrderType.MARKET:
                self.protect(desk, order)

    def fill(self, desk, order, price, quantity, closing, i):
        spec = desk.book.instrument
        value = spec.notional(price, quantity)
        fee = self.config.costs.fee(value)
        opening_fee = quantize(fee * (quantity - closing) / quantity)
        self.cash -= order.side.sign * value + fee
        before, desk.state = desk.state, desk.state.apply(order.side, quantity, value).after
        desk.mark = price
        if closing:
            desk.resting = [kept for kept in desk.resting if kept.type is OrderType.MARKET]
            side, entry_bar, entry_price, entry_fee = desk.entry
            self.trades.append(
                (self.desks.index(desk), side, abs(before.quantity), entry_bar, i, entry_price, price, entry_fee,
                 fee - opening_fee, REASONS[order.type])
            )  # fmt: skip
        if quantity > closing:
            desk.entry = (order.side.sign, i, price, opening_fee)

    def protect(self, desk, order):
        desk.opening, stop, target = D(0), *desk.wants
        if desk.state.sign != order.side.sign:
            return
        for kind, price in ((OrderType.STOP, stop), (OrderType.TAKE_PROFIT, target)):
            if price is not None:
                self.rest(desk, order.side.opposite, kind, price)

    def rest(self, desk, side, kind, price=None):
        self.sequence += 1
        desk.resting.append(
            RestingOrder(str(self.sequence), self.sequence, side, kind, TimeInForce.GTC, D(1), stop_price=price)
        )

    def decide(self, desk, bar, i):
        book, plan = desk.book, desk.book.plan
        signals = book.signals
        move = follow(CODES[int(signals.action[i])], desk.state.sign, plan.direction)
        if move is None or signals.confidence[i] < plan.min_confidence:
            return
        wants = self.levels(desk, move.side, bar.close, i)
        opening = self.size(desk, bar.close, wants[0], i) if move.opens else D(0)
        closing = abs(desk.state.quantity) if move.closes else D(0)
        value = book.instrument.notional(bar.close, opening + closing)
        small = opening and value < book.instrument.min_notional
        if not opening + closing or opening + closing > MAX_QUANTITY or small:
            self.skipped += 1
            return
        if opening and isinstance(word := self.check(desk, bar.close, opening, closing), Denied):
            self.denied[word.code] += 1
            return
        desk.opening, desk.reference = opening, bar.close
        desk.wants = wants if opening else (None, None)
        self.rest(desk, move.side, OrderType.MARKET)

    def size(self, desk, price, stop, i):
        plan, spec = desk.book.plan, desk.book.instrument
        quantity = plan.sizing.value
        share = max(self.equity(), D(0)) * plan.sizing.value / 100
        if plan.sizing.rule == "percent_of_equity":
            quantity = share / (price * spec.contract_size)
        elif plan.sizing.rule == "risk_percent":
            quantity = D(0) if stop is None else min(share / (abs(price - stop) * spec.contract_size), MAX_QUANTITY)
        elif plan.sizing.rule == "volatility_target":
            sigma = deviation(desk.book, i)
            unit = D(repr(sigma)) * price * spec.contract_size
            quantity = min(share / unit, MAX_QUANTITY) if sigma else D(0)
        quantity = spec.round_quantity(quantity)
        return quantity if quantity >= spec.min_quantity else D(0)

    def check(self, desk, price, opening, closing):
        held = {id(d): abs(d.book.instrument.notional(d.mark, d.state.quantity)) for d in self.desks}
        promised = {id(d): d.book.instrument.notional(d.reference, d.opening) for d in self.desks}
        account = AccountSnapshot(
            equity=self.equity(),
            exposure=sum(held.values()) + sum(promised.values()),
            open_positions=sum(bool(held[key] + promised[key]) for key in held),
            position_value=held[id(desk)],
        )
        notional = desk.book.instrument.notional
        effect = OrderEffect(notional(price, opening), notional(price, closing), opens_position=not closing)
        return check_order(self.config.limits, account, effect)

    def levels(self, desk, side, price, i):
        protection, spec, signals = desk.book.plan.protection, desk.book.instrument, desk.book.signals
        found = []
        for own, direction, percent in (
            (signals.stop_loss[i], -side.sign, protection.stop_percent),
            (signals.take_profit[i], side.sign, protection.target_percent),
        ):
            level = quantize(D(repr(float(own)))) if own == own and protection.from_signal else None
            if level is None and percent:
                level = price * (1 + direction * percent / 100)
            level = None if level is None else spec.round_price(level)
            found.append(level if level is not None and level > 0 and (level - price) * direction > 0 else None)
        return tuple(found)


def deviation(book, i):
    """Return the annual deviation of the twenty newest returns at candle i; 0 where there are too few or none moved."""
    closes = book.candles.close[max(i - 20, 0) : i + 1].tolist()
    if len(closes) < 21:
        return 0.0
    per_year = book.instrument.bars_per_year(seconds(book))
    return statistics.stdev(after / before - 1 for before, after in pairwise(closes)) * per_year**0.5


def seconds(book):
    return int(book.candles.timeframe.duration.total_seconds())


def bar_of(candles, i):
    prices = (D(repr(float(getattr(candles, name)[i]))) for name in ("open", "high", "low", "close", "volume"))
    return Bar(candles.symbol, candles.timeframe, datetime.fromtimestamp(int(candles.time[i]), UTC), *prices)

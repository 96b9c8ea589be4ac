"""The shipped strategies: rules at their edges, on figures worked out apart from the code, and what none may do."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrendy.trading import indicators
from algotrendy.trading.errors import InvalidParameter, UnknownStrategy
from algotrendy.trading.signals import CODES, Action
from algotrendy.trading.strategies import registry
from tests.trading import reference
from tests.trading.builders import eurusd, make_candles

NAMES = ("momentum", "rsi", "macd", "mfi", "vwap", "sma_cross", "bollinger_reversion", "donchian_breakout",
         "conditions", "external")  # fmt: skip
REAL = eurusd(900)


def latest(name, candles, **parameters):
    return registry.build(name, parameters).latest(candles)


def calm(last, *, volume=1_000_000.0, before=100.0):
    """Thirty candles at one price, then one at `last`."""
    return make_candles([before] * 30 + [last], volume=volume)


def test_the_shipped_ones_are_registered():
    assert registry.names() == NAMES
    assert all(strategy.title and strategy.summary for strategy in registry.all_strategies())


@pytest.mark.parametrize(
    ("last", "volume", "action", "confidence"),
    [
        (103.0, 1e6, "buy", 0.6),  # 3 / 5
        (97.0, 1e6, "sell", 0.6),
        (110.0, 1e6, "buy", 0.95),  # 10 / 5, capped
        (103.0, 99_999.0, "buy", 0.42),  # 0.6 x 0.7
        (102.0, 1e6, "hold", 0.3),  # on the threshold is not beyond it
        (98.0, 1e6, "hold", 0.3),
    ],
)
def test_momentum_follows_a_strong_candle(last, volume, action, confidence):
    signal = latest("momentum", calm(last, volume=volume))
    assert signal.action == action
    assert signal.confidence == pytest.approx(confidence)
    if action != "hold":
        sign = 1 if action == "buy" else -1
        assert signal.stop_loss == pytest.approx(last * (1 - sign * 0.02))
        assert signal.take_profit == pytest.approx(last * (1 + sign * 0.05))


def test_momentum_waits_while_returns_are_wild():
    wild = make_candles([100.0, 130.0] * 15 + [103.0])
    assert latest("momentum", wild).action is Action.HOLD
    assert latest("momentum", wild, volatility_filter=1.0, sell_threshold=-2.0).action is Action.SELL


@pytest.mark.parametrize("row", [60, 200, 333, 500, 640, 777, 899])
def test_rsi_trades_beyond_its_thresholds_with_the_stated_confidence(row):
    candles = REAL.head(row + 1)
    value = reference.rsi(candles.close.tolist(), 14)[-1]
    signal = latest("rsi", candles, oversold=45.0, overbought=55.0)
    if value < 45:
        expected = ("buy", min((45 - value) / 30, 0.9), 0.97, 1.06)
    elif value > 55:
        expected = ("sell", min((value - 55) / 30, 0.9), 1.03, 0.94)
    else:
        expected = ("hold", 0.4, None, None)
    assert (signal.action.value, signal.confidence) == (expected[0], pytest.approx(expected[1]))
    if expected[2]:
        assert signal.stop_loss == pytest.approx(candles.close[-1] * expected[2])
        assert signal.take_profit == pytest.approx(candles.close[-1] * expected[3])


def test_rsi_at_its_extremes_is_capped():
    assert latest("rsi", make_candles(np.linspace(200, 100, 60))).confidence == pytest.approx(0.9)  # RSI 0: 30 / 30
    assert latest("rsi", make_candles(np.linspace(100, 200, 60))).confidence == pytest.approx(0.9)


@pytest.mark.parametrize("row", [60, 200, 333, 500, 640, 777, 899])
@pytest.mark.parametrize("min_volume", [0.0, 1e15])
def test_macd_trades_the_sign_of_its_histogram(row, min_volume):
    candles = REAL.head(row + 1)
    histogram = reference.macd_histogram(candles.close.tolist(), 12, 26, 9)[-1]
    signal = latest("macd", candles, min_volume=min_volume)
    action = "buy" if histogram > 0.0001 else "sell" if histogram < -0.0001 else "hold"
    confidence = min(max(abs(histogram) / (0.01 * candles.close[-1]), 0.5), 0.95) * (0.7 if min_volume else 1)
    assert signal.action == action
    assert signal.confidence == pytest.approx(0.3 if action == "hold" else confidence)


@pytest.mark.parametrize("row", [60, 200, 333, 500, 640, 777, 899])
def test_mfi_trades_beyond_its_thresholds_with_the_stated_confidence(row):
    c = REAL.head(row + 1)
    value = reference.mfi(c.high.tolist(), c.low.tolist(), c.close.tolist(), c.volume.tolist(), 14)[-1]
    signal = latest("mfi", c, oversold=45.0, overbought=55.0, min_volume=1e15)
    if 45 <= value <= 55:
        assert (signal.action, signal.confidence) == (Action.HOLD, 0.4)
    else:
        distance = 45 - value if value < 45 else value - 55
        assert signal.action == ("buy" if value < 45 else "sell")
        assert signal.confidence == pytest.approx(min(max(distance / 20, 0.5), 0.9) * 0.8)


def test_vwap_buys_below_the_average_and_aims_just_beyond_it():
    # 19 candles at 100 and one at 95 of equal volume: VWAP 99.75, the close is 4.7619 % below it.
    candles = make_candles([100.0] * 19 + [95.0])
    signal = latest("vwap", candles)
    assert signal.action is Action.BUY
    assert signal.confidence == pytest.approx(0.9)  # 4.76 / 2 x 0.6 = 1.43, at most 0.9
    assert signal.stop_loss == pytest.approx(95 * 0.97)
    assert signal.take_profit == pytest.approx(99.75 * 1.005)


def test_vwap_sells_above_the_average_and_volume_makes_it_surer():
    # The last candle trades 3 of 22 units: VWAP (19 x 100 + 3 x 105) / 22 = 100.6818; 4.2889 % above.
    volume = [1.0] * 19 + [3.0]
    candles = make_candles([100.0] * 19 + [105.0], volume=volume)
    signal = latest("vwap", candles, deviation=4.0)
    assert signal.action is Action.SELL
    assert signal.confidence == pytest.approx(0.64334 * 1.1, abs=1e-4)  # 4.2889 / 4 x 0.6, more than 1.2 x usual
    assert signal.take_profit == pytest.approx(100.681818 * 0.995)
    assert latest("vwap", candles, deviation=4.0, volume_confirmation=False).confidence == pytest.approx(
        0.64334, abs=1e-4
    )


def test_vwap_is_less_sure_on_thin_volume():
    candles = make_candles([100.0] * 19 + [95.0], volume=[10.0] * 19 + [1.0])
    assert latest("vwap", candles).confidence == pytest.approx(0.9 * 0.8)


def test_sma_cross_holds_the_side_of_the_fast_average():
    rising, falling = make_candles(np.linspace(100, 120, 60)), make_candles(np.linspace(120, 100, 60))
    assert latest("sma_cross", rising).action is Action.BUY
    assert latest("sma_cross", falling).action is Action.SELL
    signal = latest("sma_cross", rising)
    # Means of the last 20 and 50 of evenly spaced values lie 15 steps of 20/59 apart; the slow one is 111.69...
    gap, slow = 15 * 20 / 59, 120 - 24.5 * 20 / 59
    assert signal.confidence == pytest.approx(min(gap / (0.01 * slow), 0.95))
    assert signal.stop_loss == pytest.approx(120 * 0.95)
    assert signal.take_profit == pytest.approx(120 * 1.10)


def test_sma_cross_takes_noise_between_equal_averages_for_a_tie():
    """Running sums leave differences in the last bits where both averages are the same number."""
    still = make_candles([0.1] * 10 + [1234.56] * 3 + [0.1] * 200)
    signal = latest("sma_cross", still, fast=10, slow=30)
    assert signal.action is Action.HOLD


# With a last close of 98 the mean is 2016 / 20 = 100.8 and the squares' mean 203240 / 20 = 10162, so that the
# deviation is the root of 10162 - 100.8² = 1.36: 1.16619. The lower band is 100.8 - 2.33238 = 98.46762, and 98 lies
# 0.40098 of a deviation below it. The other rows likewise.
AROUND_101 = [100.0, 102.0] * 9 + [100.0]


@pytest.mark.parametrize(
    ("last", "action", "confidence", "average"),
    [
        (98.0, "buy", 0.5 + 0.4009802 / 2, 100.8),
        (104.0, "sell", 0.5 + 0.4597479 / 2, 101.1),  # variance 10222.6 - 101.1² = 1.39, band 103.45797
        (95.0, "buy", 0.95, 100.65),  # variance 2.6275, band 97.40809: 1.486 deviations beyond, capped
        (103.0, "hold", 0.3, None),  # variance 1.1475, band 103.19243: inside
    ],
)
def test_bollinger_trades_beyond_its_bands_and_aims_for_the_average(last, action, confidence, average):
    signal = latest("bollinger_reversion", make_candles([*AROUND_101, last]))
    assert signal.action == action
    assert signal.confidence == pytest.approx(confidence)
    assert signal.take_profit == pytest.approx(average)
    assert signal.stop_loss == pytest.approx({"buy": last * 0.97, "sell": last * 1.03}.get(action))


def test_bollingers_deviation_is_the_populations():
    """One of five that differs from the rest is 2 population deviations off, and 2 · √(4/5) = 1.789 of a sample's."""
    candles = make_candles([10.0, 10.0, 10.0, 10.0, 9.0])
    assert latest("bollinger_reversion", candles, period=5, deviations=1.99).action is Action.BUY
    for row in range(19, 900, 97):
        values = REAL.close[row - 19 : row + 1].tolist()
        middle, deviation = indicators.bollinger(REAL.close, 20)
        assert middle[row] == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert deviation[row] == pytest.approx(statistics.pstdev(values), rel=1e-9)


@pytest.mark.parametrize("price", [0.1, 1234.56, 1e-5])
def test_bollinger_takes_noise_around_equal_prices_for_a_tie(price):
    assert latest("bollinger_reversion", make_candles([price] * 30), deviations=0.1).action is Action.HOLD


def channel_candles(last):
    """Twenty candles that reach from 99 to 101 and close at 100, the newest ten only from 99.5; then one at `last`."""
    return make_candles(
        [100.0] * 20 + [last],
        high=[101.0] * 20 + [max(last, 100.0)],
        low=[99.0] * 10 + [99.5] * 10 + [min(last, 100.0)],
    )


# True ranges: 10 of 2, then 10 of 1.5; Wilder's first mean is over candles 2 to 21. A close at 102 has a true range of
# 2 (102 - 100): (9 x 2 + 10 x 1.5 + 2) / 20 = 1.75.
@pytest.mark.parametrize(
    ("last", "parameters", "action", "confidence", "stop"),
    [
        (102.0, {}, "buy", 0.5 + 1 / 1.75 / 2, 99.5),  # 102 - 3.5 = 98.5 is further than the exit channel's 99.5
        (102.0, {"stop_ranges": 1.0}, "buy", 0.5 + 1 / 1.75 / 2, 102 - 1.75),
        (102.0, {"exit": 20}, "buy", 0.5 + 1 / 1.75 / 2, 99.0),
        (101.0, {}, "hold", 0.3, None),  # on the highest high is not above it
        (98.0, {}, "sell", 0.5 + 1 / 1.75 / 2, 101.0),  # true range 2; 98 + 3.5 = 101.5 is further than 101
        (98.0, {"stop_ranges": 1.5}, "sell", 0.5 + 1 / 1.75 / 2, 98 + 1.5 * 1.75),
        (99.0, {}, "hold", 0.3, None),
        (110.0, {}, "buy", 0.95, 105.7),  # true range 10, mean 2.15: 9 / 2.15 beyond, capped; 110 - 4.3 = 105.7
    ],
)
def test_donchian_follows_a_close_beyond_the_candles_before(last, parameters, action, confidence, stop):
    signal = latest("donchian_breakout", channel_candles(last), **parameters)
    assert signal.action == action
    assert signal.confidence == pytest.approx(confidence)
    assert signal.stop_loss == pytest.approx(stop)
    assert signal.take_profit is None


def test_donchians_channel_leaves_out_the_candle_itself():
    high, low = np.array([3.0, 5.0, 4.0, 9.0, 2.0]), np.array([1.0, 2.0, 3.0, 0.5, 1.5])
    top, bottom = indicators.channel(high, low, 2)
    assert top.tolist()[2:] == [5.0, 5.0, 9.0]
    assert bottom.tolist()[2:] == [1.0, 2.0, 0.5]
    assert np.isnan([*top[:2], *bottom[:2]]).all()


def test_the_average_true_range_is_wilders():
    values = indicators.atr(REAL.high, REAL.low, REAL.close, 20)
    expected = reference.atr(REAL.high.tolist(), REAL.low.tolist(), REAL.close.tolist(), 20)
    assert np.isnan(values[:20]).all()
    np.testing.assert_allclose(values[20:], expected[20:], rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_latest_signal_is_the_last_row_of_the_columns(name):
    strategy = registry.build(name, {})
    columns = strategy.signals(REAL)
    for row in range(strategy.warm_up, len(REAL), 97):
        signal = strategy.latest(REAL.head(row + 1))
        assert signal.action is CODES[int(columns.action[row])]
        assert signal.confidence == pytest.approx(columns.confidence[row])
        assert signal.reason


@pytest.mark.parametrize("name", NAMES)
@given(cut=st.integers(60, 899))
@settings(max_examples=25, deadline=None)
def test_no_strategy_looks_ahead(name, cut):
    """What was said about a candle does not change when later ones arrive."""
    strategy = registry.build(name, {})
    whole, part = strategy.signals(REAL), strategy.signals(REAL.head(cut))
    np.testing.assert_array_equal(whole.action[:cut], part.action)
    np.testing.assert_array_equal(whole.confidence[:cut], part.confidence)
    np.testing.assert_array_equal(whole.stop_loss[:cut], part.stop_loss)
    np.testing.assert_array_equal(whole.take_profit[:cut], part.take_profit)


prices = st.lists(st.floats(0.01, 1e6, allow_nan=False), min_size=0, max_size=120)


@pytest.mark.parametrize("name", NAMES)
@given(close=prices, volume=st.sampled_from([0.0, 1.0, 1e12]))
@settings(max_examples=40, deadline=None)
def test_whatever_the_prices_signals_are_whole(name, close, volume):
    columns = registry.build(name, {}).signals(make_candles(close, volume=volume))
    assert len(columns.action) == len(close)
    assert set(columns.action.tolist()) <= {-1, 0, 1}
    assert ((columns.confidence >= 0) & (columns.confidence <= 1)).all()
    acts = columns.action != 0
    assert np.isfinite(columns.stop_loss[acts]).all()
    assert np.isnan(columns.stop_loss[~acts]).all()
    assert np.isnan(columns.take_profit[~acts]).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "external"])  # which needs none
def test_too_few_candles_hold_and_say_how_many_are_needed(name):
    strategy = registry.build(name, {})
    for count in (0, 1, strategy.warm_up):
        signal = strategy.latest(REAL.head(count))
        assert (signal.action, signal.confidence) == (Action.HOLD, 0.0)
        assert f"{strategy.warm_up + 1} that are needed" in signal.reason
    assert strategy.latest(REAL.head(strategy.warm_up + 1)).confidence > 0


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_complete_and_their_defaults_are_in_range(name):
    for spec in registry.get(name).parameters():
        assert spec.description
        assert spec.check(spec.default) == spec.default
        assert (spec.kind in (bool, dict)) == (spec.minimum is None)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("rsi", {"period": 1}, "period must be between 2 and 200, not 1"),
        ("rsi", {"period": 14.5}, "whole number"),
        ("rsi", {"period": "14"}, "must be a number, not '14'"),
        ("rsi", {"period": True}, "must be a number"),
        ("rsi", {"oversold": float("nan")}, "finite number"),
        ("rsi", {"oversold": float("inf")}, "finite number"),
        ("rsi", {"oversold": 80}, "oversold 80 must be below overbought 70"),
        ("mfi", {"oversold": 80, "overbought": 20}, "must be below"),
        ("macd", {"fast": 26}, "fast 26 must be below slow 26"),
        ("sma_cross", {"fast": 50, "slow": 20}, "fast 50 must be below slow 20"),
        ("bollinger_reversion", {"period": 5}, "deviations 2 must be below 2: of 5 closes none lies further"),
        ("donchian_breakout", {"exit": 21}, "exit 21 must not be above entry 20"),
        ("vwap", {"volume_confirmation": 1}, "must be true or false"),
        ("vwap", {"colour": 1}, "no parameter colour; it has period"),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_would_be_right(name, parameters, words):
    with pytest.raises(InvalidParameter, match=words):
        registry.build(name, parameters)


def test_a_whole_float_is_taken_for_the_integer_that_it_is():
    strategy = registry.build("rsi", {"period": 21.0})
    assert strategy.period == 21
    assert isinstance(strategy.period, int)


def test_an_unknown_strategy_names_the_known_ones():
    with pytest.raises(UnknownStrategy, match="momentum, rsi, macd"):
        registry.get("crystal_ball")

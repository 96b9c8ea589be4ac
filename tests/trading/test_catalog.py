"""Indicators by name: all of TA-Lib and the house's own, as an independent implementation has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from algotrendy.trading import catalog
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.ta_lib import talib
from tests.trading import reference
from tests.trading.builders import eurusd, make_candles

REAL = eurusd(700)
NAMES = [each.name for each in catalog.all_indicators()]


def values(name: str, **parameters: Any) -> dict[str, Any]:
    found = catalog.get(name)
    return found.compute(REAL, found.check(parameters))


def test_there_is_every_function_of_talib_but_two_and_two_of_our_own() -> None:
    assert set(NAMES) == {name.lower() for name in talib.get_functions()} - {"mavp", "zigzag"} | {"vwap", "volatility"}


@pytest.mark.parametrize("name", NAMES)
def test_each_gives_columns_of_the_candles_length_and_knows_no_later_candle(name: str) -> None:
    found = catalog.get(name)
    parameters = found.check({})
    warm_up = found.warm_up(parameters)
    whole = found.compute(REAL, parameters)
    assert tuple(whole) == found.outputs
    for output, column in whole.items():
        assert column.shape == (700,)
        assert column.dtype == np.float64
        if name not in ("acos", "asin"):  # of prices above 1 there is none
            assert not np.isnan(column[warm_up:]).any(), output
    for cut in (450, 611):
        for output, column in found.compute(REAL.head(cut), parameters).items():
            np.testing.assert_allclose(column, whole[output][:cut], rtol=1e-7, atol=1e-9, equal_nan=True)
    for few in (0, 1, warm_up):
        short = found.compute(REAL.head(few), parameters)
        assert all(len(column) == few for column in short.values())


def sma(column: Any, period: int) -> Any:
    return np.array([np.nan if k < period - 1 else column[k - period + 1 : k + 1].mean() for k in range(len(column))])


def wilder(column: list[float], period: int) -> list[float]:
    """Wilder's average: a mean of the first values, then 1 / period of each new one."""
    found = [float("nan")] * (period - 1) + [sum(column[:period]) / period]
    for value in column[period:]:
        found.append(found[-1] + (value - found[-1]) / period)
    return found


HIGH, LOW, CLOSE, VOLUME = REAL.high, REAL.low, REAL.close, REAL.volume
TYPICAL = (HIGH + LOW + CLOSE) / 3


def test_averages_and_bands() -> None:
    np.testing.assert_allclose(values("sma", timeperiod=20)["real"], sma(CLOSE, 20), rtol=1e-10, equal_nan=True)
    deviation = np.array([np.nan if k < 19 else CLOSE[k - 19 : k + 1].std() for k in range(700)])
    bands = values("bbands", timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    np.testing.assert_allclose(bands["upperband"], sma(CLOSE, 20) + 2 * deviation, rtol=1e-8, equal_nan=True)
    np.testing.assert_allclose(bands["lowerband"], sma(CLOSE, 20) - 2 * deviation, rtol=1e-8, equal_nan=True)


def test_the_exponential_average_begins_with_a_plain_one() -> None:
    expected = reference.ema(CLOSE.tolist(), 20)
    np.testing.assert_allclose(values("ema", timeperiod=20)["real"][19:], expected[19:], rtol=1e-12)


def test_macd_is_the_difference_of_two_averages_from_the_same_candle() -> None:
    found = values("macd", fastperiod=12, slowperiod=26, signalperiod=9)
    expected = reference.macd_histogram(CLOSE.tolist(), 12, 26, 9)
    np.testing.assert_allclose(found["macdhist"][33:], expected[33:], rtol=1e-6, atol=1e-12)


def test_the_slow_stochastic_is_averaged_twice() -> None:
    found = values("stoch", fastk_period=14, slowk_period=3, slowd_period=3)
    highs = np.array([HIGH[max(k - 13, 0) : k + 1].max() for k in range(700)])
    lows = np.array([LOW[max(k - 13, 0) : k + 1].min() for k in range(700)])
    slow_k = sma((CLOSE - lows) / (highs - lows) * 100, 3)
    np.testing.assert_allclose(found["slowk"][17:], slow_k[17:], rtol=1e-8)
    np.testing.assert_allclose(found["slowd"][17:], sma(slow_k, 3)[17:], rtol=1e-8)


def test_wilders_figures() -> None:
    ranges = np.maximum(HIGH[1:], CLOSE[:-1]) - np.minimum(LOW[1:], CLOSE[:-1])
    expected = wilder(ranges.tolist(), 14)
    np.testing.assert_allclose(values("atr", timeperiod=14)["real"][14:], expected[13:], rtol=1e-9)
    rsi = values("rsi", timeperiod=14)["real"]
    np.testing.assert_allclose(rsi[14:], reference.rsi(CLOSE.tolist(), 14)[14:], rtol=1e-9)


def windows(column: Any, period: int) -> Any:
    """Return the last `period` values at each candle, a row a candle; from the first that has so many."""
    return np.lib.stride_tricks.sliding_window_view(column, period)


def test_oscillators_against_their_formulas() -> None:
    high, low = windows(HIGH, 14).max(axis=1), windows(LOW, 14).min(axis=1)
    expected = (CLOSE[13:] - high) / (high - low) * 100
    np.testing.assert_allclose(values("willr", timeperiod=14)["real"][13:], expected, rtol=1e-8, atol=1e-9)
    fast = values("stochf", fastk_period=14, fastd_period=3)
    np.testing.assert_allclose(fast["fastk"][15:], ((CLOSE[13:] - low) / (high - low) * 100)[2:], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(fast["fastd"][17:], sma(fast["fastk"], 3)[17:], rtol=1e-8)
    part = windows(TYPICAL, 20)
    mean = part.mean(axis=1)
    expected = (TYPICAL[19:] - mean) / (0.015 * np.abs(part - mean[:, None]).mean(axis=1))
    np.testing.assert_allclose(values("cci", timeperiod=20)["real"][19:], expected, rtol=1e-6, atol=1e-6)
    signed = np.sign(np.diff(CLOSE)) * VOLUME[1:]
    np.testing.assert_allclose(values("obv")["real"], VOLUME[0] + np.concatenate([[0], signed.cumsum()]), rtol=1e-9)


def test_volume_and_volatility() -> None:
    flow = TYPICAL * VOLUME
    expected = windows(flow, 20).sum(axis=1) / windows(VOLUME, 20).sum(axis=1)
    np.testing.assert_allclose(values("vwap", timeperiod=20)["real"][19:], expected, rtol=1e-9)
    returns = CLOSE[1:] / CLOSE[:-1] - 1
    found = values("volatility", timeperiod=20)["real"][20:]
    np.testing.assert_allclose(found, windows(returns, 20).std(axis=1), rtol=1e-6)
    mfi = reference.mfi(HIGH.tolist(), LOW.tolist(), CLOSE.tolist(), VOLUME.tolist(), 14)
    np.testing.assert_allclose(values("mfi", timeperiod=14)["real"][14:], mfi[14:], rtol=1e-7)


def test_adx_is_smoothed_twice() -> None:
    up, down = np.diff(HIGH), -np.diff(LOW)
    plus, minus = np.where((up > down) & (up > 0), up, 0.0), np.where((down > up) & (down > 0), down, 0.0)
    ranges = np.maximum(HIGH[1:], CLOSE[:-1]) - np.minimum(LOW[1:], CLOSE[:-1])

    def summed(column: Any) -> list[float]:  # Wilder's sum: the first 13, then less a 14th and the new one
        total, found = float(column[:13].sum()), []
        for value in column[13:]:
            total += value - total / 14
            found.append(total)
        return found

    p, m, r = (np.array(summed(column)) for column in (plus, minus, ranges))
    dx = 100 * np.abs(p / r - m / r) / (p / r + m / r)
    np.testing.assert_allclose(values("adx", timeperiod=14)["real"][27:], wilder(dx.tolist(), 14)[13:], rtol=1e-8)


def test_macds_signal_is_an_average_of_the_line() -> None:
    found = values("macd", fastperiod=12, slowperiod=26, signalperiod=9)
    line, signal = found["macd"][33:], found["macdsignal"][33:]
    for k in range(1, 200):
        assert signal[k] == pytest.approx(signal[k - 1] + (line[k] - signal[k - 1]) * 2 / 10)
    np.testing.assert_allclose(found["macdhist"][33:], line - signal, atol=1e-12)


def test_a_column_may_be_chosen_where_there_is_one() -> None:
    found = catalog.get("sma")
    np.testing.assert_allclose(
        found.compute(REAL, found.check({"timeperiod": 5}), "volume")["real"][4:], sma(VOLUME, 5)[4:]
    )


def test_where_nothing_moves_the_houses_own_are_neutral() -> None:
    still = make_candles([100.0] * 60)
    for name in ("rsi", "mfi"):
        found = catalog.get(name)
        assert found.compute(still, found.check({}))["real"][-1] == 50.0


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("sma", {"period": 3}, "sma has no parameter period; it has timeperiod"),
        ("obv", {"timeperiod": 3}, "it has none"),
        ("sma", {"timeperiod": 0}, "timeperiod must be between 1 and 500"),
        ("sma", {"timeperiod": 2.5}, "whole number"),
        ("sma", {"timeperiod": "9"}, "must be a number"),
        ("rsi", {"timeperiod": 1}, "cannot be worked out with timeperiod 1"),
    ],
)
def test_parameters_that_cannot_be_are_refused(name: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        catalog.get(name).check(parameters)
    assert words in refused.value.message


def test_an_unknown_indicator_is_refused() -> None:
    with pytest.raises(catalog.UnknownIndicator, match="no indicator 'tea_leaves'"):
        catalog.get("tea_leaves")

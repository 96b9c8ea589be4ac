"""Each indicator agrees with its published formula on real candles, and says nothing before it can."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from algotrendy.trading import indicators
from algotrendy.trading.ta_lib import talib
from tests.trading import reference
from tests.trading.builders import eurusd, make_candles

PROJECT = Path(__file__).resolve().parents[2]
REAL = eurusd(400)
C, H, L, V = (column.tolist() for column in (REAL.close, REAL.high, REAL.low, REAL.volume))


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        (indicators.sma(REAL.close, 20), reference.sma(C, 20)),
        (indicators.ema(REAL.close, 12), reference.ema(C, 12)),
        (indicators.rsi(REAL.close, 14), reference.rsi(C, 14)),
        (indicators.macd(REAL.close, 12, 26, 9)[2], reference.macd_histogram(C, 12, 26, 9)),
        (indicators.mfi(REAL.high, REAL.low, REAL.close, REAL.volume, 14), reference.mfi(H, L, C, V, 14)),
        (indicators.vwap(REAL.high, REAL.low, REAL.close, REAL.volume, 20), reference.vwap(H, L, C, V, 20)),
        (indicators.volatility(REAL.close, 20), reference.deviation_of_returns(C, 20)),
        (indicators.rolling_mean(REAL.volume, 20), reference.sma(V, 20)),
    ],
    ids=["sma", "ema", "rsi", "macd", "mfi", "vwap", "volatility", "mean"],
)
def test_an_indicator_agrees_with_its_formula(ours, expected):
    expected = np.array([np.nan if value is None else value for value in expected])
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-10, equal_nan=True)


def test_a_market_that_stands_still_is_neither_overbought_nor_oversold():
    still = make_candles([100.0] * 40)
    assert indicators.rsi(still.close, 14)[14:].tolist() == [50.0] * 26
    assert indicators.mfi(still.high, still.low, still.close, still.volume, 14)[14:].tolist() == [50.0] * 26


def test_a_period_without_volume_has_no_vwap_and_a_neutral_money_flow():
    dry = make_candles(np.linspace(100, 120, 40), volume=0.0)
    assert np.isnan(indicators.vwap(dry.high, dry.low, dry.close, dry.volume, 20)).all()
    assert indicators.mfi(dry.high, dry.low, dry.close, dry.volume, 14)[14:].tolist() == [50.0] * 26


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_values_give_no_number(count):
    few = make_candles(np.arange(count) + 100.0)
    columns = [
        indicators.sma(few.close, 10),
        indicators.rsi(few.close, 10),
        indicators.volatility(few.close, 10),
        indicators.vwap(few.high, few.low, few.close, few.volume, 10),
        indicators.mfi(few.high, few.low, few.close, few.volume, 10),
    ]
    assert all(len(column) == count and np.isnan(column).all() for column in columns)


def test_within_remembering_an_indicator_is_worked_out_once_and_kept_apart_by_column_and_period():
    one, two = np.arange(50.0), np.arange(50.0) ** 2
    with indicators.remembering():
        first = indicators.sma(one, 5)
        assert indicators.sma(one, 5) is first
        for values, period in ((one, 6), (two, 5)):
            assert np.array_equal(indicators.sma(values, period), talib.SMA(values, period), equal_nan=True)
        assert np.array_equal(indicators.rsi(two, 5), talib.RSI(two, 5), equal_nan=True)
        with pytest.raises(ValueError, match="read-only"):
            first[:] = 0
    assert indicators.sma(one, 5) is not first


def test_what_knows_indicators_does_not_load_pandas_and_polars():
    """Every process of the platform does; each of them would start half a second later and be 60 MB larger."""
    start = "import sys, algotrendy.trading.catalog; print(sorted({'pandas', 'polars', 'talib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout == "['talib']\n"

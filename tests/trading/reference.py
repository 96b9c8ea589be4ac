"""The indicators again, in plain Python from their published formulas; slow, obvious, and knowing nothing of ours."""

import itertools
import math


def sma(values, period):
    return [math.fsum(values[i - period + 1 : i + 1]) / period if i >= period - 1 else None for i in range(len(values))]


def ema(values, period):
    """Seeded with the SMA of the first `period` values, then k = 2 / (period + 1)."""
    result = [None] * len(values)
    if len(values) >= period:
        result[period - 1] = sum(values[:period]) / period
        for i in range(period, len(values)):
            result[i] = result[i - 1] + 2 / (period + 1) * (values[i] - result[i - 1])
    return result


def rsi(close, period):
    """Wilder: the first averages are plain means, then each is (previous x (n - 1) + now) / n."""
    result = [None] * len(close)
    changes = [b - a for a, b in itertools.pairwise(close)]
    gain = sum(max(change, 0) for change in changes[:period]) / period
    loss = sum(max(-change, 0) for change in changes[:period]) / period
    for i in range(period, len(close)):
        if i > period:
            gain = (gain * (period - 1) + max(changes[i - 1], 0)) / period
            loss = (loss * (period - 1) + max(-changes[i - 1], 0)) / period
        result[i] = 50.0 if gain + loss == 0 else 100 * gain / (gain + loss)
    return result


def macd_histogram(close, fast, slow, signal):
    """Both averages start at the same candle: the fast one is seeded with the mean of the last `fast` closes there."""
    first = slow - 1
    quick = sum(close[first - fast + 1 : first + 1]) / fast
    calm = sum(close[: first + 1]) / slow
    line = [quick - calm]
    for value in close[first + 1 :]:
        quick += 2 / (fast + 1) * (value - quick)
        calm += 2 / (slow + 1) * (value - calm)
        line.append(quick - calm)
    smooth = ema(line, signal)
    histogram = [None if s is None else value - s for value, s in zip(line, smooth, strict=True)]
    return [None] * first + histogram


def mfi(high, low, close, volume, period):
    typical = [(h + lo + c) / 3 for h, lo, c in zip(high, low, close, strict=True)]
    result = [None] * len(close)
    for i in range(period, len(close)):
        up = down = 0.0
        for j in range(i - period + 1, i + 1):
            flow = typical[j] * volume[j]
            up += flow if typical[j] > typical[j - 1] else 0
            down += flow if typical[j] < typical[j - 1] else 0
        result[i] = 50.0 if up + down == 0 else 100 * up / (up + down)
    return result


def vwap(high, low, close, volume, period):
    result = [None] * len(close)
    for i in range(period - 1, len(close)):
        rows = range(i - period + 1, i + 1)
        total = math.fsum(volume[j] for j in rows)
        if total > 0:
            result[i] = math.fsum((high[j] + low[j] + close[j]) / 3 * volume[j] for j in rows) / total
    return result


def atr(high, low, close, period):
    """Wilder: the mean of the first true ranges, then (previous x (n - 1) + now) / n; the first candle has none."""
    result = [None] * len(close)
    ranges = [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1])) for i in range(1, len(close))
    ]
    if len(ranges) >= period:
        result[period] = math.fsum(ranges[:period]) / period
        for i in range(period + 1, len(close)):
            result[i] = (result[i - 1] * (period - 1) + ranges[i - 1]) / period
    return result


def deviation_of_returns(close, period):
    result = [None] * len(close)
    for i in range(period, len(close)):
        returns = [close[j] / close[j - 1] - 1 for j in range(i - period + 1, i + 1)]
        mean = math.fsum(returns) / period
        result[i] = math.sqrt(math.fsum((value - mean) ** 2 for value in returns) / period)
    return result

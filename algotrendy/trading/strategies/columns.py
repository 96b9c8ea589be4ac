"""What the rules share: turning conditions and confidences into signal columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.signals import SignalColumns

type Flags = npt.NDArray[np.bool_]


def compose(
    candles: Candles,
    *,
    buys: Flags,
    sells: Flags,
    confidence: Floats,
    hold_confidence: float,
    stop_percent: float = 0,
    stops: Floats | None = None,
    target_percent: float | None = None,
    targets: Floats | None = None,
    warm_up: int,
) -> SignalColumns:
    """Return the columns of a rule.

    Stops and targets lie `stop_percent` and `target_percent` of the close away, below and above for a buy, mirrored
    for a sell; `stops` and `targets` name prices instead. Levels on the wrong side of the close are none, as is what
    is not given. Rows of the warm-up, and rows whose confidence is not a number, hold with confidence 0.
    """
    known = np.isfinite(confidence) & (np.arange(len(candles)) >= warm_up)
    action = np.where(buys & known, 1, np.where(sells & known, -1, 0)).astype(np.int8)
    close = candles.close
    stop = close * (1 - action * stop_percent / 100) if stops is None else stops
    target = close * (1 + action * (target_percent or 0) / 100) if targets is None else targets
    return SignalColumns(
        action=action,
        confidence=np.where(known, np.where(action != 0, confidence, hold_confidence), 0.0),
        stop_loss=np.where((action != 0) & ((stop - close) * action < 0), stop, np.nan),
        take_profit=np.where((action != 0) & ((target - close) * action > 0), target, np.nan),
    )


def weaken(confidence: Floats, where: Flags, factor: float) -> Floats:
    """Return the confidence times the factor on the rows named."""
    return np.where(where, confidence * factor, confidence)

"""How much of a Sharpe ratio is left when one knows how many were tried.

Bailey and López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and
Non-Normality", Journal of Portfolio Management 40(5), 2014. Sharpe ratios here are of one bar, not of a year.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from algotrendy.trading.candles import Floats

EULER_MASCHERONI = 0.577_215_664_901_532_9
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Trials:
    """What else was tried: how many sets, and the variance of their Sharpe ratios of a bar."""

    count: int
    variance: float


@dataclass(frozen=True, slots=True)
class Deflated:
    """`probability` that the true Sharpe ratio is above the best that chance alone would find, `hurdle`."""

    probability: float
    hurdle: float
    sharpe: float


def expected_best(trials: Trials) -> float:
    """Return the Sharpe ratio that the best of so many trials without any skill is expected to have.

    √V · ((1 - c) Φ⁻¹(1 - 1/N) + c Φ⁻¹(1 - 1/(N e))), c being Euler and Mascheroni's; 0 for a single trial.
    """
    if trials.count < 2 or trials.variance <= 0:
        return 0.0
    high = NORMAL.inv_cdf(1 - 1 / trials.count)
    higher = NORMAL.inv_cdf(1 - 1 / (trials.count * math.e))
    return math.sqrt(trials.variance) * ((1 - EULER_MASCHERONI) * high + EULER_MASCHERONI * higher)


def probabilistic_sharpe(sharpe: float, hurdle: float, count: int, skew: float, kurtosis: float) -> float:
    """Return the probability that the true Sharpe ratio is above the hurdle; NaN where that cannot be said.

    Φ((SR - SR*) √(T - 1) / √(1 - skew SR + (kurtosis - 1) / 4 · SR²)), the normal kurtosis being 3.
    """
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if count < 2 or not spread > 0:
        return math.nan
    return NORMAL.cdf((sharpe - hurdle) * math.sqrt(count - 1) / math.sqrt(spread))


def deflated_sharpe(returns: Floats, trials: Trials) -> Deflated | None:
    """Return what is left of the returns' Sharpe ratio; None where they do not vary."""
    spread = float(returns.std(ddof=1)) if len(returns) > 2 else 0.0
    if spread <= 0:
        return None
    standard = (returns - returns.mean()) / returns.std()
    sharpe, hurdle = float(returns.mean()) / spread, expected_best(trials)
    skew, kurtosis = float(np.mean(standard**3)), float(np.mean(standard**4))
    return Deflated(probabilistic_sharpe(sharpe, hurdle, len(returns), skew, kurtosis), hurdle, sharpe)

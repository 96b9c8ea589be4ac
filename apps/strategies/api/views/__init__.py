"""The views of strategies, and what their refusals are answered with."""

from apps.common.api.errors import answer_with
from apps.strategies.services import StrategyNotReady

answer_with(StrategyNotReady, 409)

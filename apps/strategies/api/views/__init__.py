"""The views of strategies, and what their refusals are answered with."""

from apps.common.api.errors import answer_with
from apps.strategies.services import StrategyBusy, StrategyNotReady

answer_with(StrategyNotReady, 409)
answer_with(StrategyBusy, 409)

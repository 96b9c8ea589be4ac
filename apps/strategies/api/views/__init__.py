"""The views of strategies and backtests, and what their refusals are answered with."""

from apps.common.api.errors import answer_with
from apps.strategies.errors import BacktestNotCompleted
from apps.strategies.services import JobIsActive, JobNotCancelable, StrategyBusy, StrategyNotReady, TooManyJobs
from apps.strategies.services.webhooks import WebhookExists

answer_with(StrategyNotReady, 409)
answer_with(StrategyBusy, 409)
answer_with(BacktestNotCompleted, 409)
answer_with(JobIsActive, 409)
answer_with(JobNotCancelable, 409)
answer_with(TooManyJobs, 409)
answer_with(WebhookExists, 409)

from django.urls import path

from .views import backtests, exports, signals, strategies

urlpatterns = [
    path("strategies", strategies.StrategiesView.as_view(), name="strategies"),
    path("strategies/rules", strategies.RulesView.as_view(), name="strategy-rules"),
    path("strategies/rules/problems", strategies.RuleProblemsView.as_view(), name="strategy-rule-problems"),
    path("strategies/<uuid:strategy_id>", strategies.StrategyView.as_view(), name="strategy"),
    path("strategies/<uuid:strategy_id>/enable", strategies.EnableView.as_view(), name="strategy-enable"),
    path("strategies/<uuid:strategy_id>/disable", strategies.DisableView.as_view(), name="strategy-disable"),
    path("backtests", backtests.BacktestsView.as_view(), name="backtests"),
    path("backtests/compare", backtests.CompareView.as_view(), name="backtests-compare"),
    path("backtests/<uuid:backtest_id>", backtests.BacktestView.as_view(), name="backtest"),
    path("backtests/<uuid:backtest_id>/cancel", backtests.BacktestCancelView.as_view(), name="backtest-cancel"),
    path("backtests/<uuid:backtest_id>/trades", backtests.BacktestTradesView.as_view(), name="backtest-trades"),
    path("backtests/<uuid:backtest_id>/equity", backtests.BacktestEquityView.as_view(), name="backtest-equity"),
    path("backtests/<uuid:backtest_id>/trades.csv", exports.TradesFileView.as_view(), name="backtest-trades-csv"),
    path("backtests/<uuid:backtest_id>/equity.csv", exports.EquityFileView.as_view(), name="backtest-equity-csv"),
    path("backtests/<uuid:backtest_id>/result.json", exports.ResultFileView.as_view(), name="backtest-result-json"),
    path("backtests/<uuid:backtest_id>/report.html", exports.ReportFileView.as_view(), name="backtest-report-html"),
    path("signals", signals.SignalsView.as_view(), name="signals"),
]

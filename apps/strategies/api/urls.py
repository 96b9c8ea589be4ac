from django.urls import path

from .views import backtests, exports, history, optimizations, signals, strategies, webhooks

ONE = "strategies/<uuid:strategy_id>"
SEARCH = "optimizations/<uuid:optimization_id>"
urlpatterns = [
    path("strategies", strategies.StrategiesView.as_view(), name="strategies"),
    path("strategies/rules", strategies.RulesView.as_view(), name="strategy-rules"),
    path("strategies/rules/problems", strategies.RuleProblemsView.as_view(), name="strategy-rule-problems"),
    path(ONE, strategies.StrategyView.as_view(), name="strategy"),
    path(f"{ONE}/enable", strategies.EnableView.as_view(), name="strategy-enable"),
    path(f"{ONE}/disable", strategies.DisableView.as_view(), name="strategy-disable"),
    path(f"{ONE}/duplicate", strategies.DuplicateView.as_view(), name="strategy-duplicate"),
    path(f"{ONE}/unarchive", strategies.UnarchiveView.as_view(), name="strategy-unarchive"),
    path(f"{ONE}/performance", history.PerformanceView.as_view(), name="strategy-performance"),
    path(f"{ONE}/versions", history.VersionsView.as_view(), name="strategy-versions"),
    path(f"{ONE}/versions/<int:number>/restore", history.RestoreView.as_view(), name="strategy-restore"),
    path(f"{ONE}/webhook", webhooks.WebhookView.as_view(), name="strategy-webhook"),
    path(f"{ONE}/webhook/rotate", webhooks.WebhookRotateView.as_view(), name="strategy-webhook-rotate"),
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
    path("optimizations", optimizations.OptimizationsView.as_view(), name="optimizations"),
    path(SEARCH, optimizations.OptimizationView.as_view(), name="optimization"),
    path(f"{SEARCH}/cancel", optimizations.OptimizationCancelView.as_view(), name="optimization-cancel"),
    path(f"{SEARCH}/trials", optimizations.TrialsView.as_view(), name="optimization-trials"),
    path(f"{SEARCH}/heat-map", optimizations.HeatMapView.as_view(), name="optimization-heat-map"),
    path(f"{SEARCH}/equity", optimizations.WalkCurveView.as_view(), name="optimization-equity"),
    path("signals", signals.SignalsView.as_view(), name="signals"),
    path("signals/<uuid:signal_id>", signals.SignalView.as_view(), name="signal"),
]

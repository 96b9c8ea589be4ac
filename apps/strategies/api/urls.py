from django.urls import path

from .views import history, signals, strategies

ONE = "strategies/<uuid:strategy_id>"
urlpatterns = [
    path("strategies", strategies.StrategiesView.as_view(), name="strategies"),
    path("strategies/rules", strategies.RulesView.as_view(), name="strategy-rules"),
    path(ONE, strategies.StrategyView.as_view(), name="strategy"),
    path(f"{ONE}/enable", strategies.EnableView.as_view(), name="strategy-enable"),
    path(f"{ONE}/disable", strategies.DisableView.as_view(), name="strategy-disable"),
    path(f"{ONE}/duplicate", strategies.DuplicateView.as_view(), name="strategy-duplicate"),
    path(f"{ONE}/unarchive", strategies.UnarchiveView.as_view(), name="strategy-unarchive"),
    path(f"{ONE}/performance", history.PerformanceView.as_view(), name="strategy-performance"),
    path(f"{ONE}/versions", history.VersionsView.as_view(), name="strategy-versions"),
    path(f"{ONE}/versions/<int:number>/restore", history.RestoreView.as_view(), name="strategy-restore"),
    path("signals", signals.SignalsView.as_view(), name="signals"),
]

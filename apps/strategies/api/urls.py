from django.urls import path

from .views import signals, strategies

urlpatterns = [
    path("strategies", strategies.StrategiesView.as_view(), name="strategies"),
    path("strategies/rules", strategies.RulesView.as_view(), name="strategy-rules"),
    path("strategies/<uuid:strategy_id>", strategies.StrategyView.as_view(), name="strategy"),
    path("strategies/<uuid:strategy_id>/enable", strategies.EnableView.as_view(), name="strategy-enable"),
    path("strategies/<uuid:strategy_id>/disable", strategies.DisableView.as_view(), name="strategy-disable"),
    path("signals", signals.SignalsView.as_view(), name="signals"),
]

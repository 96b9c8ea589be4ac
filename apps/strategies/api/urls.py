from django.urls import path

from . import views

urlpatterns = [
    path("strategies", views.StrategiesView.as_view(), name="strategies"),
    path("strategies/rules", views.RulesView.as_view(), name="strategy-rules"),
    path("strategies/<uuid:strategy_id>", views.StrategyView.as_view(), name="strategy"),
    path("strategies/<uuid:strategy_id>/enable", views.EnableView.as_view(), name="strategy-enable"),
    path("strategies/<uuid:strategy_id>/disable", views.DisableView.as_view(), name="strategy-disable"),
    path("signals", views.SignalsView.as_view(), name="signals"),
]

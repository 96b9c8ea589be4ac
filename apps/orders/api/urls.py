from django.urls import path

from . import signal_views, views, webhook_views

urlpatterns = [
    path("orders", views.OrdersView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/cancel", views.CancelView.as_view(), name="order-cancel"),
    path("fills", views.FillsView.as_view(), name="fills"),
    path("positions/<uuid:position_id>/close", views.PositionCloseView.as_view(), name="position-close"),
    path("signals/<uuid:signal_id>/approve", signal_views.SignalApproveView.as_view(), name="signal-approve"),
    path("signals/<uuid:signal_id>/decline", signal_views.SignalDeclineView.as_view(), name="signal-decline"),
    path("webhooks/tradingview", webhook_views.TradingViewView.as_view(), name="webhook-tradingview"),
]

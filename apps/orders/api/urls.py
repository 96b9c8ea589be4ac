from django.urls import path

from . import halts, positions, reconciliations, signal_views, views, webhook_views

urlpatterns = [
    path("orders", views.OrdersView.as_view(), name="orders"),
    path("orders/cancel-all", views.CancelAllView.as_view(), name="orders-cancel"),
    path("orders/by-client-order-id/<str:client_order_id>", views.OrderByClientIdView.as_view(), name="order-by-id"),
    path("order-lists", views.OrderListsView.as_view(), name="order-lists"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/cancel", views.CancelView.as_view(), name="order-cancel"),
    path("orders/<uuid:order_id>/replace", views.ReplaceView.as_view(), name="order-replace"),
    path("reconciliations", reconciliations.ReconciliationsView.as_view(), name="reconciliations"),
    path("halts", halts.HaltsView.as_view(), name="halts"),
    path("halts/<uuid:halt_id>/end", halts.HaltEndView.as_view(), name="halt-end"),
    path("fills", views.FillsView.as_view(), name="fills"),
    path("fills.csv", positions.FillsFileView.as_view(), name="fills-csv"),
    path("positions/close-all", positions.CloseAllView.as_view(), name="positions-close"),
    path("positions/<uuid:position_id>/close", positions.PositionCloseView.as_view(), name="position-close"),
    path("positions/<uuid:position_id>/protection", positions.ProtectionView.as_view(), name="position-protection"),
    path("portfolios/<uuid:portfolio_id>/ledger", positions.LedgerView.as_view(), name="portfolio-ledger"),
    path("portfolios/<uuid:portfolio_id>/ledger.csv", positions.LedgerFileView.as_view(), name="portfolio-ledger-csv"),
    path("signals/<uuid:signal_id>/approve", signal_views.SignalApproveView.as_view(), name="signal-approve"),
    path("signals/<uuid:signal_id>/decline", signal_views.SignalDeclineView.as_view(), name="signal-decline"),
    path("webhooks/tradingview", webhook_views.TradingViewView.as_view(), name="webhook-tradingview"),
]

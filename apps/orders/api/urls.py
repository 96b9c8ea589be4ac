from django.urls import path

from . import halts, reconciliations, views

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
    path("positions/<uuid:position_id>/close", views.PositionCloseView.as_view(), name="position-close"),
]

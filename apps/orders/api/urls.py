from django.urls import path

from . import halts, views

urlpatterns = [
    path("orders", views.OrdersView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/cancel", views.CancelView.as_view(), name="order-cancel"),
    path("halts", halts.HaltsView.as_view(), name="halts"),
    path("halts/<uuid:halt_id>/end", halts.HaltEndView.as_view(), name="halt-end"),
    path("fills", views.FillsView.as_view(), name="fills"),
    path("positions/<uuid:position_id>/close", views.PositionCloseView.as_view(), name="position-close"),
]

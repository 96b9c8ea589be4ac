from django.urls import path

from . import limits, views

urlpatterns = [
    path("portfolios", views.PortfoliosView.as_view(), name="portfolios"),
    path("portfolios/<uuid:portfolio_id>", views.PortfolioView.as_view(), name="portfolio"),
    path("portfolios/<uuid:portfolio_id>/equity", views.EquityView.as_view(), name="portfolio-equity"),
    path("portfolios/<uuid:portfolio_id>/limits", limits.LimitsView.as_view(), name="portfolio-limits"),
    path("platform/limits", limits.PlatformLimitsView.as_view(), name="platform-limits"),
    path("positions", views.PositionsView.as_view(), name="positions"),
]

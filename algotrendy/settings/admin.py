"""The console: Unfold's theme, sidebar and links."""

UNFOLD = {"SITE_TITLE": "AlgoTrendy", "SITE_HEADER": "AlgoTrendy"}

"""Answers about one instrument that are rendered once, and kept until its candles change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from apps.common.api.renderers import KeptJSONRenderer
from apps.marketdata import cache

SYMBOL = OpenApiParameter("symbol", str, OpenApiParameter.PATH, description="As listed; EUR/USD or EUR%2FUSD.")


def kept_answer(name: str, symbol: str, asked: dict[str, Any], build: Callable[[], dict[str, Any]]) -> Response:
    """Answer with the kept body of the same question, else with what `build` returns; `name` is the cache's."""
    question = "|".join(f"{key}={asked[key]}" for key in sorted(asked))
    return Response(cache.kept(name, symbol, question, lambda: KeptJSONRenderer().render(build())))

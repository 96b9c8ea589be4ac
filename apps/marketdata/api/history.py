"""Gaps and downloads: what is missing of the candles, and fetching it."""

from __future__ import annotations

import uuid
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading.values import Timeframe
from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.permissions import PUBLIC
from apps.common.api.serializers import RowSerializer, StrictSerializer, UtcDateTimeField
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ApiView, ListView, Revalidated, checked, row_or_404
from apps.common.models import choices_of
from apps.marketdata.models import Download, DownloadStatus, Gap, GapStatus
from apps.marketdata.selectors import downloads, gaps
from apps.marketdata.services.downloads import DownloadIsOver, TooManyDownloads, download_cancel, download_create
from apps.marketdata.services.gaps import GapNotFillable, gap_backfill

from .fields import InstrumentField
from .serializers import TimeframeField

for refusal in (DownloadIsOver, TooManyDownloads, GapNotFillable):
    answer_with(refusal, 409)


class GapSerializer(RowSerializer):
    """Missing candles, which open from `start` to before `end`."""

    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    note = serializers.SerializerMethodField(help_text="What the known outage was; empty where there was none.")

    class Meta:
        model = Gap
        fields = ["id", "symbol", "timeframe", "source", "start", "end", "missing", "status", "note", "created_at"]

    def get_note(self, gap: Gap) -> str:
        return gap.outage.note if gap.outage else ""


class DownloadSerializer(RowSerializer):
    """A history that is fetched; `progress` in percent."""

    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    progress = serializers.IntegerField(read_only=True)

    class Meta:
        model = Download
        fields = [
            "id", "symbol", "timeframe", "source", "start", "end", "cursor", "status", "progress", "pages", "inserted",
            "changed", "error_code", "error", "retry_at", "created_at", "finished_at",
        ]  # fmt: skip


class DownloadCreateSerializer(StrictSerializer):
    """The candles that open from `start` to before `end`, up to now where that is left out."""

    symbol = InstrumentField(source="instrument")
    timeframe = TimeframeField()
    source = serializers.RegexField(r"^[a-z0-9]{2,32}$", help_text="An exchange: binance, okx, …")  # type: ignore[assignment]
    source_symbol = serializers.CharField(max_length=40, default="", help_text="What the exchange calls it.")
    start = UtcDateTimeField()
    end = UtcDateTimeField(default=None)


class GapFilter(django_filters.FilterSet):
    symbol = django_filters.CharFilter(field_name="instrument__symbol")
    timeframe = django_filters.ChoiceFilter(choices=choices_of(Timeframe))
    source = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=GapStatus.choices)


class DownloadFilter(django_filters.FilterSet):
    symbol = django_filters.CharFilter(field_name="instrument__symbol")
    source = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=DownloadStatus.choices)


class GapsView(Revalidated, ListView):
    """Where candles are missing, newest found first."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = GapSerializer
    filterset_class = GapFilter

    def rows(self) -> QuerySet[Gap]:
        return gaps()


class GapBackfillView(ApiView):
    access = {"POST": "marketdata.add_download"}
    problems = {"POST": (409,)}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="gap_backfill", request=None, responses={202: DownloadSerializer})
    def post(self, request: Request, gap_id: uuid.UUID) -> Response:
        """Have the missing candles fetched from their source."""
        download = gap_backfill(gap=row_or_404(gaps(), gap_id), user=signed_in(request))
        return Response(DownloadSerializer(download).data, status=202)


class DownloadsView(ListView):
    """The downloads of everybody, newest first: candles are everybody's."""

    access = {"GET": "marketdata.view_download", "POST": "marketdata.add_download"}
    problems = {"POST": (409,)}
    rate_scope = MARKET_DATA
    serializer_class = DownloadSerializer
    filterset_class = DownloadFilter

    def rows(self) -> QuerySet[Download]:
        return downloads()

    @extend_schema(
        operation_id="download_create", request=DownloadCreateSerializer, responses={202: DownloadSerializer}
    )
    def post(self, request: Request) -> Response:
        """Have a history fetched; the same span that is under way already is answered as it is."""
        asked: dict[str, Any] = checked(DownloadCreateSerializer, request)
        download = download_create(user=signed_in(request), **asked)
        return Response(DownloadSerializer(download).data, status=202)


class DownloadView(ApiView):
    access = {"GET": "marketdata.view_download"}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="download_get", responses={200: DownloadSerializer})
    def get(self, request: Request, download_id: uuid.UUID) -> Response:
        """Show how far a download is."""
        return Response(DownloadSerializer(row_or_404(downloads(), download_id)).data)


class DownloadCancelView(ApiView):
    access = {"POST": "marketdata.change_download"}
    problems = {"POST": (409,)}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="download_cancel", request=None, responses={200: DownloadSerializer})
    def post(self, request: Request, download_id: uuid.UUID) -> Response:
        """End a download; what it has stored stays."""
        download = download_cancel(download=row_or_404(downloads(), download_id))
        return Response(DownloadSerializer(download).data)

"""Work on one thing after another: one that fails is logged and counted, and the others are done."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from apps.common.apart import each_apart


def failures(doing: str) -> float:
    return REGISTRY.get_sample_value("failed_apart_total", {"doing": doing}) or 0


def test_what_fails_holds_up_no_other_and_is_seen() -> None:
    before = failures("dividing")
    with capture_logs() as logs:
        assert each_apart([4, 0, 2], lambda number: 8 // number, doing="dividing") == [2, 4]
    assert failures("dividing") - before == 1
    (line,) = logs
    assert (line["event"], line["doing"], line["subject"], line["log_level"]) == (
        "failed_apart", "dividing", "0", "error",
    )  # fmt: skip


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_its_database_nothing_goes_on(error: type[Exception]) -> None:
    def cut_off(number: int) -> None:
        raise error

    with pytest.raises(error):
        each_apart([1, 2], cut_off, doing="asking")

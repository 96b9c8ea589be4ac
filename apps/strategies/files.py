"""Strategy files and packages: watched by every process from its start on, and told of in the log."""

from __future__ import annotations

import structlog
from django.conf import settings

from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.origins import Snapshot

log = structlog.get_logger(__name__)


def files_watch() -> None:
    """Serve what the folder STRATEGIES_DIR and installed packages define; nothing is loaded before it is asked for."""
    registry.watch(settings.STRATEGIES_DIR, cache=settings.STRATEGIES_CACHE, on_change=_tell)


def _tell(before: Snapshot, now: Snapshot) -> None:
    for problem in sorted(set(now.problems) - set(before.problems)):
        log.error("strategy_file_broken", file=str(problem.path), line=problem.line, error=problem.message)
    added, gone = sorted(set(now.rules) - set(before.rules)), sorted(set(before.rules) - set(now.rules))
    changed = sorted(name for name in set(now.rules) & set(before.rules) if now.rules[name] is not before.rules[name])
    if added or gone or changed or len(now.problems) != len(before.problems):
        log.info("strategy_files_changed", added=added, gone=gone, changed=changed, broken=len(now.problems))

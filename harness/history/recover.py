"""After a crash of the harness: make the history that is there one that can be judged."""

from __future__ import annotations

from pathlib import Path

from harness.history.merge import merge_streams
from harness.history.meta import HistoryMeta


def recover(folder: Path) -> HistoryMeta:
    """Merge the worker streams that a cut-off run left behind and mark the history incomplete. Does nothing to a whole one.

    Idempotent; a kill in its middle does no harm. Raises HistoryError where there is no history at all, DiskFull.
    """
    meta = HistoryMeta.load(folder)
    if merge_streams(folder):
        meta.complete = False
        meta.save(folder)
    return meta

"""The outside system that work takes effect in: a mail gateway that honours an idempotency key.

It is a file of its own because it must outlive the worker: whether a mail was sent does not depend on the worker living on to
acknowledge. The key and the effect are one transaction here, as they are in a payment or mail service with idempotency
keys; that is what makes "effectively once" possible at all.
"""

from __future__ import annotations

import fcntl
import sqlite3
from pathlib import Path

BUSY_TIMEOUT_S = 10.0


class Gateway:
    """Opened by each worker on the same file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        with path.with_name(path.name + ".lock").open("w") as turn:
            # One at a time: two that change a new file's journal at once are not made to wait, one is told "database is locked".
            fcntl.flock(turn, fcntl.LOCK_EX)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=OFF")  # must survive a killed worker, not a power cut
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS effect (grp INTEGER, producer INTEGER, sequence INTEGER, "
                "PRIMARY KEY (grp, producer, sequence)) WITHOUT ROWID"
            )

    def perform(self, group: int, producer: int, sequence: int) -> bool:
        """True when the effect took place now, False when this key already had it."""
        cursor = self._connection.execute("INSERT OR IGNORE INTO effect VALUES (?, ?, ?)", (group, producer, sequence))
        return cursor.rowcount == 1

    def close(self) -> None:
        self._connection.close()

"""The folder of one study: taken by one process at a time, never written over.

``result.json`` (``result.partial.json`` until all runs are judged), ``report.html``,
``cells/<workload>/<broker>/r<repeat>/`` (histories), ``study.lock`` while it is being written.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from types import TracebackType

from harness.errors import DiskFull, RunFolderError

RESULT_FILE = "result.json"
PARTIAL_FILE = "result.partial.json"
REPORT_FILE = "report.html"
LOCK_FILE = "study.lock"


class StudyFolder:
    """Holds the lock as a context manager. Raises RunFolderError when the folder is taken or already holds a study."""

    def __init__(self, path: Path, *, replace: bool = False, existing: bool = False) -> None:
        self.path = path
        self._replace = replace
        self._existing = existing  # a finished study is opened again, to judge it anew
        self._lock: int | None = None

    def __enter__(self) -> StudyFolder:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunFolderError(
                f"cannot write to {self.path}: {error.strerror}", next_command="harness run -o OTHER ..."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = (self.path / LOCK_FILE).read_text().strip()
            os.close(self._lock)
            self._lock = None
            raise RunFolderError(
                f"{self.path} is being written by another run (process {owner or 'unknown'})",
                next_command=f"harness run -o {self.path}-2 ...",
            ) from None
        if (
            not self._replace
            and not self._existing
            and ((self.path / RESULT_FILE).exists() or (self.path / "cells").exists())
        ):
            self.__exit__(None, None, None)
            raise RunFolderError(
                f"{self.path} already holds a run; it is not written over",
                next_command=f"harness run -o {self.path}-2 ...   (or add --replace to move the old one aside)",
            )
        os.ftruncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())
        if self._replace:
            self._move_aside()
        return self

    def _move_aside(self) -> None:
        """An earlier study in the same folder becomes ``<name>.before``; the one before that is gone."""
        import shutil

        before = self.path.with_name(self.path.name + ".before")
        moved = [entry for entry in self.path.iterdir() if entry.name != LOCK_FILE]
        if not moved:
            return
        shutil.rmtree(before, ignore_errors=True)
        before.mkdir()
        for entry in moved:
            entry.rename(before / entry.name)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def cell(self, workload: str, broker: str, repeat: int) -> Path:
        """Where the history of one run goes."""
        return self.path / "cells" / workload / re.sub(r"[^A-Za-z0-9_.=-]", "_", broker) / f"r{repeat}"

    def write(self, name: str, text: str) -> Path:
        """Write a file whole, by rename. Raises DiskFull."""
        target = self.path / name
        scratch = target.with_name(name + ".tmp")
        try:
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(target)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise DiskFull(f"cannot write {target}: {error.strerror}", next_command="df -h .") from error
        return target

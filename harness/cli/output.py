"""Where words go: documents to stdout, progress and errors to stderr, colour only on a terminal that wants it."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from rich.console import Console

from harness.errors import HarnessError

DOCUMENT_VERSION = 1
LIVE_EVERY_S = 10.0  # between two lines about the same long thing where there is no terminal


def stdout_console() -> Console:
    """For tables: as wide as the terminal; 120 columns where there is none. Rich honours NO_COLOR itself."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def emit_json(document: object) -> None:
    """One document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()


def emit_error(error: HarnessError, *, as_json: bool) -> None:
    """Cause first, then the command to go on with."""
    if as_json:
        emit_json({"document": "error", "version": DOCUMENT_VERSION, **error.as_document()})
    sys.stderr.write(f"error {error.code}: {error.message}\n")
    if error.next_command:
        sys.stderr.write(f"  next: {error.next_command}\n")
    sys.stderr.flush()


class Progress:
    """Tells a person what goes on: one line that changes on a terminal, plain lines with the time elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._started = time.monotonic()
        self._live = sys.stderr.isatty() and not quiet
        self._quiet = quiet
        self._told_at = self._started

    def __call__(self, text: str) -> None:
        if self._quiet:
            return
        self._told_at = time.monotonic()
        seconds = time.monotonic() - self._started
        line = f"{int(seconds // 60):2d}:{int(seconds % 60):02d}  {text}"
        if self._live:
            sys.stderr.write("\r\x1b[2K" + line[: max(20, Console(stderr=True).width - 1)])
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def live(self, text: str) -> None:
        """News that the next second makes old: shown on a terminal, elsewhere only one in ``LIVE_EVERY_S``."""
        now = time.monotonic()
        if self._live or now - self._told_at >= LIVE_EVERY_S:
            self(text)

    def done(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def plain(value: Any) -> Any:
    """Dataclasses, paths and enums as JSON has them."""
    import dataclasses
    from enum import Enum
    from pathlib import Path

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return value

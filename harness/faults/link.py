"""The link between clients and broker, with a proxy in it: its handle. What the proxy does is told in ``proxy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.faults.helper import Helper

PROXY = Path(__file__).with_name("proxy.py")


@dataclass(frozen=True, slots=True)
class LinkStats:
    """What the proxy has seen; bytes and connections. See ``proxy.Stats``."""

    accepted: int
    open: int
    passed: int
    since_change: int
    held: int
    held_max: int
    resets: int
    stalled: int

    @staticmethod
    def of(answer: Mapping[str, Any]) -> LinkStats:
        return LinkStats(**{name: int(answer[name]) for name in LinkStats.__dataclass_fields__})


class Link:
    """One proxy process that listens on 127.0.0.1:``port``. Raises HelperFailed when it cannot."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._helper = Helper(PROXY, "proxy")
        try:
            self._helper.ask("listen", port=port)
        except BaseException:
            self._helper.close()
            raise

    @property
    def pid(self) -> int:
        return self._helper.pid

    def lead_to(self, host: str, port: int) -> None:
        """Connections are led there from now on; until then they are closed at once."""
        self._helper.ask("target", host=host, port=port)

    def cut(self, how: str) -> LinkStats:
        """``drop``: nothing passes and nobody is told. ``reset``: every connection is reset, new ones too."""
        return LinkStats.of(self._helper.ask("cut", how=how))

    def slow(self, *, delay_s: float, bytes_per_s: float) -> LinkStats:
        """Each direction is late by ``delay_s`` and carries at most ``bytes_per_s`` (0: no limit)."""
        return LinkStats.of(self._helper.ask("slow", delay_ms=delay_s * 1000, bytes_per_s=bytes_per_s))

    def heal(self) -> LinkStats:
        """End a cut or a slowness; the figures of just before."""
        return LinkStats.of(self._helper.ask("heal"))

    def stats(self) -> LinkStats:
        return LinkStats.of(self._helper.ask("stats"))

    def close(self) -> None:
        self._helper.close()

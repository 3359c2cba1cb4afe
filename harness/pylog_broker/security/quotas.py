"""Byte-rate quotas per user and client id, as Kafka measures them (KIP-13, KIP-124, KIP-219, KIP-546): pure.

A rate is taken over `windows` windows of `window_s` seconds. Who is above the bound is told how long to wait
(`throttle_time_ms`), and nothing more is read from that connection meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PRODUCE, FETCH = "producer_byte_rate", "consumer_byte_rate"
KEYS = (PRODUCE, FETCH)
USER, CLIENT_ID = "user", "client-id"
ENTITIES_MAX = 10_000  # meters that are kept, over all users and clients
DEFAULT = None

Entity = tuple[tuple[str, str | None], ...]
"""((type, name), ...) sorted by type; the name None is the default of that type."""


class Meter:
    """Bytes of the last windows of one entity."""

    __slots__ = ("_bytes", "_starts", "_window_s", "_windows")

    def __init__(self, windows: int, window_s: float) -> None:
        self._windows = windows
        self._window_s = window_s
        self._bytes: list[float] = []
        self._starts: list[float] = []

    def record(self, count: int, now_s: float) -> None:
        """`count` bytes went through."""
        if not self._starts or now_s - self._starts[-1] >= self._window_s:
            self._starts.append(now_s)
            self._bytes.append(0.0)
        self._bytes[-1] += count
        self._purge(now_s)

    def _purge(self, now_s: float) -> None:
        oldest = now_s - self._windows * self._window_s
        while self._starts and self._starts[0] < oldest:
            del self._starts[0], self._bytes[0]

    def throttle_s(self, bound: float, now_s: float) -> float:
        """How long to wait until the rate is `bound` bytes a second again; 0 below it. At most one window's span."""
        self._purge(now_s)
        if not self._starts:
            return 0.0
        full = (self._windows - 1) * self._window_s
        span = max(now_s - self._starts[0], full)
        total = sum(self._bytes)
        if span <= 0 or total / span <= bound:
            return 0.0
        if bound <= 0:
            return self._windows * self._window_s
        return min((total / span - bound) / bound * span, self._windows * self._window_s)


class Quotas:
    """The bounds that are set, and the meters of whom they bind."""

    def __init__(self, windows: int, window_s: float) -> None:
        self._windows = windows
        self._window_s = window_s
        self._bounds: dict[Entity, dict[str, float]] = {}
        self._meters: dict[tuple[str, str, str], Meter] = {}
        self.active = False
        """Whether any bound is set; nothing is measured otherwise."""

    @property
    def bounds(self) -> Mapping[Entity, Mapping[str, float]]:
        """What is set, by entity."""
        return self._bounds

    def replace(self, bounds: Mapping[Entity, Mapping[str, float]]) -> None:
        """Take these bounds instead; what was measured under others is forgotten."""
        self._bounds = {entity: dict(values) for entity, values in bounds.items() if values}
        self._meters.clear()
        self.active = bool(self._bounds)

    def throttle_ms(self, key: str, user: str, client_id: str, count: int, now_s: float) -> int:
        """Record `count` bytes and say how long this client should wait, in ms."""
        found = self._bound(key, user, client_id)
        if found is None:
            return 0
        bound, who = found
        meter = self._meters.get((key, *who))
        if meter is None:
            if len(self._meters) >= ENTITIES_MAX:
                self._meters.clear()
            meter = self._meters[key, *who] = Meter(self._windows, self._window_s)
        meter.record(count, now_s)
        return round(meter.throttle_s(bound, now_s) * 1000)

    def _bound(self, key: str, user: str, client_id: str) -> tuple[float, tuple[str, str]] | None:
        """The bound in force and whose meter counts: the most particular entity, in Kafka's order of precedence."""
        for entity, who in _precedence(user, client_id):
            bound = self._bounds.get(entity, {}).get(key)
            if bound is not None:
                return bound, who
        return None


class _Candidate(NamedTuple):
    entity: Entity
    who: tuple[str, str]


def _precedence(user: str, client_id: str) -> tuple[_Candidate, ...]:
    both, only_user, only_client = (user, client_id), (user, ""), ("", client_id)
    return (
        _Candidate(((CLIENT_ID, client_id), (USER, user)), both),
        _Candidate(((CLIENT_ID, DEFAULT), (USER, user)), both),
        _Candidate(((USER, user),), only_user),
        _Candidate(((CLIENT_ID, client_id), (USER, DEFAULT)), both),
        _Candidate(((CLIENT_ID, DEFAULT), (USER, DEFAULT)), both),
        _Candidate(((USER, DEFAULT),), only_user),
        _Candidate(((CLIENT_ID, client_id),), only_client),
        _Candidate(((CLIENT_ID, DEFAULT),), only_client),
    )

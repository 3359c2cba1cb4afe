"""When a message stops being worth handing out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.model import envelope

NEVER = 0


def deadlines_ns(payloads: Sequence[bytes], ttls_ms: Sequence[int], now_ns: int) -> list[int]:
    """The monotonic time at which each message expires, ``NEVER`` for those without a time to live.

    It counts from the intended time in the envelope, as the checker does: a message that was published late does not live longer.
    A payload that is not one of ours counts from ``now_ns``.
    """
    if not any(ttls_ms):
        return [NEVER] * len(ttls_ms)
    rows = envelope.unpack(payloads)
    ours = (rows["magic"] == envelope.MAGIC) & (rows["intended_ns"] > 0)
    starts = np.where(ours, rows["intended_ns"], now_ns)
    lives = np.asarray(ttls_ms, dtype=np.int64) * 1_000_000
    ends: list[int] = np.where(lives > 0, starts + lives, NEVER).tolist()
    return ends

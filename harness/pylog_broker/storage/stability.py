"""Transactions that have ended but whose end is not replicated yet: they hold the last stable offset down (KIP-98)."""

from __future__ import annotations


class Unreplicated:
    """First offsets of ended transactions, with the offsets of their markers, which ascend."""

    __slots__ = ("_ended",)

    def __init__(self) -> None:
        self._ended: list[tuple[int, int]] = []  # few at a time

    def __bool__(self) -> bool:
        return bool(self._ended)

    def add(self, first_offset: int, marker_offset: int) -> None:
        """A transaction has ended with a marker that not every replica has."""
        self._ended.append((first_offset, marker_offset))

    def limit(self, stable: int, high_watermark: int) -> int:
        """The last stable offset, no more than `stable`; forgets what is replicated by now."""
        ended = self._ended
        while ended and ended[0][1] < high_watermark:
            del ended[0]
        return min([stable, *(first for first, _ in ended)])

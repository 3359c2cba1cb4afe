"""Which batches lie in a range of a log, from their headers alone, and which records of them nobody should see.

What share groups need beside the bytes: the offsets that there are. Records stay closed; only the markers of
transactions are opened, for groups that read committed records.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.pylog_broker.storage.batch import CONTROL_BIT, HEADER_SIZE, TRANSACTIONAL_BIT, BatchHeader, parse_header
from harness.pylog_broker.storage.control import read_marker
from harness.pylog_broker.storage.log import LogSlice

WINDOW_BYTES = 64 << 10
"""Read at once: hundreds of headers where batches are small."""


class Span(NamedTuple):
    """One batch: its offsets, and where it lies in the file."""

    first: int
    last: int
    position: int
    header: BatchHeader

    @property
    def end(self) -> int:
        """Position of the byte behind it."""
        return self.position + self.header.length


def spans(records: LogSlice) -> Iterator[Span]:
    """The batches of a slice, in order; a batch that reaches over its end is left out."""
    position, end = records.position, records.position + records.length
    window, window_start = b"", position
    while position + HEADER_SIZE <= end:
        if position + HEADER_SIZE > window_start + len(window):
            window_start = position
            window = os.pread(records.fd, min(WINDOW_BYTES, end - position), position)
            if len(window) < HEADER_SIZE:
                return
        header = parse_header(window, position - window_start)
        if position + header.length > end:
            return
        yield Span(header.base_offset, header.last_offset, position, header)
        position += header.length


def aborted_ranges(
    records: LogSlice, found: Sequence[Span], aborted: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """(first, last offset) of the batches in `found` that belong to `aborted` transactions, and their markers.

    `aborted` has the producer id and the first offset of each.
    """
    waiting = sorted(aborted, key=lambda row: row[1])
    open_producers: set[int] = set()
    ranges = []
    for span in found:
        header = span.header
        while waiting and waiting[0][1] <= span.last:
            open_producers.add(waiting.pop(0)[0])
        if not header.attributes & TRANSACTIONAL_BIT or header.producer_id not in open_producers:
            continue
        if header.attributes & CONTROL_BIT:
            marker = read_marker(header, os.pread(records.fd, header.length, span.position))
            if marker is not None and not marker.committed:
                open_producers.discard(header.producer_id)
        ranges.append((span.first, span.last))
    return ranges

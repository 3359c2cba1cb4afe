"""Control batches: the markers that end a transaction in a partition (KIP-98).

A marker is a batch of one record with the control bit. Its key says which kind it is (version, type), its value which
coordinator wrote it (version, coordinator epoch). It has an offset like any record, no sequence, and clients skip it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from harness.pylog_broker.storage.batch import (
    CONTROL_BIT,
    TRANSACTIONAL_BIT,
    BatchHeader,
    Buffer,
    build_batch,
    iterate_records,
)
from harness.pylog_broker.storage.errors import CorruptBatch

ABORT, COMMIT = 0, 1
_KEY = struct.Struct(">hh")
_VALUE = struct.Struct(">hi")


class Marker(NamedTuple):
    """How the transaction of a producer ended in one partition."""

    producer_id: int
    producer_epoch: int
    committed: bool
    coordinator_epoch: int


def build_marker(marker: Marker, *, timestamp_ms: int) -> bytearray:
    """The control batch of a marker, ready to be appended."""
    key = _KEY.pack(0, COMMIT if marker.committed else ABORT)
    return build_batch(
        [(key, _VALUE.pack(0, marker.coordinator_epoch))],
        timestamp_ms=timestamp_ms,
        producer_id=marker.producer_id,
        producer_epoch=marker.producer_epoch,
        attributes=TRANSACTIONAL_BIT | CONTROL_BIT,
    )


def read_marker(header: BatchHeader, batch: Buffer) -> Marker | None:
    """The marker in a control batch; None for control records of another kind. Raises CorruptBatch."""
    for record in iterate_records(batch):
        try:
            _, kind = _KEY.unpack_from(record.key or b"")
            _, coordinator_epoch = _VALUE.unpack_from(record.value or b"")
        except struct.error as error:
            raise CorruptBatch(f"the control record at offset {record.offset}: {error}") from None
        if kind in (ABORT, COMMIT):
            return Marker(header.producer_id, header.producer_epoch, kind == COMMIT, coordinator_epoch)
    return None

"""The first 56 bytes of every payload, the same for all brokers (headers cost differently on each).

Fixed width and little-endian, so that a checker reads a million of them without a loop: ``pack`` and ``unpack`` work on
whole batches through numpy. The checksum covers everything but itself, the body included.

========  ====  ==============  =====================================================================
offset    type  field           meaning
========  ====  ==============  =====================================================================
0         u32   magic           ``MAGIC``; anything else is a phantom: not a message of ours
4         u8    version         1
5         u8    class           priority class, 0 is the lowest
6         u16   producer        publishing worker, unique in a run
8         u64   sequence        unique per producer, dense from 0
16        u32   key             key id; ``NO_KEY`` when the workload has no keys
20        u32   key_sequence    dense from 0 per producer and key
24        i64   intended_ns     monotonic clock of the publishing host
32        u32   work_us         simulated work
36        u32   ttl_ms          time to live from ``intended_ns``; 0 never expires
40        u8    failures        attempts that fail before one succeeds; ``POISON`` never succeeds
41        u8    phase           index of the phase that published it
42        u16   reserved        0
44        u32   size            whole payload in bytes, envelope included
48        u32   run             low 32 bits of the run's id: another run's leftovers are phantoms
52        u32   checksum        CRC-32 of bytes 0..52 and of the body
========  ====  ==============  =====================================================================
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAGIC = 0x31564842  # "BHV1" on the wire
VERSION = 1
SIZE = 56
NO_KEY = 0xFFFFFFFF
POISON = 255

DTYPE = np.dtype(
    [
        ("magic", "<u4"),
        ("version", "u1"),
        ("class", "u1"),
        ("producer", "<u2"),
        ("sequence", "<u8"),
        ("key", "<u4"),
        ("key_sequence", "<u4"),
        ("intended_ns", "<i8"),
        ("work_us", "<u4"),
        ("ttl_ms", "<u4"),
        ("failures", "u1"),
        ("phase", "u1"),
        ("reserved", "<u2"),
        ("size", "<u4"),
        ("run", "<u4"),
        ("checksum", "<u4"),
    ]
)
assert DTYPE.itemsize == SIZE

Envelopes = npt.NDArray[np.void]


def empty(count: int) -> Envelopes:
    """``count`` envelopes with magic and version set and all else zero. Shape (count,), dtype ``DTYPE``."""
    rows = np.zeros(count, dtype=DTYPE)
    rows["magic"] = MAGIC
    rows["version"] = VERSION
    return rows


def pack(rows: Envelopes, bodies: Sequence[bytes]) -> list[bytes]:
    """Payloads of shape (n,): each envelope, its ``checksum`` filled in, followed by its body.

    ``rows["size"]`` must equal ``SIZE + len(body)`` already.
    """
    raw = rows.tobytes()
    crc32 = zlib.crc32
    head_size = SIZE - 4
    payloads: list[bytes] = []
    position = 0
    for body in bodies:
        head = raw[position : position + head_size]
        payloads.append(head + crc32(body, crc32(head)).to_bytes(4, "little") + body)
        position += SIZE
    return payloads


def unpack(payloads: Sequence[bytes]) -> Envelopes:
    """Envelopes of shape (n,). A payload that is too short to hold one comes back with magic 0."""
    raw = b"".join([payload[:SIZE] if len(payload) >= SIZE else bytes(SIZE) for payload in payloads])
    return np.frombuffer(raw, dtype=DTYPE)


def intact(payloads: Sequence[bytes], rows: Envelopes) -> npt.NDArray[np.bool_]:
    """Shape (n,): the magic, the version, the length and the checksum are all right."""
    crc32 = zlib.crc32
    head_size = SIZE - 4
    sums = np.fromiter(
        (crc32(payload[SIZE:], crc32(payload[:head_size])) for payload in payloads),
        dtype=np.uint32,
        count=len(payloads),
    )
    sizes = np.fromiter((len(payload) for payload in payloads), dtype=np.int64, count=len(payloads))
    good: npt.NDArray[np.bool_] = (
        (rows["magic"] == MAGIC) & (rows["version"] == VERSION) & (rows["size"] == sizes) & (rows["checksum"] == sums)
    )
    return good

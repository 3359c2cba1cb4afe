"""The first 52 and the last 4 bytes of every payload, the same for all brokers (headers cost differently on each).

Fixed width and little-endian, so that a checker reads a million of them without a loop: ``pack`` and ``unpack`` work on
whole batches through numpy. The last four bytes are the CRC-32C of all before them, so the CRC-32C of a whole undamaged payload
is always ``RESIDUE``: one call without a slice proves a message intact.

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
52        ...   body
size - 4  u32   checksum        CRC-32C (Castagnoli) of everything before it
========  ====  ==============  =====================================================================
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import google_crc32c
import numpy as np
import numpy.typing as npt

MAGIC = 0x31564842  # "BHV1" on the wire
VERSION = 1
HEAD = 52  # the fields in front
SIZE = 56  # what the envelope takes in all, checksum included
RESIDUE = 0x48674BC7  # CRC-32C over data followed by its own CRC-32C
RESTART = 0xD387D06C.to_bytes(4, "little")  # after ``RESIDUE`` these four bytes bring the CRC-32C back to its beginning
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
    ]
)
assert DTYPE.itemsize == HEAD
SIZE_AT = 44  # where ``size`` is

Envelopes = npt.NDArray[np.void]
UNTYPED = np.dtype((np.void, HEAD))  # numpy copies those at once, and envelopes field by field
_head_of = operator.itemgetter(slice(0, HEAD))


def empty(count: int) -> Envelopes:
    """``count`` envelopes with magic and version set and all else zero. Shape (count,), dtype ``DTYPE``."""
    rows = np.zeros(count, dtype=DTYPE)
    rows["magic"] = MAGIC
    rows["version"] = VERSION
    return rows


def pack(rows: Envelopes, bodies: Sequence[bytes]) -> list[bytes]:
    """Payloads of shape (n,): each envelope's fields, its body, and the checksum.

    ``rows["size"]`` must equal ``SIZE + len(body)`` already.
    """
    raw = rows.tobytes()
    extend = google_crc32c.extend
    value = google_crc32c.value
    payloads: list[bytes] = []
    position = 0
    for body in bodies:
        head = raw[position : position + HEAD]
        payloads.append(head + body + extend(value(head), body).to_bytes(4, "little"))
        position += HEAD
    return payloads


def unpack(payloads: Sequence[bytes], sizes: npt.NDArray[np.int32] | None = None) -> Envelopes:
    """Envelopes of shape (n,). A payload that is too short to hold one comes back with magic 0. ``sizes`` are their ``lengths``."""
    if payloads and (min(map(len, payloads)) if sizes is None else sizes.min()) < SIZE:
        payloads = [payload if len(payload) >= SIZE else bytes(HEAD) for payload in payloads]
    return np.frombuffer(b"".join(map(_head_of, payloads)), dtype=DTYPE)


def alike(payloads: Sequence[bytes]) -> tuple[bytes, int] | None:
    """The first ``HEAD`` bytes of each payload, joined, and the one size that all have; None: they need a closer look.

    Undamaged payloads with ``RESTART`` between them have one checksum together that does not depend on them, so one call
    proves all of them. A payload that is damaged hides behind another one as rarely as damage hides from its own checksum:
    once in 2^32. They are not even measured: where they are of the first one's size all together, and each envelope that
    should then stand in its place says that size, they are. Whether magic and version are ours, ``ours`` says.
    """
    size = len(payloads[0])
    stride = size + len(RESTART)
    count = len(payloads)
    if size < SIZE:
        return None
    whole = RESTART.join(payloads)
    if len(whole) + len(RESTART) != count * stride or google_crc32c.value(whole) != RESIDUE:
        return None
    told: npt.NDArray[np.uint32] = np.ndarray((count,), "<u4", whole, offset=SIZE_AT, strides=(stride,))
    if told.tobytes() != size.to_bytes(4, "little") * count:
        return None
    heads: npt.NDArray[np.void] = np.ndarray((count,), UNTYPED, whole, strides=(stride,))
    return heads.tobytes(), size


def ours(rows: Envelopes) -> npt.NDArray[np.bool_]:
    """Shape (n,): magic and version are right."""
    good: npt.NDArray[np.bool_] = (rows["magic"] == MAGIC) & (rows["version"] == VERSION)
    return good


def read(payloads: Sequence[bytes]) -> tuple[Envelopes, npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """What ``unpack``, ``lengths`` and ``intact`` say, for a fraction of their time: shape (n,) each."""
    told = alike(payloads) if payloads else None
    if told is not None:
        rows = np.frombuffer(told[0], dtype=DTYPE)
        return rows, np.full(len(payloads), told[1], dtype=np.int32), ours(rows)
    sizes = lengths(payloads)
    if not len(sizes) or sizes.min() < SIZE:
        rows = unpack(payloads, sizes)
        return rows, sizes, intact(payloads, rows, sizes)
    whole = RESTART.join(payloads)
    strides = sizes.astype(np.int64) + len(RESTART)
    anywhere: npt.NDArray[np.void] = np.ndarray((len(whole) - HEAD + 1,), UNTYPED, whole, strides=(1,))
    rows = anywhere[np.cumsum(strides) - strides].view(DTYPE)
    if google_crc32c.value(whole) != RESIDUE:
        return rows, sizes, intact(payloads, rows, sizes)
    return rows, sizes, ours(rows) & (rows["size"] == sizes)


def intact(
    payloads: Sequence[bytes], rows: Envelopes, sizes: npt.NDArray[np.int32] | None = None
) -> npt.NDArray[np.bool_]:
    """Shape (n,): the magic, the version, the length and the checksum are all right."""
    count = len(payloads)
    sums = np.fromiter(map(google_crc32c.value, payloads), dtype=np.uint32, count=count)
    good: npt.NDArray[np.bool_] = (
        ours(rows) & (rows["size"] == (lengths(payloads) if sizes is None else sizes)) & (sums == RESIDUE)
    )
    return good


def lengths(payloads: Sequence[bytes]) -> npt.NDArray[np.int32]:
    """Bytes of each payload, shape (n,)."""
    return np.fromiter(map(len, payloads), dtype=np.int32, count=len(payloads))

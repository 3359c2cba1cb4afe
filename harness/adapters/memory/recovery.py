"""The memory broker's journal: what tier D1 promises. Records are frames; a torn one at the end is cut off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.adapters.memory.core import Group, Record, Space, SpaceSpec, Stored
from harness.adapters.memory.wire import Blobs, FrameError, encode, read_frame
from harness.model.messages import DispositionKind, Reason


class Journal:
    """An append-only file. Every ``write`` is in the kernel's hands when it returns; ``fsync`` puts it on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, records: list[Record], *, fsync: bool) -> None:
        data = memoryview(b"".join([encode(header, blobs) for header, blobs in records]))
        while data:
            data = data[os.write(self._descriptor, data) :]
        if fsync:
            os.fdatasync(self._descriptor)

    def recover(self) -> dict[str, Space]:
        """The spaces by prefix, as the records say. Cuts off what was torn."""
        spaces: dict[str, Space] = {}
        with self._path.open("rb") as stream:
            good = 0

            def exactly(count: int) -> bytes:
                data = stream.read(count)
                if len(data) < count:
                    raise FrameError("torn")
                return data

            while True:
                try:
                    header, blobs = read_frame(exactly)
                except FrameError:
                    break
                apply(spaces, header, blobs)
                good = stream.tell()
        os.ftruncate(self._descriptor, good)
        return spaces

    def close(self) -> None:
        os.close(self._descriptor)


def apply(spaces: dict[str, Space], header: dict[str, Any], blobs: Blobs) -> None:
    """One record. What members held when the broker died is ready again: nobody has it any more."""
    kind, prefix = header["record"], header["prefix"]
    if kind == "create":
        spaces[prefix] = Space(SpaceSpec.of(header["spec"]))
        return
    if kind == "delete":
        spaces.pop(prefix, None)
        return
    space = spaces.get(prefix)
    if space is None:
        return
    if kind == "publish":
        number, lane, position, priority, expires_ns = header["numbers"]
        payload, key = blobs
        space.admit(Stored(number, lane, position, payload or b"", key, priority, expires_ns))
        return
    group = space.groups[header["group"]]
    if kind == "rewind":
        space.rewind_lanes(group, header["lanes"])
    elif kind == "deliver":
        for number in header["numbers"]:
            group.deliveries[number] = group.deliveries.get(number, 0) + 1
    else:
        _settle(space, group, header)


def _settle(space: Space, group: Group, header: dict[str, Any]) -> None:
    for number in header["numbers"]:
        stored = group.take(number)
        if stored is None:
            continue  # it was one that a planted bug kept out of the journal
        if header["record"] == "bury":
            space.bury(group, stored, Reason(header["reason"]))
        else:
            space.settle_one(group, stored, DispositionKind(header["disposition"]), header["due_ns"])

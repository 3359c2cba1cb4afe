"""Times of other hosts on the master's clock: applied while their streams are read, so that the streams stay as they were written.

A run whose workers are on several hosts keeps ``clocks.json`` beside its streams: for every stream, and for every producer (whose
intended times travel in the messages), how its host's monotonic clock stood against the master's. A run on one host has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HistoryError

CLOCKS_FILE: Final = "clocks.json"
_OWN_TIMES: Final[Mapping[str, tuple[str, ...]]] = {
    "publish": ("intended_ns", "submitted_ns", "settled_ns"),
    "deliver": ("received_ns",),
    "settle": ("settled_ns",),
    "event": ("at_ns",),
    "sample": ("at_ns",),
}
Times = npt.NDArray[np.int64]


class ClockOffset(BaseModel):
    """A host's monotonic clock minus the master's: ``offset_ns`` when the host's clock showed ``at_ns``, changing by ``drift``
    nanoseconds a nanosecond; right to within ``bound_ns``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    offset_ns: float = 0.0
    drift: float = 0.0
    at_ns: int = 0
    bound_ns: float = 0.0

    def to_master(self, local_ns: Times) -> Times:
        """Shape (n,) in, shape (n,) out. 0 means "never" in a history and stays 0."""
        shift = self.offset_ns + self.drift * (local_ns - self.at_ns).astype(np.float64)
        return np.where(local_ns == 0, 0, local_ns - np.rint(shift).astype(np.int64))


class Clocks(BaseModel):
    """By worker (the name in a stream's file name) and by producer number; what is not named is on the master's clock."""

    model_config = ConfigDict(extra="forbid")

    workers: dict[str, ClockOffset] = Field(default_factory=dict)
    producers: dict[int, ClockOffset] = Field(default_factory=dict)

    @property
    def bound_ns(self) -> int:
        """The most that a difference of times of two hosts can be wrong: the bounds of the two worst, added."""
        worst = sorted((clock.bound_ns for clock in self.workers.values()), reverse=True)[:2]
        return int(np.ceil(sum(worst)))

    def save(self, folder: Path) -> None:
        scratch = folder / f"{CLOCKS_FILE}.tmp"
        scratch.write_text(self.model_dump_json(indent=1))
        scratch.replace(folder / CLOCKS_FILE)

    @classmethod
    def load(cls, folder: Path) -> Clocks:
        """None were kept: everything is on one clock. Raises HistoryError."""
        path = folder / CLOCKS_FILE
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            return cls()
        except (ValidationError, ValueError, OSError) as error:
            raise HistoryError(f"{path} is damaged: {str(error).splitlines()[0]}") from error

    def corrected(self, table: str, worker: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of one stream with their times on the master's clock."""
        own = self.workers.get(worker)
        foreign = self.producers if table == "deliver" else {}
        if own is None and not foreign:
            yield from batches
            return
        for batch in batches:
            columns: dict[str, Times] = {}
            if own is not None:
                columns = {name: own.to_master(_column(batch, name)) for name in _OWN_TIMES[table]}
            if foreign:
                columns["intended_ns"] = self._intended(batch)
            arrays = [
                pa.array(columns[field.name], type=field.type) if field.name in columns else batch.column(number)
                for number, field in enumerate(batch.schema)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=batch.schema)

    def _intended(self, batch: pa.RecordBatch) -> Times:
        """Intended times of deliveries: on the clock of the host that published each."""
        intended, producer = _column(batch, "intended_ns"), _column(batch, "producer")
        for number, clock in self.producers.items():
            theirs = producer == number
            if theirs.any():
                intended = np.where(theirs, clock.to_master(intended), intended)
        return intended


def _column(batch: pa.RecordBatch, name: str) -> Times:
    values: Times = np.asarray(
        batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False), dtype=np.int64
    )
    return values

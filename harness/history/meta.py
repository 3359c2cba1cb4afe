"""``meta.json`` of one history: the names behind its numbers, and what the checkers must know of the run."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HistoryError
from harness.history.schema import FORMAT_VERSION, META_FILE


class PhaseMeta(BaseModel):
    """One phase: monotonic start and end of publishing, and whether every group had caught up by its drain's end."""

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: str  # paced, flood, burst, replay
    warmup: bool = False
    start_ns: int
    end_ns: int
    drained_ns: int | None = None  # None: it was not drained (by wish, or the deadline passed: see ``drained``)
    drained: bool | None = None  # None: not asked to; False: the deadline passed
    offered: int = 0
    offered_per_s: float | None = None


class HistoryMeta(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format_version: int = FORMAT_VERSION
    workload: str
    workload_text: str  # the YAML, whole
    broker: str
    repeat: int
    seed: int
    run_number: int  # the envelope's ``run``
    tier: str
    groups: list[str]  # by number; the dead-letter group last when there is one
    members: dict[str, int]
    phases: list[PhaseMeta] = Field(default_factory=list)
    errors: list[str] = Field(default_factory=lambda: [""])
    supports: dict[str, str]  # feature -> native | emulated | impossible
    started_ns: int
    started_wall: str  # ISO 8601, UTC: the anchor of the monotonic clock
    clock_bound_ns: int = 0  # how wrong a difference of times of two hosts may be; 0: one host, one clock
    complete: bool = False  # False: the run was cut off; what is here is still true

    def save(self, folder: Path) -> None:
        path = folder / META_FILE
        scratch = path.with_suffix(".tmp")
        scratch.write_text(self.model_dump_json(indent=1))
        scratch.replace(path)

    @classmethod
    def load(cls, folder: Path) -> HistoryMeta:
        """Raises HistoryError where there is no history, or one of a newer format."""
        path = folder / META_FILE
        try:
            meta = cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            raise HistoryError(
                f"no history in {folder}: {META_FILE} is missing", next_command="harness run --help"
            ) from None
        except (ValidationError, ValueError, OSError) as error:
            raise HistoryError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
        if meta.format_version > FORMAT_VERSION:
            raise HistoryError(
                f"{path} has format {meta.format_version}; this harness reads up to {FORMAT_VERSION}",
                next_command="pip install --upgrade messaging-harness",
            )
        return meta

"""A verdict: what one checker found in one history, with its evidence. The worst of several wins."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

EVIDENCE_MAX = 20
NOT_RUN = "not run: "  # begins the summary of a verdict UNKNOWN on what was left out on purpose
NEVER_KILLED = NOT_RUN + "an external broker is never killed"


class Validity(StrEnum):
    """VALID: the rule held. INVALID: it was broken. UNKNOWN: the history cannot tell (not drained, a crashed checker)."""

    VALID = "valid"
    UNKNOWN = "unknown"
    INVALID = "invalid"


_RANK = {Validity.VALID: 0, Validity.UNKNOWN: 1, Validity.INVALID: 2}


def worst(validities: Iterable[Validity]) -> Validity:
    """INVALID over UNKNOWN over VALID; of nothing at all, UNKNOWN."""
    return max(validities, key=_RANK.__getitem__, default=Validity.UNKNOWN)


class Verdict(BaseModel):
    """``promised`` is False where the broker never promised the rule: then INVALID is a finding, not a failure.

    ``counts`` are whole numbers by name (``lost``, ``checked``...); ``evidence`` holds up to ``EVIDENCE_MAX`` offending rows of the
    history, each a flat mapping of column to value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    checker: str
    workload: str
    broker: str
    repeat: int
    validity: Validity
    promised: bool
    rule: str
    source: str = ""
    summary: str
    counts: dict[str, int] = Field(default_factory=dict)
    evidence: list[dict[str, int | float | str | bool | None]] = Field(default_factory=list, max_length=EVIDENCE_MAX)

"""What the adapters cost beside the field's own tools, as last recorded: on this machine, or the record that comes with the harness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.brokers.places import state_folder
from harness.model.result import DriverRatio, DriverRecord

FILE = "bench-driver.json"
BUNDLED = Path(__file__).with_name("recorded") / FILE


def record_here() -> Path:
    """Where ``harness bench driver`` leaves its document."""
    return state_folder() / FILE


def recorded_drivers() -> DriverRecord | None:
    """This machine's record, else the bundled one; None where neither can be read."""
    for path, here in ((record_here(), True), (BUNDLED, False)):
        try:
            return _record(json.loads(path.read_text()), here=here)
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            continue
    return None


def _record(document: dict[str, Any], *, here: bool) -> DriverRecord:
    return DriverRecord(
        created=document["created"],
        machine=document["machine"],
        versions=document["versions"],
        here=here,
        rows=[_ratio(row) for row in document["rows"] if "ratio_median" in row],
    )


def _ratio(row: dict[str, Any]) -> DriverRatio:
    return DriverRatio(
        question=row["question"],
        size_bytes=row["size_bytes"],
        settings=row["settings"],
        ours_per_s=row["ours_median"],
        theirs_per_s=row["theirs_median"],
        ratio=row["ratio_median"],
        ratio_low=row["ratio_min"],
        ratio_high=row["ratio_max"],
        pairs=row["pairs"],
        floor=row["floor"],
    )

"""All cells as CSV, one a row, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.errors import DiskFull
from harness.model.result import Result

COLUMNS = (
    "workload", "tier", "broker", "metric", "phase", "state", "value", "low", "high", "interval", "unit", "better", "n",
    "baseline", "ratio", "ratio_low", "ratio_high", "p_value", "per_run", "reason", "caveat",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(result: Result, path: Path) -> None:
    """Raises DiskFull."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cells_csv(result), encoding="utf-8", newline="")
    except OSError as error:
        raise DiskFull(f"cannot write {path}: {error.strerror}", next_command="df -h .") from error


def cells_csv(result: Result) -> str:
    """Header and one line a cell; what is missing is an empty field, which CSV has no other word for."""
    tiers = {record.name: record.tier for record in result.workloads}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for cell in result.cells:
        row = [
            cell.workload, tiers.get(cell.workload, ""), cell.broker, cell.metric, cell.phase, str(cell.state), cell.value,
            cell.low, cell.high, cell.interval, cell.unit, cell.better, cell.n, cell.baseline, cell.ratio, cell.ratio_low,
            cell.ratio_high, cell.p_value, " ".join(f"{value:.9g}" for value in cell.per_run), cell.reason, cell.caveat,
        ]  # fmt: skip
        writer.writerow([_field(value) for value in row])
    return buffer.getvalue()


def _field(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA_STARTS) else value
    return f"{value:.9g}"

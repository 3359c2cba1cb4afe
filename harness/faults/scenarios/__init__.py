"""The scenarios of ``harness fault``: a small workload each, in the files beside this one."""

from __future__ import annotations

from pathlib import Path


def scenario_files() -> dict[str, Path]:
    """Name -> workload file."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}

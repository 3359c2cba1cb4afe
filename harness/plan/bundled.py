"""Where the workloads are that come with the harness: ``workloads/`` of a checkout, or inside the installed package."""

from __future__ import annotations

import difflib
from pathlib import Path

from harness.errors import WorkloadError

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_folder(name: str) -> Path:
    """A top-level data folder (``workloads``, ``compose``) in a checkout or an installed wheel."""
    for candidate in (_PACKAGE.parent / name, _PACKAGE / "_bundled" / name):
        if candidate.is_dir() and (
            candidate.parent != _PACKAGE.parent or (_PACKAGE.parent / "pyproject.toml").exists()
        ):
            return candidate
    raise WorkloadError(
        f"this installation has no {name} folder", next_command="pip install --force-reinstall messaging-harness"
    )


def workload_files() -> dict[str, Path]:
    """Name -> file of every workload that comes with the harness."""
    return {path.stem: path for path in sorted(bundled_folder("workloads").glob("*.yaml"))}


def find_workload(name_or_path: str) -> Path:
    """A path as it is, or a name of ours. Raises WorkloadError naming the nearest one."""
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.parent != Path("."):
        if not path.is_file():
            raise WorkloadError(f"no workload file {name_or_path}", next_command="harness workload ls")
        return path
    known = workload_files()
    if name_or_path in known:
        return known[name_or_path]
    nearest = difflib.get_close_matches(name_or_path, known, n=1, cutoff=0.4)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(known)}"
    raise WorkloadError(f"no workload named {name_or_path!r}{hint}", next_command="harness workload ls")

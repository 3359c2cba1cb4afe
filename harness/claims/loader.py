"""Read claim files. Every complaint names the file, the line and, for a misspelt key, the nearest one that exists."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import WorkloadError
from harness.model.claim import Claim, StudyExperiment
from harness.plan.bundled import bundled_folder, find_workload
from harness.plan.loader import FILE_BYTES_MAX, LoadedWorkload, load_workload, parse_mapping, parse_workload, validated

NAME = re.compile(r"(C[0-9]{2,3})-([a-z0-9]+(?:-[a-z0-9]+)*)")
LIST = "harness claim ls"
KEYS = "a claim is a mapping with the keys statement, why_it_is_said, experiment, rules, card"


@dataclass(frozen=True, slots=True)
class LoadedClaim:
    """A claim with the workloads of its experiment, one an arm (or one in all); none where it is no study."""

    claim: Claim
    text: str
    path: str
    workloads: Mapping[str, LoadedWorkload]


def claim_files() -> dict[str, Path]:
    """Id -> file of every claim that comes with the harness."""
    return {
        path.name.partition("-")[0]: path for path in sorted((bundled_folder("workloads") / "claims").glob("C*.yaml"))
    }


def all_claims() -> list[LoadedClaim]:
    """Every claim that comes with the harness, by number. Raises WorkloadError."""
    return [load_claim(path) for path in claim_files().values()]


def find_claim(name: str) -> Path:
    """A path as it is, or an id of ours (``C33``, ``c33``) or a slug. Raises WorkloadError naming the nearest one."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.parent != Path("."):
        if not path.is_file():
            raise WorkloadError(f"no claim file {name}", next_command=LIST)
        return path
    known = claim_files()
    by_name = {
        **known,
        **{path.stem: path for path in known.values()},
        **{path.stem.partition("-")[2]: path for path in known.values()},
    }
    for candidate, found in by_name.items():
        if candidate.lower() == name.lower():
            return found
    nearest = difflib.get_close_matches(name, [*by_name, name.upper()][:-1], n=1, cutoff=0.4)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(known)}"
    raise WorkloadError(f"no claim named {name!r}{hint}", next_command=LIST)


def load_claim(path: Path) -> LoadedClaim:
    """Raises WorkloadError."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WorkloadError(f"{path} is larger than 1 MiB: that is no claim file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"cannot read {path}: {error}", next_command=LIST) from error
    return parse_claim(text, name=path.stem, path=str(path))


def parse_claim(text: str, *, name: str, path: str) -> LoadedClaim:
    """As ``load_claim``, from text already read. ``path`` is only used in messages."""
    check = f"harness claim show {path}"
    match = NAME.fullmatch(name)
    if match is None:
        raise WorkloadError(f"{path}: a claim's file is named like C33-five-jobs.yaml", next_command=LIST)
    plain, lines = parse_mapping(text, path=path, expected=KEYS, check=check)
    claim = validated(Claim, plain, lines, path=path, check=check, given={"id": match[1], "slug": match[2]})
    return LoadedClaim(claim, text, path, _workloads(claim, path))


def _workloads(claim: Claim, path: str) -> dict[str, LoadedWorkload]:
    """The experiment's workloads by arm ("" without arms), each as text of its own, so that a study can be judged again from its result."""
    experiment = claim.experiment
    if not isinstance(experiment, StudyExperiment):
        return {}
    if isinstance(experiment.workload, str):
        bundled = load_workload(find_workload(experiment.workload))
        if not experiment.arms:
            return {"": bundled}
        base, stem = yaml.safe_load(bundled.text), bundled.workload.name
    else:
        base, stem = experiment.workload, claim.slug.replace("-", "_")
    arms: Mapping[str, dict[str, Any]] = experiment.arms or {"": {}}
    found = {}
    for arm, changes in arms.items():
        text = yaml.safe_dump(changed(base, changes), sort_keys=False, allow_unicode=True, width=120)
        where = f"{path}: experiment.workload{f', arm {arm}' if arm else ''}"
        found[arm] = parse_workload(text, name=f"{stem[:30]}_{arm}" if arm else stem[:47], path=where)
    return found


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes`` merged into it, mapping into mapping; everything else is replaced, and null removes a key."""
    merged = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = changed(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged

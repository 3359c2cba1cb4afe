"""Where findings are kept, and whether one still says something about here and now.

``reports/claims/<ID>/finding.json`` is the newest; older ones lie beside it under their dates.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from harness import __version__
from harness.brokers.registry import REGISTRY
from harness.errors import BrokerMissing, DiskFull, ResultError
from harness.model.claim import FINDING_VERSION, Claim, Finding
from harness.model.result import Fingerprint
from harness.study.fingerprint import cpu_model, memory_bytes

FINDINGS = Path("reports") / "claims"
FILE = "finding.json"
OLD = timedelta(days=30)
MEMORY_TOLERANCE = 0.02  # a kernel keeps a little more or less for itself from one version to the next


class Freshness(StrEnum):
    """What a finding is worth here and now."""

    FRESH = "fresh"
    CLAIM_CHANGED = "claim changed"
    OLDER_VERSION = "older version"
    OTHER_HOST = "other host"
    OLD = "old"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Host:
    """This machine and what is installed on it, as far as findings depend on it."""

    cpu_model: str
    cores: int
    memory_bytes: int
    harness_version: str = __version__
    brokers: dict[str, str] = field(default_factory=dict)  # registry name -> version that would be started

    def same_machine(self, taken: Fingerprint) -> bool:
        near = abs(taken.memory_bytes - self.memory_bytes) <= MEMORY_TOLERANCE * self.memory_bytes
        return (taken.cpu_model, taken.cores) == (self.cpu_model, self.cores) and near


def host_here() -> Host:
    """Looks at this machine; starts nothing, takes milliseconds."""
    versions = {}
    for name, product in REGISTRY.items():
        try:
            versions[name] = product.locate().version
        except BrokerMissing:
            continue
    return Host(cpu_model(), os.cpu_count() or 1, memory_bytes(), brokers=versions)


def path_of(claim_id: str, folder: Path = FINDINGS) -> Path:
    return folder / claim_id / FILE


def latest(claim_id: str, folder: Path = FINDINGS) -> Finding | None:
    """The newest finding about a claim; None where there is none. Raises ResultError for a file that is no finding of this version."""
    path = path_of(claim_id, folder)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        finding = Finding.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise ResultError(
            f"{path} is no finding of this version: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            next_command=f"harness claim run {claim_id}",
        ) from None
    if finding.version != FINDING_VERSION:
        raise ResultError(
            f"{path} has version {finding.version}, and this harness reads {FINDING_VERSION}",
            next_command=f"harness claim run {claim_id}",
        )
    return finding


def save(finding: Finding, folder: Path = FINDINGS) -> Path:
    """Keep it as the newest; the one before it gets its date for a name. One that was partial is kept under its date alone."""
    path = path_of(finding.claim, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = finding.model_dump_json(indent=1)
        if finding.partial:
            dated = _dated(path, finding.created)
            dated.write_text(text, encoding="utf-8")
            return dated
        scratch = path.with_suffix(".tmp")
        scratch.write_text(text, encoding="utf-8")
        _set_aside(path)
        scratch.replace(path)
    except OSError as error:
        raise DiskFull(f"cannot write {path}: {error.strerror}", next_command="df -h .") from error
    return path


def _set_aside(path: Path) -> None:
    if not path.exists():
        return
    try:
        created = Finding.model_validate_json(path.read_text(encoding="utf-8")).created
    except ValidationError:
        created = datetime.fromtimestamp(path.stat().st_mtime).isoformat()
    path.rename(_dated(path, created))


def _dated(path: Path, created: str) -> Path:
    stamp = "".join(letter for letter in created[:19] if letter.isdigit() or letter == "T")
    candidates = (path.with_name(f"finding-{stamp}{f'-{n}' if n else ''}.json") for n in range(1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def freshness(finding: Finding | None, claim: Claim, host: Host, now: datetime) -> Freshness:
    """The first reason why it may no longer hold, else FRESH. ``now`` has a time zone."""
    if finding is None:
        return Freshness.NONE
    if finding.claim_digest != claim.digest:
        return Freshness.CLAIM_CHANGED
    if not host.same_machine(finding.fingerprint):
        return Freshness.OTHER_HOST
    here = {broker.label: host.brokers.get(broker.label.partition(":")[0]) for broker in finding.brokers}
    changed = any(broker.version and here[broker.label] not in (None, broker.version) for broker in finding.brokers)
    if finding.harness_version != host.harness_version or changed:
        return Freshness.OLDER_VERSION
    if now - datetime.fromisoformat(finding.created) > OLD:
        return Freshness.OLD
    return Freshness.FRESH


__all__ = ["FINDINGS", "Freshness", "Host", "freshness", "host_here", "latest", "path_of", "save"]

"""The cards to rehearse with: every claim file, with its latest finding and what that is worth here. Reads files, starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from harness.claims.loader import LoadedClaim, claim_files, find_claim, load_claim
from harness.claims.store import FINDINGS, Freshness, Host, freshness, host_here, latest
from harness.errors import ResultError
from harness.rehearse.evidence import Item


def open_deck(names: Sequence[str], now: datetime, findings: Path = FINDINGS, host: Host | None = None) -> list[Item]:
    """These claims (ids, slugs or files), in this order; all of ours without names. Raises WorkloadError."""
    paths = [find_claim(name) for name in names] or list(claim_files().values())
    machine = host or host_here()
    return [item_of(load_claim(path), now, findings, machine) for path in paths]


def item_of(loaded: LoadedClaim, now: datetime, findings: Path, host: Host) -> Item:
    """A finding that cannot be read is said on its card; it stops no session."""
    claim = loaded.claim
    try:
        finding = latest(claim.id, findings)
    except ResultError as error:
        return Item(claim, None, Freshness.NONE, trouble=error.message, path=loaded.path)
    return Item(claim, finding, freshness(finding, claim, host, now), path=loaded.path)

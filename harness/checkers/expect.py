"""What a workload expects, held against the verdicts: upper bounds that make a run fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.model.verdict import NOT_RUN, Validity, Verdict
from harness.model.workload import Workload

# expectation -> the checker and the count that answer it
ANSWERED_BY: Final[dict[str, tuple[str, str]]] = {
    "lost": ("durability", "lost"),
    "duplicated": ("duplicates", "duplicated"),
    "reordered_within_key": ("ordering", "reordered_within_key"),
    "corrupted": ("corruption", "corrupted"),
    "group_incomplete": ("fan_out", "group_incomplete"),
    "replay_differs": ("replay", "replay_differs"),
    "dead_letter_missing": ("dead_letter", "dead_letter_missing"),
    "effects_not_once": ("effectively_once", "effects_not_once"),
    "expired_delivered": ("expiry", "expired_delivered"),
}


def broken_expectations(workload: Workload, verdicts: Sequence[Verdict]) -> list[str]:
    """One sentence for each expectation that is broken, or that the history cannot confirm. Empty when all hold.

    What a broker declares impossible is no broken expectation, nor is what was left out on purpose: the cell says so.
    """
    by_checker = {verdict.checker: verdict for verdict in verdicts}
    sentences = []
    for name, bound in workload.expect.model_dump(exclude_none=True).items():
        checker, count = ANSWERED_BY[name]
        verdict = by_checker.get(checker)
        if verdict is None or not verdict.promised:
            continue
        found = verdict.counts.get(count, 0)
        if found > bound:
            sentences.append(f"{name} is {found}, expected at most {bound}: {verdict.summary}")
        elif verdict.validity is Validity.UNKNOWN and not verdict.summary.startswith(NOT_RUN):
            sentences.append(f"{name}: at most {bound} was expected and cannot be confirmed: {verdict.summary}")
    return sentences

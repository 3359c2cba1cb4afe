"""What the headers of a delivery say: attempts, deadline, reason of death, count of deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.adapters.emulation.notes import ATTEMPT, EXPIRES, REASON, Notes
from harness.model.messages import UNKNOWN, Reason

DELIVERY_COUNT = "x-delivery-count"  # quorum queues only
DEATHS = "x-death"  # newest first

_REASONS = {
    "rejected": Reason.REJECTED,
    "expired": Reason.EXPIRED,
    "delivery_limit": Reason.DELIVERY_LIMIT,
}

Headers = Mapping[str, Any]


def notes_of(headers: Headers | None) -> Notes:
    """What an earlier copy wrote down; anything that is not a number counts as 0."""
    if not headers:
        return Notes()

    def number(name: str) -> int:
        value = headers.get(name)
        return value if isinstance(value, int) else 0

    return Notes(attempt=number(ATTEMPT), expires_ns=number(EXPIRES), reason=number(REASON))


def values_of(notes: Notes) -> dict[str, int]:
    """The header table that carries the notes."""
    values = {ATTEMPT: notes.attempt, EXPIRES: notes.expires_ns, REASON: int(notes.reason)}
    return {name: value for name, value in values.items() if value}


def delivery_count_of(headers: Headers | None) -> int:
    """Earlier deliveries as a quorum queue counts them; a classic queue says nothing."""
    count = headers.get(DELIVERY_COUNT) if headers else None
    return count if isinstance(count, int) else UNKNOWN


def reason_of(headers: Headers | None) -> Reason:
    """Why a message lies in the dead-letter queue: what the consumer wrote down, else the broker's newest entry in x-death."""
    notes = notes_of(headers)
    if notes.reason:
        return Reason(notes.reason)
    deaths: Sequence[Headers] = (headers or {}).get(DEATHS) or []
    if not deaths:
        return Reason.OTHER
    return _REASONS.get(str(deaths[0].get("reason")), Reason.OTHER)

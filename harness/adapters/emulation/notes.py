"""What an emulation must remember about a message between one copy and the next, as message headers.

All values are decimal text. Times are the harness's monotonic clock in ns: publisher and consumer run on one host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.model.messages import Reason

ATTEMPT = "attempt"
CLASS = "class"
DUE = "due_ns"
EXPIRES = "expires_ns"
REASON = "reason"

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Notes:
    """``attempt`` counts RETRY settlements so far; 0 means not set for the times."""

    attempt: int = 0
    priority: int = 0
    due_ns: int = 0
    expires_ns: int = 0
    reason: int = Reason.NONE

    def headers(self) -> Headers:
        values = {
            ATTEMPT: self.attempt,
            CLASS: self.priority,
            DUE: self.due_ns,
            EXPIRES: self.expires_ns,
            REASON: int(self.reason),
        }
        return [(name, b"%d" % value) for name, value in values.items() if value]


NOTHING = Notes()


def read(headers: Sequence[tuple[str, bytes | None]] | None) -> Notes:
    """Notes of a message; a header that is missing or not a number counts as 0."""
    if not headers:
        return NOTHING
    values: Mapping[str, bytes | None] = dict(headers)

    def number(name: str) -> int:
        text = values.get(name)
        return int(text) if text is not None and text.isdigit() else 0

    return Notes(number(ATTEMPT), number(CLASS), number(DUE), number(EXPIRES), number(REASON))

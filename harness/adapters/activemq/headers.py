"""What the headers of a MESSAGE say, beyond those of STOMP: attempts, deadline, lane, and why it is dead."""

from __future__ import annotations

from collections.abc import Mapping

from harness.adapters.emulation.notes import ATTEMPT, EXPIRES, REASON, Notes
from harness.model.messages import UNKNOWN, Reason

GROUP = "JMSXGroupID"  # ActiveMQ keeps it to itself, so the lane travels once more under a name of ours
LANE = "lane"
CAUSE = "dlqDeliveryFailureCause"

Headers = Mapping[str, str]


def _number(headers: Headers, name: str) -> int:
    text = headers.get(name, "")
    return int(text) if text.isdigit() else 0


def notes_of(headers: Headers) -> Notes:
    """What the publisher or an earlier copy wrote down; what is missing or no number counts as 0."""
    return Notes(
        attempt=_number(headers, ATTEMPT), expires_ns=_number(headers, EXPIRES), reason=_number(headers, REASON)
    )


def notes_headers(notes: Notes) -> list[tuple[str, str]]:
    values = {ATTEMPT: notes.attempt, EXPIRES: notes.expires_ns, REASON: int(notes.reason)}
    return [(name, str(value)) for name, value in values.items() if value]


def lane_of(headers: Headers) -> int:
    text = headers.get(LANE, "")
    return int(text) if text.isdigit() else UNKNOWN


def redelivered(headers: Headers) -> bool:
    return headers.get("redelivered") == "true"


def reason_of(headers: Headers) -> Reason:
    """Why a message lies in a dead-letter queue: what the consumer wrote down, else the broker's own words.

    ActiveMQ gives a cause for what expired or was redelivered too often, and none for a NACK over STOMP.
    """
    noted = _number(headers, REASON)
    if noted:
        return Reason(noted)
    cause = headers.get(CAUSE, "")
    if "expired" in cause.lower():
        return Reason.EXPIRED
    if "redeliver" in cause.lower():
        return Reason.DELIVERY_LIMIT
    return Reason.OTHER if cause and "poison" not in cause.lower() else Reason.REJECTED

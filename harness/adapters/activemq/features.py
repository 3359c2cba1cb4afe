"""How ActiveMQ Classic meets each need over STOMP, in words for somebody who is new to it."""

from __future__ import annotations

from harness.adapters.activemq.destinations import AUTO, QUEUES, VIRTUAL_TOPICS
from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities

_FAN_OUT = {
    AUTO: "a virtual topic copies each message into the queue of every group (a composite destination where there are priorities)",
    VIRTUAL_TOPICS: "a virtual topic copies each message into the queue of every group",
    QUEUES: "the publisher names the queues of all groups in one SEND (a composite destination), and the broker copies",
}


def capabilities_of(mode: str) -> Capabilities:
    """``mode`` is queues, virtual-topics or auto: they differ in the fan-out alone."""
    fan_out = Capability(
        Feature.FAN_OUT,
        Support.NATIVE,
        how=_FAN_OUT[mode],
        why="each group's copy is stored and acknowledged on its own; a queue must have held a message once, or a killed broker forgets it",
    )
    return {**CAPABILITIES, Feature.FAN_OUT: fan_out}


CAPABILITIES: Capabilities = capabilities(
    Capability(
        Feature.FAN_OUT,
        Support.NATIVE,
        how="a virtual topic copies each message into the queue of every group (a composite destination where there are priorities)",
        why="each group's copy is stored and acknowledged on its own; a queue must have held a message once, or a killed broker forgets it",
    ),
    Capability(
        Feature.ORDER_PER_KEY,
        Support.NATIVE,
        how="message groups: JMSXGroupID is the key hashed to one of N groups, each served by one consumer",
        why="N groups and not one a key, because the broker remembers only 1,024 groups; the first consumer of a backlog gets all of them",
    ),
    Capability(Feature.REPLAY, Support.IMPOSSIBLE, why="acknowledging deletes: a queue keeps nothing to read again"),
    Capability(
        Feature.PRIORITY,
        Support.NATIVE,
        how="the priority header (0 to 9) with the policies prioritizedMessages and maxPageSize=1 on queues named PRIO.",
        why="the store keeps three levels apart (below 4, 4, above 4); slower, since messages are paged in one at a time; what a consumer "
        "has prefetched is not overtaken",
    ),
    Capability(
        Feature.EXPIRY,
        Support.NATIVE,
        how="the expires header, an absolute time; the consumer checks once more when it takes a message out of its buffer",
        why="the broker looks when it dispatches and in a periodic sweep, not at what is prefetched",
    ),
    Capability(
        Feature.DELAYED_RETRY,
        Support.EMULATED,
        how="the consumer sends a copy with AMQ_SCHEDULED_DELAY and its own count of attempts, then acknowledges",
        why="the scheduler wakes up to 0.5 s late, and syncs to disk for each copy; copy and acknowledgement are two steps, so a crash in "
        "between duplicates",
    ),
    Capability(
        Feature.DEAD_LETTER,
        Support.NATIVE,
        how="NACK moves it to DLQ. + the queue's name, as expiry does; dlqDeliveryFailureCause tells them apart",
        why="over STOMP a NACK always means poison: there is none that only returns a message",
    ),
    Capability(
        Feature.REDELIVERY,
        Support.NATIVE,
        how="a closed connection returns what was not acknowledged, flagged redelivered",
        why="STOMP shows no count of deliveries",
    ),
    Capability(
        Feature.TRANSACTIONS,
        Support.NATIVE,
        how="BEGIN, COMMIT and ABORT around sends and acknowledgements, across queues",
        why="delayed messages leave the transaction: they are scheduled outside of it",
    ),
)

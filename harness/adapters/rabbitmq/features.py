"""How RabbitMQ meets each need, by queue type and version, in words for somebody who is new to it."""

from __future__ import annotations

from harness.adapters.rabbitmq.topology import QUORUM, QUORUM_PRIORITIES_SINCE
from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities


def capabilities_of(queue_type: str, version: tuple[int, ...]) -> Capabilities:
    return capabilities(
        Capability(
            Feature.FAN_OUT,
            Support.NATIVE,
            how="an exchange copies each message into the queue of every group",
            why="each group's copy is queued and acknowledged on its own",
        ),
        Capability(
            Feature.ORDER_PER_KEY,
            Support.EMULATED,
            how="the publisher hashes the key to one of N queues a group; each has a single active consumer (x-single-active-consumer)",
            why="N queues a group instead of one, and the clients arrange who serves which. A member that leaves hands over what it had "
            "prefetched: a quorum queue, and a classic one of 4.0, let its successor go on behind those messages",
        ),
        Capability(
            Feature.REPLAY,
            Support.IMPOSSIBLE,
            why="acknowledging deletes: classic and quorum queues keep nothing (a stream would; it is another kind of queue)",
        ),
        _priority(queue_type, version),
        Capability(
            Feature.EXPIRY,
            Support.NATIVE,
            how="per-message expiration; the consumer checks the deadline once more when it takes a message out of its buffer",
            why="the broker looks only at the head of a queue: an expired message takes up room behind a living one; and not at what "
            "is prefetched or comes back from the retry ladder, hence the check",
        ),
        Capability(
            Feature.DELAYED_RETRY,
            Support.EMULATED,
            how="a waiting queue a delay (x-message-ttl), dead-lettering into the work queue; the consumer copies, then acknowledges",
            why="one more publish and confirm a retry; copy and acknowledgement are two steps, so a crash in between duplicates",
        ),
        Capability(
            Feature.DEAD_LETTER,
            Support.NATIVE,
            how="basic.reject or expiry moves it through the dead-letter exchange; x-death says why",
            why="held until the dead-letter queue has confirmed it"
            if queue_type == QUORUM
            else "a classic queue does not wait for a confirm when it moves a dead letter",
        ),
        Capability(
            Feature.REDELIVERY,
            Support.NATIVE,
            how="a closed channel returns what was not acknowledged, flagged redelivered"
            + ("; x-delivery-count counts" if queue_type == QUORUM else ""),
            why="" if queue_type == QUORUM else "a classic queue flags, it does not count",
        ),
        Capability(
            Feature.TRANSACTIONS,
            Support.NATIVE,
            how="tx.select and tx.commit on a channel",
            why="atomic only towards one queue, and not across a failing broker; slower than confirms",
        ),
    )


def _priority(queue_type: str, version: tuple[int, ...]) -> Capability:
    if queue_type != QUORUM:
        return Capability(
            Feature.PRIORITY,
            Support.NATIVE,
            how="x-max-priority on a classic queue: one sub-queue a level",
            why="what a consumer has prefetched is not overtaken",
        )
    if version >= QUORUM_PRIORITIES_SINCE:
        return Capability(
            Feature.PRIORITY,
            Support.NATIVE,
            how="a quorum queue keeps 32 levels apart, strictly",
            why="what a consumer has prefetched is not overtaken",
        )
    why = (
        "a quorum queue of RabbitMQ 4.0 knows two levels and serves them two to one: urgent messages do not go first"
        if version >= (4, 0)
        else "a quorum queue before RabbitMQ 4.0 ignores the priority of messages"
    )
    return Capability(
        Feature.PRIORITY, Support.IMPOSSIBLE, why=why + "; a classic queue (tiers D0 and D1) has priorities"
    )

"""How RabbitMQ meets each need, by queue type and version, in words for somebody who is new to it."""

from __future__ import annotations

from harness.adapters.rabbitmq.topology import QUORUM, QUORUM_PRIORITIES_SINCE, STREAM
from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities


def capabilities_of(queue_type: str, version: tuple[int, ...]) -> Capabilities:
    return STREAMS if queue_type == STREAM else _of_queues(queue_type, version)


STREAMS = capabilities(
    Capability(
        Feature.FAN_OUT,
        Support.NATIVE,
        how="the stream keeps each message once, and every group reads it from a place of its own",
        why="AMQP 0-9-1 keeps no place for a reader of a stream: the adapter writes it down, in a queue of length 1 a group and lane",
    ),
    Capability(
        Feature.ORDER_PER_KEY,
        Support.EMULATED,
        how="the publisher hashes the key to one of N streams; a group's members share them out by a token a stream, held in a queue "
        "with a single active consumer",
        why="a super stream of the stream protocol would do both; over AMQP 0-9-1 a stream refuses x-single-active-consumer",
    ),
    Capability(
        Feature.REPLAY,
        Support.NATIVE,
        how="x-stream-offset: consume again from the first message on",
        why="everything is kept until retention removes it; none is set here",
    ),
    Capability(
        Feature.PRIORITY,
        Support.IMPOSSIBLE,
        why="a stream is read in the order in which it was written: nothing overtakes; classic queues have priorities",
    ),
    Capability(
        Feature.EXPIRY,
        Support.EMULATED,
        how="the consumer looks at the deadline in the headers, copies what is past it to the dead letters and settles it",
        why="a stream ignores the expiration of a message and refuses x-message-ttl",
    ),
    Capability(
        Feature.DELAYED_RETRY,
        Support.EMULATED,
        how="the consumer copies it into a classic waiting queue (x-message-ttl), from which it comes back through a classic queue of the "
        "group's own, then settles it",
        why="a stream takes nothing back; copy and settlement are two steps, so a crash in between duplicates",
    ),
    Capability(
        Feature.DEAD_LETTER,
        Support.EMULATED,
        how="the consumer copies it to a classic queue with the reason in a header, then settles it",
        why="a stream dead-letters nothing; a crash between copy and settlement duplicates",
    ),
    Capability(
        Feature.REDELIVERY,
        Support.EMULATED,
        how="the next member reads on from the place that was written down last",
        why="messages that were settled after it come again, too; a stream flags no redelivery and counts none",
    ),
    Capability(
        Feature.TRANSACTIONS,
        Support.NATIVE,
        how="tx.select and tx.commit on a channel",
        why="atomic only towards one stream, and not across a failing broker; slower than confirms",
    ),
)


def _of_queues(queue_type: str, version: tuple[int, ...]) -> Capabilities:
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
            why="one more publish and confirm a retry; copy and acknowledgement are two steps, so a crash in between duplicates"
            + (
                ""
                if queue_type == QUORUM
                else "; a classic waiting queue does not wait for a confirm when it hands back: a broker killed in that moment loses one"
            ),
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

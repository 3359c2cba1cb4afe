"""How a broker of the Kafka protocol meets each need, read by consumer groups or by share groups."""

from __future__ import annotations

from typing import Final

from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities

WITHOUT_TRANSACTIONS: Final = {"pylog"}

_EXPIRY: Final = Capability(
    Feature.EXPIRY,
    Support.EMULATED,
    "the publisher sends the deadline as a header, the consumer looks at it before it hands a message out",
    "expired messages are stored and fetched all the same, and published once more as dead letters",
)
_BY_GROUPS: Final = (
    Capability(Feature.FAN_OUT, Support.NATIVE, "a consumer group each; the log is stored once"),
    Capability(
        Feature.ORDER_PER_KEY, Support.NATIVE, "a key is hashed to a partition, a partition belongs to one member"
    ),
    Capability(Feature.REPLAY, Support.NATIVE, "seek to the start; reading does not delete"),
    Capability(
        Feature.PRIORITY,
        Support.EMULATED,
        "a topic a class, read into a buffer each, the highest handed out first, full ones paused",
        "strict within a member only: a message waits for the member that owns its partition, while others serve what they have;"
        " reading ahead costs memory",
    ),
    _EXPIRY,
    Capability(
        Feature.DELAYED_RETRY,
        Support.EMULATED,
        "a ladder of retry topics, one a group and delay",
        "one extra publish a retry; publish and commit are two steps, so a crash between them duplicates",
    ),
    Capability(
        Feature.DEAD_LETTER,
        Support.EMULATED,
        "a topic that the consumer publishes to",
        "one extra publish a dead letter",
    ),
    Capability(Feature.REDELIVERY, Support.NATIVE, "the next owner of the partition reads on from the last commit"),
)
_BY_SHARE_GROUPS: Final = (
    Capability(Feature.FAN_OUT, Support.NATIVE, "a share group each; the log is stored once"),
    Capability(
        Feature.ORDER_PER_KEY,
        Support.IMPOSSIBLE,
        why="the members of a share group take turns on a partition: messages of one key are worked on side by side, and one that comes"
        " back comes later than its successors",
    ),
    Capability(
        Feature.REPLAY,
        Support.IMPOSSIBLE,
        why="members cannot seek: an administrator resets a share group's offsets while it is empty (AlterShareGroupOffsets)",
    ),
    Capability(
        Feature.PRIORITY,
        Support.EMULATED,
        "a topic a class with a share consumer each, the highest that has something served first",
        "strict within a member only: what a member has acquired waits for it while others serve what they have, and it acquires"
        " whole batches as they were published, whatever max.poll.records says",
    ),
    _EXPIRY,
    Capability(
        Feature.DELAYED_RETRY,
        Support.EMULATED,
        "a ladder of retry topics, one a group and delay, read by a consumer group; the original is accepted",
        "a share group's own RELEASE knows no delay and gives a message up without a word at the fifth delivery"
        " (group.share.delivery.count.limit); publish and acknowledgement are two steps, so a crash between them duplicates",
    ),
    Capability(
        Feature.DEAD_LETTER,
        Support.EMULATED,
        "a topic that the consumer publishes to, then REJECT",
        "a share group has no dead letters of its own: what it gives up, after REJECT or the fifth delivery, nobody gets any more",
    ),
    Capability(
        Feature.REDELIVERY,
        Support.NATIVE,
        "a connection that ends gives back what it had acquired, a lock that ends after 30 s as well; the broker counts deliveries",
        "a message is given up without a word at the fifth delivery (group.share.delivery.count.limit), whatever became of the other four",
    ),
)


def capabilities_of(broker: str, *, shared: bool) -> Capabilities:
    if broker in WITHOUT_TRANSACTIONS:
        last = Capability(Feature.TRANSACTIONS, Support.IMPOSSIBLE, why="this broker has no transaction coordinator")
    else:
        last = Capability(Feature.TRANSACTIONS, Support.NATIVE, "a transactional producer, read committed")
    return capabilities(*(_BY_SHARE_GROUPS if shared else _BY_GROUPS), last)

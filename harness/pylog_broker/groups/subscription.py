"""The one place where the broker looks into a member's metadata: which topics consumers are subscribed to.

It is needed only to protect the offsets of subscribed topics from deletion and expiry. The layout is that of the
consumer protocol's subscription, versions 0 and later: int16 version, array of topic names, then what later versions
added. Metadata of other protocol types stays opaque.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from harness.pylog_broker.protocol.primitives import MalformedMessage, read_count, read_string

CONSUMER_PROTOCOL_TYPE = "consumer"
VERSION_BYTES = 2


def subscribed_topics(metadata: bytes) -> frozenset[str]:
    """Return the topics of one subscription. Raises MalformedMessage when the bytes are not one."""
    try:
        count, position = read_count(metadata, VERSION_BYTES, 2)
        topics: set[str] = set()
        for _ in range(count):
            topic, position = read_string(metadata, position)
            topics.add(topic)
    except (struct.error, UnicodeDecodeError) as error:
        raise MalformedMessage(f"not a consumer subscription: {error}") from None
    return frozenset(topics)


def topics_in_use(metadata_of_members: Iterable[bytes]) -> frozenset[str] | None:
    """Return the topics of all subscriptions, or None when one of them cannot be read: then any may be in use."""
    topics: set[str] = set()
    for metadata in metadata_of_members:
        try:
            topics |= subscribed_topics(metadata)
        except MalformedMessage:
            return None
    return frozenset(topics)

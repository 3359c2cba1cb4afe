"""What an error code says about a message that was being published.

FAIL only where the broker refuses before it appends, or the client never sent it; whatever else may have happened is INFO. Codes are
those of the Kafka protocol; negative ones are librdkafka's own.
"""

from __future__ import annotations

from typing import Final

from harness.model.messages import Outcome

REFUSED_BEFORE_APPEND: Final = frozenset(
    {
        2,  # CORRUPT_MESSAGE
        3,  # UNKNOWN_TOPIC_OR_PARTITION
        5,  # LEADER_NOT_AVAILABLE
        6,  # NOT_LEADER_OR_FOLLOWER
        10,  # MESSAGE_TOO_LARGE
        17,  # INVALID_TOPIC_EXCEPTION
        18,  # RECORD_LIST_TOO_LARGE
        19,  # NOT_ENOUGH_REPLICAS; 20 comes after the append
        21,  # INVALID_REQUIRED_ACKS
        29,  # TOPIC_AUTHORIZATION_FAILED
        31,  # CLUSTER_AUTHORIZATION_FAILED
        32,  # INVALID_TIMESTAMP
        43,  # UNSUPPORTED_FOR_MESSAGE_FORMAT
        44,  # POLICY_VIOLATION
        74,  # FENCED_LEADER_EPOCH
        76,  # UNSUPPORTED_COMPRESSION_TYPE
        87,  # INVALID_RECORD
        100,  # UNKNOWN_TOPIC_ID
        -188,  # _UNKNOWN_TOPIC
        -190,  # _UNKNOWN_PARTITION
    }
)


def outcome_of(code: int) -> Outcome:
    """The outcome of a publish that ended with this error code (not 0)."""
    return Outcome.FAIL if code in REFUSED_BEFORE_APPEND else Outcome.INFO

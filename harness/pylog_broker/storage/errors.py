"""What can go wrong in the log, and which Kafka error code a client is told.

Every exception carries `error_code`, the number of the Kafka protocol, so that a handler needs no table of its own.
`StorageError.fault` says whose fault it is: the client's, the operator's, the disk's, or ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class StorageError(Exception):
    """Base of all errors that the storage raises on purpose."""

    error_code: ClassVar[int] = -1  # UNKNOWN_SERVER_ERROR
    fault: ClassVar[str] = "broker"


class CorruptBatch(StorageError):
    """A record batch is short, inconsistent or fails its CRC-32C (CORRUPT_MESSAGE)."""

    error_code = 2
    fault = "client"


class UnsupportedMagic(StorageError):
    """A record batch is not of message format v2 (UNSUPPORTED_FOR_MESSAGE_FORMAT)."""

    error_code = 43
    fault = "client"


class RejectedRecords(StorageError):
    """A batch that is refused for some of its records: which they are, by place in the batch, and why."""

    fault = "client"

    def __init__(self, message: str, records: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(message)
        self.records = tuple(records)


class InvalidRecord(RejectedRecords):
    """A well-formed batch that a client may not send, such as a control batch (INVALID_RECORD)."""

    error_code = 87
    fault = "client"


class InvalidTimestamp(RejectedRecords):
    """A CreateTime is outside of what `message.timestamp.*.max.ms` allows (INVALID_TIMESTAMP)."""

    error_code = 32
    fault = "client"


class MessageTooLarge(StorageError):
    """A batch is larger than `max.message.bytes` (MESSAGE_TOO_LARGE)."""

    error_code = 10
    fault = "client"


class OffsetOutOfRange(StorageError):
    """An offset is below the log start or above the log end (OFFSET_OUT_OF_RANGE)."""

    error_code = 1
    fault = "client"


class OutOfOrderSequence(StorageError):
    """An idempotent producer left a gap in its sequence (OUT_OF_ORDER_SEQUENCE_NUMBER)."""

    error_code = 45
    fault = "client"


class InvalidProducerEpoch(StorageError):
    """A producer wrote with an epoch older than the one seen last (INVALID_PRODUCER_EPOCH)."""

    error_code = 47
    fault = "client"


class InvalidTransactionState(StorageError):
    """A batch does not go with the producer's transaction in this partition (INVALID_TXN_STATE)."""

    error_code = 48
    fault = "client"


class CoordinatorFenced(StorageError):
    """A marker comes from a coordinator that another one has replaced (TRANSACTION_COORDINATOR_FENCED)."""

    error_code = 52
    fault = "client"


class StorageFailed(StorageError):
    """The disk refused: full, failed, or the log is offline after an earlier failure (KAFKA_STORAGE_ERROR)."""

    error_code = 56
    fault = "environment"


class CorruptLog(StorageError):
    """Stored bytes do not match their CRC or their neighbours; they are refused, never served (KAFKA_STORAGE_ERROR)."""

    error_code = 56
    fault = "environment"


class InvalidConfig(StorageError):
    """A topic setting is unknown or has a value out of range (INVALID_CONFIG)."""

    error_code = 40
    fault = "user"


class InvalidTopicName(StorageError):
    """A topic name is empty, too long, has a forbidden character or collides (INVALID_TOPIC_EXCEPTION)."""

    error_code = 17
    fault = "user"


class InvalidPartitions(StorageError):
    """A partition count is not positive, above the limit, or would shrink a topic (INVALID_PARTITIONS)."""

    error_code = 37
    fault = "user"


class TopicExists(StorageError):
    """The topic to be created is there already (TOPIC_ALREADY_EXISTS)."""

    error_code = 36
    fault = "user"


class UnknownTopic(StorageError):
    """No such topic (UNKNOWN_TOPIC_OR_PARTITION)."""

    error_code = 3
    fault = "user"


class FolderLocked(StorageError):
    """Another process holds the data folder."""

    fault = "user"


class WrongNode(StorageError):
    """The data folder belongs to a broker with another node id."""

    fault = "user"


class UnsupportedFormat(StorageError):
    """The data folder was written by a newer version, or is not a data folder of this broker."""

    fault = "user"

"""Keys and values of `__transaction_state`, in Apache Kafka's own formats, so that its tools can read the topic.

Key version 0: the transactional id. Values of versions 0 and 1 are read, version 1 is written, which has the epoch bumps
of KIP-890 in tagged fields. A null value is a tombstone: the id is gone. Keys and values of later versions are skipped.
"""

from __future__ import annotations

import struct

from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_compact_nullable_count,
    read_compact_string,
    read_count,
    read_nullable_count,
    read_string,
    read_tag,
    read_unsigned_varint,
    skip_tags,
    write_compact_count,
    write_compact_string,
    write_string,
    write_tags,
)
from harness.pylog_broker.transactions.states import BY_NUMBER, STORED
from harness.pylog_broker.transactions.transaction import NO_PRODUCER_ID, Partition, Transaction

KEY_VERSION = 0
VALUE_VERSION = 1
PREVIOUS_PRODUCER_ID_TAG, NEXT_PRODUCER_ID_TAG, CLIENT_VERSION_TAG = 0, 1, 2

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_HEAD = struct.Struct(">hqhib")  # version, producer id, epoch, timeout, state
_TIMES = struct.Struct(">qq")

JournalRecord = tuple[bytes, bytes | None]
"""Key and value; a value of None is a tombstone."""

StoredTransaction = tuple[str, Transaction | None]
"""A transactional id as replayed; None is a tombstone."""


def transaction_key(transactional_id: str) -> bytes:
    """Encode the key of a transactional id."""
    out = bytearray(_INT16.pack(KEY_VERSION))
    write_string(out, transactional_id)
    return bytes(out)


def transaction_value(transaction: Transaction) -> bytes:
    """Encode what is known of a transactional id."""
    out = bytearray(
        _HEAD.pack(
            VALUE_VERSION,
            transaction.producer_id,
            transaction.epoch,
            transaction.timeout_ms,
            STORED[transaction.state],
        )
    )
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(transaction.partitions):
        topics.setdefault(topic, []).append(partition)
    write_compact_count(out, list(topics))
    for topic, partitions in topics.items():
        write_compact_string(out, topic)
        write_compact_count(out, partitions)
        for partition in partitions:
            out += _INT32.pack(partition)
        out.append(0)
    out += _TIMES.pack(transaction.updated_ms, transaction.started_ms)
    tags: list[tuple[int, bytes]] = []
    if transaction.previous_producer_id != NO_PRODUCER_ID:
        tags.append((PREVIOUS_PRODUCER_ID_TAG, _INT64.pack(transaction.previous_producer_id)))
    if transaction.next_producer_id != NO_PRODUCER_ID:
        tags.append((NEXT_PRODUCER_ID_TAG, _INT64.pack(transaction.next_producer_id)))
    if transaction.client_version != 0:
        tags.append((CLIENT_VERSION_TAG, _INT16.pack(transaction.client_version)))
    write_tags(out, tags)
    return bytes(out)


def journal_record(transaction: Transaction) -> JournalRecord:
    """Key and value of a transactional id."""
    return transaction_key(transaction.transactional_id), transaction_value(transaction)


def read_record(key: bytes | None, value: bytes | None) -> StoredTransaction | None:
    """Decode one record; None when it is of a kind or version that this broker does not know.

    Raises MalformedMessage when the bytes contradict their own version.
    """
    try:
        if key is None or _INT16.unpack_from(key)[0] != KEY_VERSION:
            return None
        transactional_id, _ = read_string(key, 2)
        if value is None:
            return transactional_id, None
        (version,) = _INT16.unpack_from(value)
        if version not in (0, VALUE_VERSION):
            return None
        return transactional_id, _read_value(transactional_id, value, flexible=version == VALUE_VERSION)
    except (struct.error, IndexError, UnicodeDecodeError, KeyError) as error:
        raise MalformedMessage(f"a record of the transaction topic is damaged: {error!r}") from None


def _read_value(transactional_id: str, value: bytes, *, flexible: bool) -> Transaction:
    _, producer_id, epoch, timeout_ms, state = _HEAD.unpack_from(value)
    partitions, position = _read_partitions(value, _HEAD.size, flexible=flexible)
    updated_ms, started_ms = _TIMES.unpack_from(value, position)
    transaction = Transaction(
        transactional_id, producer_id, epoch, timeout_ms, BY_NUMBER[state], partitions, started_ms, updated_ms
    )
    return _with_tags(transaction, value, position + _TIMES.size) if flexible else transaction


def _read_partitions(value: bytes, position: int, *, flexible: bool) -> tuple[frozenset[Partition], int]:
    found: set[Partition] = set()
    read_array = read_compact_nullable_count if flexible else read_nullable_count
    topic_count, position = read_array(value, position, 3 if flexible else 6)
    for _ in range(topic_count):
        topic, position = (read_compact_string if flexible else read_string)(value, position)
        if flexible:
            count, position = read_unsigned_varint(value, position)
            count -= 1
        else:
            count, position = read_count(value, position, 4)
        for _ in range(count):
            (partition,) = _INT32.unpack_from(value, position)
            found.add((topic, partition))
            position += 4
        if flexible:
            position = skip_tags(value, position)
    return frozenset(found), position


def _with_tags(transaction: Transaction, value: bytes, position: int) -> Transaction:
    count, position = read_unsigned_varint(value, position)
    for _ in range(count):
        tag, start, position = read_tag(value, position)
        if tag == PREVIOUS_PRODUCER_ID_TAG:
            transaction = transaction._replace(previous_producer_id=_INT64.unpack_from(value, start)[0])
        elif tag == NEXT_PRODUCER_ID_TAG:
            transaction = transaction._replace(next_producer_id=_INT64.unpack_from(value, start)[0])
        elif tag == CLIENT_VERSION_TAG:
            transaction = transaction._replace(client_version=_INT16.unpack_from(value, start)[0])
    return transaction

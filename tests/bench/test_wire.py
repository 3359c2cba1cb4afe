"""The raw client speaks the protocol as other people's codecs read it."""

from __future__ import annotations

import pytest

from harness.bench.wire import (
    create_topic_request,
    parse_produced,
    produce_request,
    record_batch,
)


def test_requests_are_what_another_codec_reads() -> None:
    serial = pytest.importorskip("kio.serial")
    from kio.schema.create_topics.v4.request import CreateTopicsRequest
    from kio.schema.produce.v7.request import ProduceRequest

    batch = record_batch(b"payload", count=3)
    produced = _body(produce_request("topic", 2, batch), ProduceRequest, serial)
    assert produced.acks == 1
    (topic,) = produced.topic_data
    (partition,) = topic.partition_data
    assert (topic.name, partition.index, bytes(partition.records)) == ("topic", 2, batch)
    created = _body(create_topic_request("topic", 4), CreateTopicsRequest, serial)
    assert [(topic.name, topic.num_partitions, topic.replication_factor) for topic in created.topics] == [
        ("topic", 4, 1)
    ]


def _body(frame: bytes, entity: type, serial: object) -> object:
    from kio.schema.request_header.v1.header import RequestHeader

    size = int.from_bytes(frame[:4], "big")
    assert size == len(frame) - 4
    header, position = serial.entity_reader(RequestHeader)(frame, 4)
    assert header.client_id == "bench"
    body, used = serial.entity_reader(entity)(frame, 4 + position)
    assert 4 + position + used == len(frame)
    return body


def test_the_batch_is_what_another_codec_reads() -> None:
    records = pytest.importorskip("kafka.record.default_records")
    batch = records.DefaultRecordBatch(record_batch(b"payload" * 50, count=70))
    assert batch.validate_crc()
    assert [(record.offset, record.key, record.value) for record in batch] == [
        (offset, None, b"payload" * 50) for offset in range(70)
    ]


def test_a_produce_response_is_read() -> None:
    topic = "topic"
    response = (
        (1).to_bytes(4, "big")
        + (1).to_bytes(4, "big")
        + len(topic).to_bytes(2, "big")
        + topic.encode()
        + (1).to_bytes(4, "big")
        + (0).to_bytes(4, "big")
        + (6).to_bytes(2, "big")
        + (77).to_bytes(8, "big")
        + bytes(20)
    )
    produced = parse_produced(response, topic)
    assert (produced.error_code, produced.base_offset) == (6, 77)

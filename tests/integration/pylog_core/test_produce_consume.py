"""Records written by each client in each codec are read back unchanged by all of them."""

from __future__ import annotations

import random
import time

import pytest

from harness.pylog_broker.protocol.generated.fetch import FetchRequest, FetchRequestPartition, FetchRequestTopic
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest, MetadataRequestTopic
from harness.pylog_broker.storage.batch import iterate_records, parse_header
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.clients import CODECS, READERS, WRITERS, Record, Stored
from tests.integration.pylog_core.wire import Wire, framed, produce_request

pytestmark = [pytest.mark.broker("pylog"), pytest.mark.timeout(120)]

NOW_MS = 1_790_000_000_000
RECORDS = [
    Record(b"key", b"value", (("header", b"bytes"), ("header", b"again")), NOW_MS),
    Record(None, b"without a key", (), NOW_MS + 5),
    Record(b"without a value", None, (), NOW_MS + 3),
    Record(b"", b"", (("empty", b""),), NOW_MS + 9),
    *(Record(b"%d" % index, b"x" * (index % 700), (), NOW_MS + 10 + index) for index in range(300)),
    Record(b"large", bytes(range(256)) * 600, (), NOW_MS + 1000),
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_client_reads_what_any_client_wrote(broker: BrokerProcess, writer: str, codec: str) -> None:
    topic = f"records-{writer}-{codec}"
    WRITERS[writer](broker.address, topic, 1, RECORDS, codec)
    expected = [Stored(offset, record) for offset, record in enumerate(RECORDS)]
    for read in READERS.values():
        assert read(broker.address, topic, 1, 0, len(RECORDS)) == expected


@pytest.mark.parametrize("reader", READERS)
def test_seek_into_the_middle_of_a_batch(broker: BrokerProcess, reader: str) -> None:
    topic = f"seek-{reader}"
    WRITERS["confluent-kafka"](broker.address, topic, 0, RECORDS, "lz4")
    found = READERS[reader](broker.address, topic, 0, 137, len(RECORDS) - 137)
    assert found == [Stored(offset, RECORDS[offset]) for offset in range(137, len(RECORDS))]


def test_a_response_far_larger_than_the_sockets_buffers_arrives_unchanged(broker: BrokerProcess) -> None:
    generator = random.Random(5)
    values = [generator.randbytes(900_000) for _ in range(10)]
    fetch = FetchRequest(
        max_wait_ms=0,
        min_bytes=1,
        topics=[FetchRequestTopic("large", partitions=[FetchRequestPartition(0, partition_max_bytes=1 << 30)])],
    )
    with Wire(broker.port) as wire:
        wire.call(MetadataRequest([MetadataRequestTopic(name="large")]), 9)
        for value in values:
            assert wire.call(produce_request("large", [value], timestamp_ms=NOW_MS), 9).responses
        wire.send(framed(fetch, 12) * 3)
        time.sleep(0.3)  # the broker fills the sockets' buffers and has to wait
        for _ in range(3):
            records = wire.response(fetch, 12).responses[0].partitions[0].records
            found, position = [], 0
            while position < len(records):
                header = parse_header(records, position)
                found += [record.value for record in iterate_records(records[position : position + header.length])]
                position += header.length
            assert found == values

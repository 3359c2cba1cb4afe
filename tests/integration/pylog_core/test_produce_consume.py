"""Records written by each client in each codec are read back unchanged by all of them."""

from __future__ import annotations

import pytest

from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.clients import CODECS, READERS, WRITERS, Record, Stored

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

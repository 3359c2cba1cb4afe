"""Peers that send nonsense, too much, too little, or do not read: others are served, and memory stays bounded."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.pylog_broker.protocol.generated.api_versions import ApiVersionsRequest
from harness.pylog_broker.protocol.generated.fetch import FetchRequest, FetchRequestPartition, FetchRequestTopic
from harness.pylog_broker.protocol.generated.heartbeat import HeartbeatRequest
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest, MetadataRequestTopic
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.wire import Wire, framed, produce_request

pytestmark = pytest.mark.broker("pylog")

MIB = 1 << 20
GROWTH_BYTES_MAX = 48 * MIB
NOW_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder = tmp_path_factory.mktemp("pylog")
    settings = ("log.retention.ms=-1", "queued.max.request.bytes=33554432", "max.connections=300")
    with BrokerProcess(folder / "data", *settings) as process:
        yield process
        assert process.stop() == 0


@pytest.fixture(autouse=True)
def bounded(broker: BrokerProcess) -> Iterator[None]:
    """After each test a well-behaved client is served and memory has not grown much."""
    before = broker.rss_bytes()
    yield
    with Wire(broker.port) as wire:
        assert wire.call(ApiVersionsRequest("test", "1"), 3).error_code == 0
    assert broker.rss_bytes() < before + GROWTH_BYTES_MAX
    assert broker.rss_bytes_max() < 200 * MIB


@pytest.mark.parametrize("size", [-1, -(2**31), 0, 3, 100 * MIB + 1, 2**31 - 1])
def test_trap_29_impossible_sizes_close_the_connection(broker: BrokerProcess, size: int) -> None:
    with Wire(broker.port) as wire:
        wire.send(struct.pack(">i", size) + b"x" * 100)
        assert wire.is_closed_by_peer()


def test_random_bytes(broker: BrokerProcess) -> None:
    generator = random.Random(1)
    for _ in range(50):
        with Wire(broker.port) as wire:
            wire.send(generator.randbytes(generator.choice((1, 7, 100, 5_000))))


def test_random_bodies_in_sound_frames(broker: BrokerProcess) -> None:
    generator = random.Random(2)
    for _ in range(300):
        key, version = generator.choice((0, 1, 2, 3, 8, 9, 11, 18, 19, 32)), generator.randrange(12)
        body = struct.pack(">hhih", key, version, 1, -1) + generator.randbytes(generator.randrange(200))
        with Wire(broker.port) as wire:
            wire.send(struct.pack(">i", len(body)) + body)


@pytest.mark.parametrize(("key", "version"), [(4, 0), (1000, 0), (3, 99), (0, 0), (-5, -5)])
def test_trap_29_unknown_keys_and_versions_close_the_connection(broker: BrokerProcess, key: int, version: int) -> None:
    body = struct.pack(">hhih", key, version, 1, -1) + bytes(50)
    with Wire(broker.port) as wire:
        wire.send(struct.pack(">i", len(body)) + body)
        assert wire.is_closed_by_peer()


def test_trap_29_giant_counts_are_refused_without_allocating(broker: BrokerProcess) -> None:
    for version, count in ((1, struct.pack(">i", 2**31 - 1)), (9, b"\xff\xff\xff\xff\x0f"), (12, b"\xff\xff\xff\x7f")):
        body = struct.pack(">hhih", 3, version, 1, -1) + (b"\0" if version >= 9 else b"") + count + bytes(1000)
        with Wire(broker.port) as wire:
            wire.send(struct.pack(">i", len(body)) + body)
            assert wire.is_closed_by_peer()


def test_the_answers_before_a_bad_request_still_come(broker: BrokerProcess) -> None:
    request = ApiVersionsRequest("test", "1")
    with Wire(broker.port) as wire:
        wire.send(framed(request, 3) * 3 + struct.pack(">i", -1))
        for _ in range(3):
            assert wire.response(request, 3).error_code == 0
        assert wire.is_closed_by_peer()


def test_half_frames_and_large_announcements_from_many(broker: BrokerProcess) -> None:
    wires = [Wire(broker.port) for _ in range(200)]
    try:
        for wire in wires:
            wire.send(struct.pack(">i", 90 * MIB) + b"\0\0\0\3" + b"x" * 1000)
        with Wire(broker.port) as other:
            assert other.call(ApiVersionsRequest("test", "1"), 3).error_code == 0
    finally:
        for wire in wires:
            wire.close()


def test_a_trickling_peer_holds_nobody_up(broker: BrokerProcess) -> None:
    request = framed(MetadataRequest(topics=None), 9)
    with Wire(broker.port) as slow, Wire(broker.port) as other:
        for byte in request[:-1]:
            slow.send(bytes((byte,)))
            assert other.call(ApiVersionsRequest("test", "1"), 3).error_code == 0
        slow.send(request[-1:])
        assert slow.response(MetadataRequest(topics=None), 9).brokers


def test_a_flood_of_large_requests_without_records_is_refused(broker: BrokerProcess) -> None:
    with Wire(broker.port) as wire:
        wire.send(framed(HeartbeatRequest("g"), 3)[4:8])
    body = struct.pack(">hhih", 12, 3, 1, -1) + bytes(8 * MIB)
    with Wire(broker.port) as wire:
        try:
            wire.send(struct.pack(">i", len(body)) + body)
        except (BrokenPipeError, ConnectionResetError):
            return
        assert wire.is_closed_by_peer()


def test_readers_that_do_not_read_block_nobody(broker: BrokerProcess) -> None:
    with Wire(broker.port) as writer:
        writer.call(MetadataRequest([MetadataRequestTopic(name="big")], allow_auto_topic_creation=True), 9)
        for _ in range(40):
            request = produce_request("big", [bytes(900_000)], timestamp_ms=NOW_MS)
            assert writer.call(request, 9).responses[0].partition_responses[0].error_code == 0
        fetch = FetchRequest(
            max_wait_ms=0, min_bytes=1, topics=[FetchRequestTopic("big", partitions=[FetchRequestPartition(0)])]
        )
        fetch.topics[0].partitions[0].partition_max_bytes = 1 << 30
        lazy = [Wire(broker.port, receive_buffer=4096) for _ in range(100)]
        try:
            for wire in lazy:
                wire.send(framed(fetch, 12) * 20)
            started_s = time.monotonic()
            for _ in range(20):
                request = produce_request("big", [b"small"], timestamp_ms=NOW_MS)
                assert writer.call(request, 9).responses[0].partition_responses[0].error_code == 0
            assert time.monotonic() - started_s < 10, "hangs would be noticed; this is no measurement"
            (size,) = struct.unpack(">i", lazy[0].receive(4))
            assert size > 30 * MIB
            assert len(lazy[0].receive(200_000)) == 200_000
        finally:
            for wire in lazy:
                wire.close()


def test_trap_29_connections_beyond_the_limit_are_closed_and_the_others_stay(broker: BrokerProcess) -> None:
    with Wire(broker.port) as first:
        assert first.call(ApiVersionsRequest("test", "1"), 3).error_code == 0
        wires = [Wire(broker.port) for _ in range(300)]
        try:
            assert wires[-1].is_closed_by_peer()
            assert first.call(ApiVersionsRequest("test", "1"), 3).error_code == 0
        finally:
            for wire in wires:
                wire.close()


def test_trap_28_requests_behind_a_parked_fetch_are_answered_in_order(broker: BrokerProcess) -> None:
    with Wire(broker.port) as reader, Wire(broker.port) as writer:
        topics = MetadataRequest([MetadataRequestTopic(name="parked")], allow_auto_topic_creation=True)
        writer.call(topics, 9)
        fetch = FetchRequest(
            max_wait_ms=8000,
            min_bytes=1,
            topics=[FetchRequestTopic("parked", partitions=[FetchRequestPartition(0, partition_max_bytes=1000)])],
        )
        metadata = MetadataRequest(topics=None)
        reader.send(framed(fetch, 12) + framed(metadata, 9) * 500)
        time.sleep(0.2)
        writer.call(produce_request("parked", [b"value"], timestamp_ms=NOW_MS), 9)
        assert b"value" in reader.response(fetch, 12).responses[0].partitions[0].records
        for _ in range(500):
            assert reader.response(metadata, 9).brokers


def test_idle_and_stuck_connections_are_closed_and_waiting_ones_are_not(tmp_path: Path) -> None:
    settings = ("connections.max.idle.ms=2000", "request.receive.timeout.ms=1000")
    with BrokerProcess(tmp_path / "data", *settings) as process:
        with Wire(process.port) as idle, Wire(process.port) as stuck, Wire(process.port) as waiting:
            topics = MetadataRequest([MetadataRequestTopic(name="topic")], allow_auto_topic_creation=True)
            waiting.call(topics, 9)
            fetch = FetchRequest(
                max_wait_ms=3500,
                min_bytes=1,
                topics=[FetchRequestTopic("topic", partitions=[FetchRequestPartition(0, partition_max_bytes=1000)])],
            )
            waiting.request(fetch, 12)
            stuck.send(struct.pack(">i", 100) + b"half")
            assert stuck.is_closed_by_peer()
            assert idle.is_closed_by_peer()
            assert waiting.response(fetch, 12).responses[0].partitions[0].error_code == 0
        assert process.stop() == 0
    assert "stood still" in process.log.read_text()

"""`flush.messages=1` over real sockets: requests go on behind one that waits for its sync, and answers stay in order."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.protocol.generated.fetch import FetchRequest, FetchRequestPartition, FetchRequestTopic
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest, MetadataRequestTopic
from harness.pylog_broker.protocol.generated.produce import ProduceRequest
from harness.pylog_broker.protocol.message import Message
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.wire import Wire, framed, produce_request
from tests.pylog_broker.handlers.local_broker import CORRELATION_ID, decode

PRODUCE, METADATA, FETCH = 9, 9, 11
TOPIC = "synced"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path / "data", "log.flush.interval.messages=1", "num.partitions=1") as process:
        with Wire(process.port) as wire:
            while wire.call(MetadataRequest([MetadataRequestTopic(name=TOPIC)]), METADATA).topics[0].error_code:
                time.sleep(0.02)
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def _produce(value: bytes = b"v") -> Message:
    return produce_request(TOPIC, [value], timestamp_ms=int(time.time() * 1000))


def _fetch(offset: int, *, max_wait_ms: int = 0) -> Message:
    row = FetchRequestPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    return FetchRequest(
        replica_id=-1,
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=0,
        session_epoch=-1,
        topics=[FetchRequestTopic(topic=TOPIC, partitions=[row])],
    )


def _numbered(request: Message, version: int, number: int) -> bytes:
    """A whole request whose correlation id is `number`."""
    data = bytearray(framed(request, version))
    struct.pack_into(">i", data, 8, number)
    return bytes(data)


def _answer(wire: Wire, request: Message, version: int, number: int) -> Any:
    size = wire.receive(4)
    data = bytearray(size + wire.receive(*struct.unpack(">i", size)))
    assert struct.unpack_from(">i", data, 4) == (number,), "answers come in the order of the requests"
    struct.pack_into(">i", data, 4, CORRELATION_ID)
    return decode(bytes(data), request, version)


def _offset(answer: Any) -> int:
    row = answer.responses[0].partition_responses[0]
    assert row.error_code == 0
    return int(row.base_offset)


def test_pipelined_requests_of_all_kinds_are_answered_in_order(broker: BrokerProcess) -> None:
    requests: list[tuple[Message, int]] = []
    for turn in range(30):
        requests += [(_produce(), PRODUCE)] * 5 + [(MetadataRequest([MetadataRequestTopic(name=TOPIC)]), METADATA)]
        requests += [(_fetch(0 if turn == 0 else turn), FETCH)]
    with Wire(broker.port) as wire:
        wire.send(b"".join(_numbered(*each, number) for number, each in enumerate(requests)))
        offsets = []
        for number, (request, version) in enumerate(requests):
            answer = _answer(wire, request, version, number)
            if isinstance(request, ProduceRequest):
                offsets.append(_offset(answer))
            elif isinstance(request, FetchRequest):
                assert answer.responses[0].partitions[0].error_code == 0
    assert offsets == list(range(150))


def test_a_long_poll_behind_a_produce_is_answered_by_it_and_what_follows_goes_on(broker: BrokerProcess) -> None:
    requests = [(_produce(b"one"), PRODUCE), (_fetch(0, max_wait_ms=9000), FETCH), (_produce(b"two"), PRODUCE)]
    with Wire(broker.port) as wire:
        begun_s = time.monotonic()
        wire.send(b"".join(_numbered(*each, number) for number, each in enumerate(requests)))
        answers = [_answer(wire, *each, number) for number, each in enumerate(requests)]
        assert time.monotonic() - begun_s < 8
    assert (_offset(answers[0]), _offset(answers[2])) == (0, 1)
    assert answers[1].responses[0].partitions[0].records


def test_many_connections_and_a_request_that_breaks_off(broker: BrokerProcess) -> None:
    wires = [Wire(broker.port) for _ in range(8)]
    for turn in range(20):
        for wire in wires:
            wire.send(b"".join(_numbered(_produce(), PRODUCE, number) for number in range(turn, turn + 3)))
        if turn == 10:
            wires.pop().close()
            wires[-1].send(struct.pack(">i", -5))
            broken = wires.pop()
            offsets = [_offset(_answer(broken, _produce(), PRODUCE, number)) for number in range(10, 13)]
            assert offsets == sorted(offsets), "what came before the mistake is answered"
            assert broken.is_closed_by_peer()
            broken.close()
        for wire in wires:
            offsets = [_offset(_answer(wire, _produce(), PRODUCE, number)) for number in range(turn, turn + 3)]
            assert offsets == sorted(offsets)
    for wire in wires:
        wire.close()


def test_nothing_acknowledged_is_lost_by_kill_9(broker: BrokerProcess) -> None:
    with Wire(broker.port) as wire:
        wire.send(b"".join(_numbered(_produce(b"%d" % number), PRODUCE, number) for number in range(200)))
        acknowledged = [_offset(_answer(wire, _produce(), PRODUCE, number)) for number in range(100)]
        broker.kill()
    broker.start()
    with Wire(broker.port) as wire:
        answer = wire.call(_fetch(acknowledged[-1]), FETCH)
        row = answer.responses[0].partitions[0]
        assert row.error_code == 0
        assert row.high_watermark > acknowledged[-1]

"""Headers, versions, and what closes a connection."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.pylog_broker.dispatch import CONTROL_REQUEST_BYTES_MAX, LANE_BYTES_MAX, Parked
from harness.pylog_broker.handlers import CloseConnection
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.api_versions import ApiVersionsRequest, ApiVersionsResponse
from harness.pylog_broker.protocol.generated.heartbeat import HeartbeatRequest
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest
from harness.pylog_broker.protocol.primitives import MalformedMessage
from tests.pylog_broker.handlers.local_broker import LocalBroker, decode, frame


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(tmp_path / "data")
    yield broker
    broker.close()


@pytest.mark.parametrize("version", range(5))
def test_api_versions_is_the_table_of_handlers(local: LocalBroker, version: int) -> None:
    response = local.call(ApiVersionsRequest("client-name", "1.2.3-x"), version)
    assert response.error_code == 0
    rows = {row.api_key: (row.min_version, row.max_version) for row in response.api_keys}
    assert set(rows) == set(local.broker.apis)
    assert rows[0] == (0, 13)
    assert rows[1] == (4, 18)
    assert rows[18] == (0, 4)


@pytest.mark.parametrize("version", [5, 99, 32767, -1])
def test_an_unknown_version_of_api_versions_is_answered_in_version_0(local: LocalBroker, version: int) -> None:
    data = struct.pack(">hhih", 18, version, 5, 1) + b"x" + bytes(20)
    output = local.dispatcher.handle(memoryview(bytearray(data)), local.peer)
    assert isinstance(output, bytes)
    response, end = ApiVersionsResponse.read(output, 8, 0)
    assert end == len(output)
    assert struct.unpack_from(">ii", output) == (len(output) - 4, 5)
    assert response.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert [(row.api_key, row.min_version, row.max_version) for row in response.api_keys] == [(18, 0, 4)]


@pytest.mark.parametrize("name", ["", "-x", "x-", "a b", "é"])
def test_the_software_name_is_checked(local: LocalBroker, name: str) -> None:
    assert local.call(ApiVersionsRequest(name, "1"), 3).error_code == ErrorCode.INVALID_REQUEST
    assert local.call(ApiVersionsRequest("x", name), 4).error_code == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    ("key", "version"), [(4, 0), (999, 0), (-1, 0), (3, 14), (3, -1), (0, 2), (0, 14), (1, 3), (1, 19)]
)
def test_what_was_never_advertised_closes(local: LocalBroker, key: int, version: int) -> None:
    data = struct.pack(">hhih", key, version, 5, -1) + bytes(20)
    with pytest.raises(CloseConnection, match="not supported"):
        local.dispatcher.handle(memoryview(bytearray(data)), local.peer)


@pytest.mark.parametrize("client_id", [None, "", "x", "é", "x" * 100, "x" * (LANE_BYTES_MAX + 1), "x" * 32767])
def test_client_ids(local: LocalBroker, client_id: str | None) -> None:
    for version in (1, 12, 1, 12):
        request = MetadataRequest(topics=None)
        output = local.send(request, version, client_id)
        assert decode(output, request, version).brokers
    remembered = [lane.context.client_id for lane in local.peer.lanes.values()]
    assert all(name == client_id for name in remembered)
    assert all(lane.end <= LANE_BYTES_MAX for lane in local.peer.lanes.values())


def test_a_new_client_id_on_the_same_connection_counts(local: LocalBroker) -> None:
    for name in ("one", "two", "six"):
        local.send(MetadataRequest(topics=None), 9, name)
        assert local.peer.client_id == name


def test_tagged_fields_in_the_header_are_skipped(local: LocalBroker) -> None:
    request = MetadataRequest(topics=None)
    data = bytes(frame(request, 9))
    start = 10 + len("test")
    tagged = bytearray(data[:start] + b"\x01\x07\x03abc" + data[start + 1 :])
    for _ in range(2):
        assert decode(local.dispatcher.handle(memoryview(tagged), local.peer), request, 9).brokers
        assert decode(local.send(request, 9), request, 9).brokers


@pytest.mark.parametrize("length", [-2, 5, 32767])
def test_an_impossible_client_id_is_malformed(local: LocalBroker, length: int) -> None:
    data = struct.pack(">hhih", 3, 1, 5, length) + b"abcd"
    with pytest.raises(MalformedMessage):
        local.dispatcher.handle(memoryview(bytearray(data)), local.peer)


def test_a_huge_request_without_records_is_refused(local: LocalBroker) -> None:
    data = bytearray(frame(HeartbeatRequest("g"), 3)) + bytes(CONTROL_REQUEST_BYTES_MAX)
    with pytest.raises(CloseConnection, match="without records"):
        local.dispatcher.handle(memoryview(data), local.peer)


def test_random_bytes_never_raise_anything_else(local: LocalBroker) -> None:
    generator = random.Random(7)
    keys = sorted(local.broker.apis)
    for _ in range(6_000):
        key = generator.choice(keys)
        api = local.broker.apis[key]
        version = generator.randint(api.min_version, api.max_version)
        size = generator.choice((0, 3, 10, 40, 200))
        data = bytearray(struct.pack(">hhih", key, version, 1, -1))
        data += bytes(generator.choice((0, 0, 0, 1, 2, 5, 0x7F, 0x80, 0xFF)) for _ in range(size))
        try:
            output = local.dispatcher.handle(memoryview(data), local.peer)
        except (MalformedMessage, CloseConnection):
            continue
        if isinstance(output, Parked):
            output.deferred.cancel()

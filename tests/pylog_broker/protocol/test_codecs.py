"""Every message of every version: our bytes against two codecs written by others, and bad bytes against ours."""

from __future__ import annotations

import contextlib
import importlib
import io
import random

import pytest

from harness.pylog_broker.protocol import generate
from harness.pylog_broker.protocol.generated.api_versions import ApiVersionsResponse
from harness.pylog_broker.protocol.primitives import MalformedMessage
from harness.pylog_broker.protocol.schema_table import SchemaError, parse_api
from tests.pylog_broker.protocol.samples import APIS, CASES, message_class, random_message

SAMPLES_PER_CASE = 6


KAFKA_PYTHON_MODULES = ("admin", "consumer", "metadata", "producer", "sasl")
NOT_IN_KAFKA_PYTHON = frozenset(
    {
        *("ConsumerGroupHeartbeat", "ConsumerGroupDescribe", "ShareGroupHeartbeat", "ShareGroupDescribe"),
        *("ShareFetch", "ShareAcknowledge"),
        *("DescribeShareGroupOffsets", "AlterShareGroupOffsets", "DeleteShareGroupOffsets"),
    }
)


def _samples(api: str, kind: str, version: int):
    generator = random.Random(f"{api}{kind}{version}")
    for _ in range(SAMPLES_PER_CASE):
        yield random_message(api, kind, version, generator)


@pytest.mark.parametrize(("api", "kind", "version"), CASES)
def test_round_trip(api: str, kind: str, version: int) -> None:
    for message in _samples(api, kind, version):
        data = bytes(message.encode(version))
        decoded, end = type(message).read(memoryview(data), 0, version)
        assert end == len(data)
        assert bytes(decoded.encode(version)) == data


@pytest.mark.parametrize(("api", "kind", "version"), CASES)
def test_kio_reads_and_writes_the_same_bytes(api: str, kind: str, version: int) -> None:
    from kio.serial import entity_reader, entity_writer

    module = importlib.import_module(f"kio.schema.{APIS[api].module}.v{version}.{kind.lower()}")
    cls = getattr(module, api + kind)
    for message in _samples(api, kind, version):
        data = bytes(message.encode(version))
        entity, end = entity_reader(cls)(data, 0)
        assert end == len(data)
        out = io.BytesIO()
        entity_writer(cls)(out, entity)
        assert message_class(api, kind).decode(out.getvalue(), version).encode(version) == data


@pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated")
@pytest.mark.parametrize(("api", "kind", "version"), [case for case in CASES if case[0] not in NOT_IN_KAFKA_PYTHON])
def test_kafka_python_reads_and_writes_the_same_bytes(api: str, kind: str, version: int) -> None:
    for name in KAFKA_PYTHON_MODULES:
        cls = getattr(importlib.import_module(f"kafka.protocol.{name}"), api + kind, None)
        if cls is not None:
            break
    else:
        pytest.fail(f"kafka-python has no {api}{kind}")
    for message in _samples(api, kind, version):
        if isinstance(message, ApiVersionsResponse):
            message.error_code = (
                0  # with an error, kafka-python expects a body of version 0, as the dispatcher sends it
            )
        data = bytes(message.encode(version))
        decoded = cls.decode(data, version=version)
        decoded._header = None
        encoded = bytes(decoded.encode(version=version))
        assert message_class(api, kind).decode(encoded, version).encode(version) == data


@pytest.mark.parametrize(("api", "kind", "version"), CASES)
def test_truncated_and_damaged_bytes_are_malformed_never_another_error(api: str, kind: str, version: int) -> None:
    cls = message_class(api, kind)
    generator = random.Random(f"damage {api}{kind}{version}")
    message = random_message(api, kind, version, generator)
    data = bytes(message.encode(version))
    for end in range(0, len(data), max(1, len(data) // 40)):
        with pytest.raises(MalformedMessage):
            cls.decode(memoryview(data)[:end], version)
    for _ in range(30):
        damaged = bytearray(data or b"\0")
        for _ in range(3):
            damaged[generator.randrange(len(damaged))] = generator.choice((0, 1, 0x7F, 0x80, 0xFF))
        with contextlib.suppress(MalformedMessage):
            cls.decode(memoryview(damaged), version)


def test_generated_modules_are_up_to_date() -> None:
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("  name strin 0+", "unknown type"),
        ("  name string 0-9", "version range"),
        ("  name string", "a row is"),
        ("      name string 0+", "indented too deep"),
    ],
)
def test_a_bad_row_names_file_and_line(row: str, complaint: str) -> None:
    text = f"api 1 Thing\nversions 0-2\nflexible 1+\n\nrequest\n{row}\n\nresponse\n"
    with pytest.raises(SchemaError, match=rf"thing\.txt:6: .*{complaint}"):
        parse_api(text, "thing.txt")

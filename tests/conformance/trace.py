"""A conversation with a broker, request by request, written down so that two brokers' answers can be laid side by side.

What must differ between any two brokers (ids that they make up, clocks, addresses, wording) is replaced by what it
stands for; everything else is kept as it came.
"""

from __future__ import annotations

import dataclasses
import importlib
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from harness.pylog_broker.protocol.message import Message, Structure
from harness.pylog_broker.protocol.schema_table import Field, load_apis
from harness.pylog_broker.storage.batch import parse_header
from tests.integration.pylog_core.wire import Wire

SECONDS_MAX = 15
NOT_READY = frozenset({5, 14, 15, 16, 51})
"""Codes that say "later": a leader or coordinator that is not there yet, a transaction that is still being ended."""

APIS = {api.name: api for api in load_apis()}
DROPPED = frozenset(
    {
        *("throttle_time_ms", "error_message", "batch_index_error_message"),
        *("authorized_operations", "cluster_authorized_operations"),
    }
)
CLIENTS_NAMES = frozenset({"member_id", "leader", "producer_id", "topic_id", "cluster_id", "next_producer_id"})
PRESENCE = frozenset(
    {"host", "port", "client_host", "log_dir", "transaction_start_time_ms", "log_append_time_ms", "last_timestamp"}
)


def build(api: str, **fields: Any) -> Message:
    """A request from plain values: dictionaries for structures, the defaults of the protocol for what is left out."""
    module = importlib.import_module(f"harness.pylog_broker.protocol.generated.{APIS[api].module}")
    message = _structure(module, f"{api}Request", f"{api}Request", APIS[api].request, fields)
    assert isinstance(message, Message)
    return message


def _structure(module: Any, message: str, name: str, rows: list[Field], values: dict[str, Any]) -> Structure:
    known = {row.name: row for row in rows}
    made: dict[str, Any] = {}
    for key, value in values.items():
        row = known[key]
        if not row.is_structure or value is None:
            made[key] = value
        elif row.array:
            made[key] = [_structure(module, message, message + row.type, row.fields, each) for each in value]
        else:
            made[key] = _structure(module, message, message + row.type, row.fields, value)
    structure = getattr(module, name)(**made)
    assert isinstance(structure, Structure)
    return structure


class Trace:
    """One trace against one broker; `answers` is step -> what came back."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.answers: dict[str, Any] = {}
        self._port = port
        self._wire = Wire(port)
        self._names: dict[tuple[str, object], str] = {}

    def topic(self, suffix: str) -> str:
        """A name of this trace's own."""
        return f"{self.name}-{suffix}"

    def call(
        self,
        step: str,
        api: str,
        version: int,
        *,
        until: Callable[[Any], bool] | None = None,
        **fields: Any,
    ) -> Any:
        """Send a request, write down the answer under `step`, and return it as it came.

        It is sent again while the answer says "later", or until `until` holds; then the last answer counts.
        """
        assert step not in self.answers, f"step {step!r} is named twice"
        deadline_s = time.monotonic() + SECONDS_MAX
        while True:
            response = self._exchange(build(api, **fields), version)
            if response is None:
                self.answers[step] = "closed"
                return None
            done = not NOT_READY & set(_codes(response)) if until is None else until(response)
            if done or time.monotonic() > deadline_s:
                break
            time.sleep(0.05)
        self.answers[step] = self._plain(response, "")
        return response

    def ask(self, api: str, version: int, **fields: Any) -> Any:
        """Send a request whose answer is not written down."""
        return self._exchange(build(api, **fields), version)

    def note(self, step: str, value: Any) -> None:
        """Write down something that was worked out."""
        self.answers[step] = value

    def _exchange(self, request: Message, version: int) -> Any:
        try:
            return self._wire.call(request, version)
        except ConnectionError:
            self._wire.close()
            self._wire = Wire(self._port)
            return None

    def send(self, api: str, version: int, **fields: Any) -> Callable[[str], Any]:
        """Send a request on a connection of its own; the function that comes back waits for the answer and writes it down."""
        wire, request = Wire(self._port), build(api, **fields)
        wire.request(request, version)

        def receive(step: str) -> Any:
            response = wire.response(request, version)
            wire.close()
            self.answers[step] = self._plain(response, "")
            return response

        return receive

    def close(self) -> None:
        self._wire.close()

    def _plain(self, value: Any, name: str) -> Any:
        if isinstance(value, Structure):
            fields = {each: getattr(value, each) for each in value.__slots__ if each not in DROPPED}
            return {each: self._plain(field, each) for each, field in fields.items()}
        if name in CLIENTS_NAMES:
            return self._symbol(name, value)
        if name in PRESENCE:
            return value if value in (-1, None, "") else "something"
        if name == "records":
            return _batches(value)
        if isinstance(value, (list, tuple)):
            return _by_key([self._plain(each, name) for each in value])
        return value.hex() if isinstance(value, (bytes, bytearray, memoryview)) else value

    def _symbol(self, name: str, value: Any) -> Any:
        if value in ("", -1, None, UUID(int=0)):
            return "" if isinstance(value, UUID) else value
        name = "member_id" if name == "leader" and isinstance(value, str) else name
        return self._names.setdefault((name, value), f"{name} {sum(key[0] == name for key in self._names) + 1}")


KEYS = ("group_id", "name", "topic", "partition_index", "partition", "index", "api_key", "member_id", "resource_name")


def _by_key(rows: list[Any]) -> Any:
    """Rows of an array under what names them: their order means nothing in answers. Rows without names stay a list."""
    for key in KEYS:
        names = [row[key] for row in rows if isinstance(row, dict) and key in row]
        if rows and len(set(names)) == len(rows):
            return {str(row[key]): row for row in sorted(rows, key=lambda row: str(row[key]))}
    return rows


def _codes(response: Any) -> list[int]:
    """Every error code anywhere in an answer."""
    found: list[int] = []
    for each in response.__slots__:
        value = getattr(response, each)
        if each in ("error_code", "partition_error_code"):
            found.append(value)
        elif isinstance(value, Structure):
            found += _codes(value)
        elif isinstance(value, (list, tuple)):
            found += [code for row in value if isinstance(row, Structure) for code in _codes(row)]
    return found


def _batches(data: Any) -> Any:
    """Batches as clients see them: offsets, count, attributes, producer."""
    if data is None:
        return None
    rows = []
    position = 0
    while position < len(data):
        header = parse_header(data, position)
        rows.append(
            {
                "base": header.base_offset,
                "last": header.base_offset + header.last_offset_delta,
                "count": header.record_count,
                "attributes": header.attributes,
                "epoch": header.leader_epoch,
                "sequence": header.base_sequence,
            }
        )
        position += header.length
    return rows


@dataclasses.dataclass(frozen=True)
class Difference:
    """One place in one answer where two brokers say different things."""

    place: str
    """`trace/step/field/0/field`"""
    kafka: Any
    pylog: Any


MISSING = "(not there)"


def differences(kafka: dict[str, Any], pylog: dict[str, Any]) -> list[Difference]:
    """Lay two brokers' answers side by side."""
    found: list[Difference] = []
    _compare("", kafka, pylog, found)
    return found


def _compare(place: str, kafka: Any, pylog: Any, found: list[Difference]) -> None:
    if isinstance(kafka, dict) and isinstance(pylog, dict):
        for key in {**kafka, **pylog}:
            _compare(f"{place}/{key}".lstrip("/"), kafka.get(key, MISSING), pylog.get(key, MISSING), found)
    elif isinstance(kafka, list) and isinstance(pylog, list) and len(kafka) == len(pylog):
        for number, (one, other) in enumerate(zip(kafka, pylog, strict=True)):
            _compare(f"{place}/{number}", one, other, found)
    elif kafka != pylog:
        found.append(Difference(place, kafka, pylog))

"""What a broker loads before its first message is acknowledged: nothing that only other requests need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.pylog_broker.protocol.generated.create_topics import CreateTopicsRequest, CreateTopicsRequestTopic
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.wire import Wire, produce_request

pytestmark = pytest.mark.broker("pylog")

HANDLERS = "harness.pylog_broker.handlers."
NOT_YET = ("groups.service", "groups.coordinator", "transactions.service", "transactions.coordinator", "tools.topic")


def test_a_first_message_loads_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONVERBOSE", "1")  # each module is a line on standard error
    with BrokerProcess(tmp_path / "data") as process, Wire(process.port) as wire:
        created = wire.call(CreateTopicsRequest(topics=[CreateTopicsRequestTopic("t", 1, 1)], timeout_ms=1000), 7)
        assert [topic.error_code for topic in created.topics] == [0]
        produced = wire.call(produce_request("t", [b"x"], timestamp_ms=-1), 9)
        assert produced.responses[0].partition_responses[0].error_code == 0
        process.stop()
    loaded = set(re.findall(r"^import '([^']+)'", process.log.read_text(), re.MULTILINE))
    assert "harness.pylog_broker.broker" in loaded
    handlers = {name.removeprefix(HANDLERS) for name in loaded if name.startswith(HANDLERS)}
    assert handlers == {"api", "config_entries", "create_topics", "metadata", "produce", "produce_wire"}
    assert loaded.isdisjoint(f"harness.pylog_broker.{name}" for name in NOT_YET)

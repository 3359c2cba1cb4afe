"""The registry: names, settings, and who serves whom."""

from __future__ import annotations

import pytest

from harness.adapters.registry import REGISTRY, adapter_for, create_adapter
from harness.errors import UsageError
from harness.model.messages import Adapter


@pytest.mark.parametrize(
    ("broker", "adapter"),
    [
        ("pylog", "kafka"),
        ("kafka", "kafka"),
        ("rabbitmq", "rabbitmq"),
        ("activemq", "activemq"),
        ("memory", "memory"),
        ("null", "null"),
    ],
)
def test_each_broker_has_its_adapter(broker: str, adapter: str) -> None:
    assert adapter_for(broker) == adapter


@pytest.mark.parametrize("name", ["memory", "null", "kafka"])
def test_entries_make_adapters(name: str) -> None:
    for settings in REGISTRY[name].variants:
        adapter = create_adapter(name, settings)
        assert isinstance(adapter, Adapter)
        assert adapter.name == name


def test_a_misspelt_name_gets_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean kafka"):
        create_adapter("kafak")
    with pytest.raises(UsageError, match="no adapter serves"):
        adapter_for("zeromq")


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("kafka", {"clinet": "confluent"}, "no setting 'clinet'"),
        ("kafka", {"client": "sarama"}, "client must be one of"),
        ("kafka", {"linger_ms": "soon"}, "must be a number"),
        ("kafka", {"linger_ms": "-1"}, "must be within"),
        ("memory", {"bug": "meltdown"}, "known: none"),
        ("memory", {"colour": "red"}, "no setting 'colour'"),
        ("null", {"colour": "red"}, "no setting 'colour'"),
    ],
)
def test_unknown_settings_are_refused(name: str, settings: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        create_adapter(name, settings)

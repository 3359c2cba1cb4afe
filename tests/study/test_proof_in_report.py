"""The capability matrix of a report says which probes on which version a cell rests on, and shows their answers."""

from __future__ import annotations

from harness.adapters.registry import create_adapter
from harness.model.broker import BrokerInfo, Tier
from harness.model.result import BrokerColumn
from harness.model.workload import Needs
from harness.reporting.html import render_html
from harness.study.assemble import note_plans
from tests.reporting.factory import make_result

NEEDS = Needs.model_validate({"groups": {"a": 1, "b": 1}, "replay": {"group": "a"}})


def test_cells_name_their_probes_and_the_version() -> None:
    result = make_result()
    result.brokers.append(BrokerColumn(name="rabbitmq:stream", label="rabbitmq:stream", version="4.0.9"))
    workload = result.workloads[0].name
    info = BrokerInfo("rabbitmq", "RabbitMQ", "4.0.9", "127.0.0.1", 1, "none")
    plans = {
        (workload, "rabbitmq:stream"): create_adapter("rabbitmq", {"queue_type": "stream"}).plan(
            info, NEEDS, Tier.D1, "p"
        ),
        (workload, "kafka"): create_adapter("kafka").plan(info, NEEDS, Tier.D1, "p"),
    }
    note_plans(result, plans)
    cells = {(cell.broker, cell.feature): cell for cell in result.capabilities}
    replay = cells["rabbitmq:stream", "replay"]
    assert replay.proof == ["streams"]
    assert replay.proven_on == "RabbitMQ 4.0.5", "the newest of its series that was asked"
    assert cells["kafka", "replay"].proof == []
    page = render_html(result)
    assert 'href="#proof-rabbitmq-4-0-5-streams"' in page
    assert 'id="proof-rabbitmq-4-0-5-streams"' in page
    assert "What RabbitMQ 4.0.5 was asked, and answered" in page

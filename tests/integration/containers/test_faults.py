"""Every fault on every broker in a container, in one run each: what was seen of it, and that nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.brokers import create, engine
from harness.brokers.owner import LABEL, Owner
from harness.errors import BrokerStartFailed
from harness.model.result import FaultRecord, Result
from harness.plan.loader import parse_workload
from harness.study.options import StudyOptions, parse_broker
from harness.study.study import run_study
from tests.integration.containers.engines import left_over

TROUBLE = """
question: Does each fault bite this broker in its container, and is nothing lost that it had acknowledged?
messages: {size: 1KiB}
needs: {groups: {readers: 2}, prefetch: 100, durability: D1}
phases:
  - {name: pausing, paced: 100/s, for: 700ms, drain: false, fault: {pause: broker, at: 50ms, for: 400ms}}
  - {name: cutting, paced: 100/s, for: 700ms, drain: false, fault: {cut: link, at: 50ms, for: 400ms}}
  - {name: resetting, paced: 100/s, for: 700ms, drain: false, fault: {cut: link, how: reset, at: 50ms, for: 300ms}}
  - {name: slowing, paced: 100/s, for: 900ms, drain: false, fault: {slow: link, delay: 20ms, at: 50ms, for: 500ms}}
  - {name: throttling, paced: 100/s, for: 900ms, drain: false, fault: {slow: link, rate: 32KiB/s, at: 50ms, for: 500ms}}
  - {name: crashing, paced: 100/s, for: 700ms, drain: false, fault: {crash: readers, at: 50ms}}
  - {name: killing, paced: 100/s, for: 700ms, drain: false, fault: {kill: broker, at: 50ms}}
  - {name: filling, paced: 200/s, for: 1s, fault: {fill: disk, size: 192MiB, at: 50ms, for: 700ms}}
"""


def judged(broker: str, folder: Path) -> Result:
    options = StudyOptions(
        (parse_workload(TROUBLE, name="trouble", path="trouble.yaml"),),
        (parse_broker(broker, {}),),
        folder,
        backend="docker",
    )
    return run_study(options, lambda text: None).result


def ours() -> set[str]:
    """Names of containers and volumes that carry this process's label; other tests run beside this one."""
    client = engine.connect()
    mine = {"label": f"{LABEL}={Owner.mine().label()}"}
    containers = client.containers.list(all=True, filters=mine, ignore_removed=True)
    return {str(one.name) for one in [*containers, *client.volumes.list(filters=mine)]}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root")
@pytest.mark.parametrize(
    "broker",
    [
        pytest.param("pylog", marks=pytest.mark.container("pylog")),
        pytest.param("rabbitmq", marks=[pytest.mark.container("rabbitmq"), pytest.mark.thorough]),
        pytest.param("activemq", marks=[pytest.mark.container("activemq"), pytest.mark.thorough]),
        pytest.param("kafka", marks=[pytest.mark.container("kafka"), pytest.mark.thorough]),
    ],
)
def test_each_fault_bites_a_container(broker: str, tmp_path: Path) -> None:
    before = ours()
    result = judged(broker, tmp_path / "study")

    run = result.runs[0]
    assert run.state == "done", run.error
    assert result.brokers[0].backend == "docker"
    faults: dict[str, FaultRecord] = {fault.phase: fault for fault in run.faults}
    assert {name: fault.bit for name, fault in faults.items()} == dict.fromkeys(
        ("pausing", "cutting", "resetting", "slowing", "throttling", "crashing", "killing", "filling"), True
    ), run.faults
    evidence = {name: fault.evidence for name, fault in faults.items()}
    paused, killed, full = evidence["pausing"], evidence["killing"], evidence["filling"]
    assert (paused["process_state"], paused["answer_during"]) == ("paused", "no answer")
    assert (killed["exit_status"], killed["answers"]) == (str(-signal.SIGKILL), "False")
    assert evidence["crashing"]["signal"] == "9"
    assert (evidence["cutting"]["bytes_passed"], evidence["cutting"]["round_trip_during"]) == ("0", "no answer")
    assert int(evidence["resetting"]["connections_reset"]) >= int(evidence["resetting"]["connections"]) > 0
    assert float(evidence["slowing"]["round_trip_during"].removesuffix(" ms")) >= 40
    assert int(evidence["throttling"]["bytes_held"]) > 0
    assert (full["enospc"], full["free_bytes"]) == ("yes", "0")
    assert full["broker_said"] != "nothing about it", "the broker in the container itself complained"

    durability = next(verdict for verdict in result.verdicts if verdict.checker == "durability")
    assert durability.validity == "valid", durability.summary
    assert durability.counts["acknowledged"] > 0
    assert ours() == before


@pytest.mark.container("pylog")
def test_a_folder_that_the_engine_does_not_see(tmp_path: Path) -> None:
    """As with an engine on another machine."""
    broker = create("pylog", root=tmp_path, backend="docker")
    with pytest.raises(BrokerStartFailed, match="does not see the folder for the data"):
        broker.start(tier="D1", settings={"container.data": str(tmp_path / "elsewhere")})
    broker.wipe()
    assert left_over(tmp_path) == []

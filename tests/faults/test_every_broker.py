"""Every fault on every broker, for real, in one run each: what was seen of it, and what the checkers make of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plan.loader import parse_workload
from harness.study.options import StudyOptions, parse_broker
from harness.study.study import run_study

TROUBLE = """
question: Does each fault bite this broker, and is nothing lost that it had acknowledged?
messages: {size: 1KiB}
needs: {groups: {readers: 1}, prefetch: 100, durability: D1}
phases:
  - {name: pausing, paced: 100/s, for: 700ms, drain: false, fault: {pause: broker, at: 50ms, for: 400ms}}
  - {name: cutting, paced: 100/s, for: 700ms, drain: false, fault: {cut: link, at: 50ms, for: 400ms}}
  - {name: resetting, paced: 100/s, for: 700ms, drain: false, fault: {cut: link, how: reset, at: 50ms, for: 300ms}}
  - {name: slowing, paced: 100/s, for: 900ms, drain: false, fault: {slow: link, delay: 20ms, at: 50ms, for: 500ms}}
  - {name: throttling, paced: 100/s, for: 900ms, drain: false, fault: {slow: link, rate: 32KiB/s, at: 50ms, for: 500ms}}
  - {name: filling, paced: 200/s, for: 1s, fault: {fill: disk, size: 192MiB, at: 50ms, for: 700ms}}
"""


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "broker",
    [pytest.param(name, marks=pytest.mark.broker(name)) for name in ("pylog", "kafka", "rabbitmq", "activemq")],
)
def test_each_fault_leaves_evidence(broker: str, tmp_path: Path) -> None:
    workload = parse_workload(TROUBLE, name="trouble", path="trouble.yaml")
    options = StudyOptions((workload,), (parse_broker(broker, {}),), tmp_path / "study")
    result = run_study(options, lambda text: None).result

    run = result.runs[0]
    assert run.state == "done", run.error
    faults = {fault.phase: fault for fault in run.faults}
    assert {name: fault.bit for name, fault in faults.items()} == dict.fromkeys(
        ("pausing", "cutting", "resetting", "slowing", "throttling", "filling"), True
    ), run.faults
    assert all(fault.recovered_s is not None for fault in run.faults)
    paused, cut, reset = (faults[name].evidence for name in ("pausing", "cutting", "resetting"))
    assert (paused["process_state"], paused["answer_during"]) == ("T", "no answer")
    assert (cut["bytes_passed"], cut["round_trip_during"]) == ("0", "no answer")
    assert int(cut["bytes_held"]) > 0
    assert cut["broker_beside_the_link"].endswith("ms")
    assert int(reset["connections_reset"]) >= int(reset["connections"]) > 0
    slow, narrow, full = (faults[name].evidence for name in ("slowing", "throttling", "filling"))
    assert _ms(slow["round_trip_during"]) >= 40
    assert int(narrow["bytes_held"]) > 0
    assert (full["enospc"], full["free_bytes"]) == ("yes", "0")
    assert full["broker_said"] != "nothing about it", "the broker itself complained"

    durability = next(verdict for verdict in result.verdicts if verdict.checker == "durability")
    assert durability.validity == "valid", durability.summary
    assert durability.counts["acknowledged"] > 0
    away = {m.phase: m.value for m in result.measures if m.metric == "unavailable"}
    assert away["pausing"] >= 0.35
    assert away["cutting"] >= 0.35
    assert not (tmp_path / "study" / "data").exists()


def _ms(text: str) -> float:
    return float(text.removesuffix(" ms"))

"""Runs the traces against both brokers, and judges the differences by the committed list of explained ones."""

from __future__ import annotations

import dataclasses
import fnmatch
from pathlib import Path
from typing import Any

import yaml

from harness.brokers import create
from tests.conformance.trace import Difference, Trace, differences
from tests.conformance.traces import TRACES
from tests.integration.pylog_core.broker_process import BrokerProcess

EXPLANATIONS = Path(__file__).with_name("differences.yaml")
SETTINGS = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "200",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.session.timeout.ms": "3000",
    "group.share.heartbeat.interval.ms": "500",
    "group.share.min.heartbeat.interval.ms": "500",
    "group.share.session.timeout.ms": "6000",
    "group.share.min.session.timeout.ms": "6000",
    "log.cleaner.backoff.ms": "100",
    "log.retention.ms": "-1",
}
KAFKA_ONLY = {
    "group.consumer.assignment.interval.ms": "0",  # targets at once, as pylog computes them, and in the heartbeat itself
    "group.consumer.assignor.offload.enable": "false",
    "group.share.assignment.interval.ms": "0",
    "group.share.assignor.offload.enable": "false",
    "broker.session.timeout.ms": "9000",  # as shipped: a short one fences the node while the machine is busy
}

Answers = dict[str, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """One row of `differences.yaml`."""

    where: str
    """A pattern of places, as in a shell: `*` stands for anything."""
    why: str


@dataclasses.dataclass
class Comparison:
    """Both brokers' answers, what differs, and what of that is explained."""

    kafka: Answers
    pylog: Answers
    explained: list[tuple[Difference, Explanation]]
    unexplained: list[Difference]
    unused: list[Explanation]

    @property
    def is_clean(self) -> bool:
        """Whether every difference is explained and every explanation is needed."""
        return not self.unexplained and not self.unused

    def text(self) -> str:
        """The verdict, difference by difference."""
        steps = sum(len(trace) for trace in self.kafka.values())
        lines = [f"{steps} answers compared: {len(self.explained)} differences explained, {len(self.unexplained)} not"]
        lines += [f"  {each.place}\n    kafka: {each.kafka!r}\n    pylog: {each.pylog!r}" for each in self.unexplained]
        lines += [f"  an explanation that explains nothing: {each.where}" for each in self.unused]
        return "\n".join(lines)


def explanations() -> list[Explanation]:
    """The committed list."""
    rows = yaml.safe_load(EXPLANATIONS.read_text(encoding="utf-8")) or []
    return [Explanation(row["where"], row["why"]) for row in rows]


def judge(kafka: Answers, pylog: Answers, known: list[Explanation]) -> Comparison:
    """Sort the differences into explained and not."""
    explained: list[tuple[Difference, Explanation]] = []
    unexplained: list[Difference] = []
    for each in differences(kafka, pylog):
        match = next((row for row in known if fnmatch.fnmatchcase(each.place, row.where)), None)
        if match is None:
            unexplained.append(each)
        else:
            explained.append((each, match))
    used = {row for _, row in explained}
    return Comparison(kafka, pylog, explained, unexplained, [row for row in known if row not in used])


def converse(port: int) -> Answers:
    """Run every trace against one broker."""
    answers: Answers = {}
    for name, run in TRACES.items():
        trace = Trace(port, name.replace("_", "-"))
        try:
            run(trace)
        finally:
            trace.close()
        answers[name] = trace.answers
    return answers


def run_both(folder: Path) -> Comparison:
    """Start both brokers, run the traces, and judge."""
    settings = [f"{name}={value}" for name, value in SETTINGS.items()]
    with BrokerProcess(folder / "pylog", *settings) as pylog:
        pylog_answers = converse(pylog.port)
        pylog.stop()
    kafka = create("kafka", root=folder / "kafka")
    try:
        info = kafka.start(tier="D1", settings=SETTINGS | KAFKA_ONLY)
        kafka_answers = converse(info.port)
    finally:
        kafka.stop()
    return judge(kafka_answers, pylog_answers, explanations())

"""A made-up result with everything in it that a real one may have: every state of a cell, a broker that was not run, failed
runs, broken promises, missing figures, long names, and texts that try to be markup.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Literal

from harness.model.result import (
    BrokerColumn,
    CapabilityCell,
    Cell,
    Curve,
    FaultRecord,
    Fingerprint,
    Measure,
    NoiseFloor,
    ParityRow,
    PhaseRecord,
    Result,
    RunRecord,
    State,
    WorkloadRecord,
)
from harness.model.verdict import Validity, Verdict

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;{{ 7*7 }}"
WORKLOADS = Path(__file__).parents[2] / "workloads"
NAMES = ("clickstream_fanout", "priority_tasks", "password_reset")
RAN = ("kafka", "pylog", "rabbitmq")
BROKERS = (*RAN, "activemq")
REPEATS = 3
Better = Literal["higher", "lower", "neither"]


def make_result(*, hostile: bool = True) -> Result:
    """The result; the same on every call."""
    rng = random.Random(7)
    result = Result(
        harness_version="0.1.0",
        run_id="demo",
        title="kafka vs pylog vs rabbitmq vs activemq",
        created="2026-01-02T03:04:05+00:00",
        command="harness run clickstream_fanout priority_tasks password_reset -b kafka,pylog,rabbitmq,activemq -n 3 -o reports/demo",
        seed=1,
        repeats=REPEATS,
        seconds=312.4,
        state="partial",
        fingerprint=_fingerprint(),
        workloads=[_workload(name) for name in NAMES],
        brokers=_columns(hostile),
        runs=_runs(hostile),
        notes=["clickstream_fanout: payloads are click_json, 1075 bytes on average; zlib leaves 41 % of them"],
        ceilings={"kafka-python": 18200.0, "pika": 9400.0},
    )
    _fill_cells(result, rng)
    result.verdicts = _verdicts(hostile)
    result.curves = _curves(rng)
    result.capabilities = _capabilities(hostile)
    result.parity = _parity()
    return result


def _fingerprint() -> Fingerprint:
    return Fingerprint(
        cpu_model="Imaginary Xeon Platinum 9999X @ 2.70GHz",
        cores=2,
        memory_bytes=8 * 2**30,
        disk="ext4, 41 GiB free",
        disk_fsync_ms_p50=0.412,
        disk_fsync_ms_p99=2.31,
        kernel="6.1.0-28-amd64",
        operating_system="Debian GNU/Linux 12 (bookworm)",
        virtualisation="kvm",
        congestion_control="cubic",
        python="3.11.2",
        clients={"kafka-python": "3.0.12", "pika": "1.4.4", "stomp.py": "9.0.0"},
        load_before=0.31,
        warnings=["loopback, 2 cores shared by clients and broker: direction only"],
    )


def _workload(name: str) -> WorkloadRecord:
    text = (WORKLOADS / f"{name}.yaml").read_text(encoding="utf-8")
    question = text.split("question:")[1].split("\n")[0].strip()
    sentence = "survives a killed broker process, not a power cut"
    return WorkloadRecord(name=name, question=question, sha256="ab" * 32, text=text, tier="D1", tier_sentence=sentence)


def _columns(hostile: bool) -> list[BrokerColumn]:
    reason = "ActiveMQ is not on this machine" + (f": {HOSTILE}" if hostile else "")
    return [
        BrokerColumn(
            name="kafka",
            label="kafka",
            product="Apache Kafka",
            version="4.1.0",
            mode="KRaft",
            client="confluent-kafka 2.16.1",
            backend="process",
            settings={"num.partitions": "4", "log.flush.interval.messages": "9223372036854775807"},
        ),
        BrokerColumn(
            name="pylog",
            label="pylog",
            product="pylog",
            version="0.1.0",
            client="confluent-kafka 2.16.1",
            backend="process",
        ),
        BrokerColumn(
            name="rabbitmq",
            label="rabbitmq",
            product="RabbitMQ",
            version="3.10.8",
            mode="classic queues",
            client="pika 1.4.4",
            backend="process",
        ),
        BrokerColumn(
            name="activemq",
            label="activemq",
            state="not_run",
            reason=reason,
            next_command="python -m harness.brokers.install --brokers activemq",
        ),
    ]


def _runs(hostile: bool) -> list[RunRecord]:
    runs: list[RunRecord] = []
    for repeat in range(REPEATS):
        for workload in NAMES:
            for broker in RAN:
                failed = (workload, broker, repeat) == ("password_reset", "rabbitmq", 2)
                runs.append(
                    RunRecord(
                        workload=workload,
                        broker=broker,
                        repeat=repeat,
                        order=len(runs),
                        seed=1,
                        state="failed" if failed else "done",
                        error=f"the broker died: {HOSTILE if hostile else 'exit 137'}" if failed else "",
                        next_command="harness broker logs rabbitmq" if failed else "",
                        seconds=9.3,
                        history=f"cells/{workload}/{broker}/r{repeat}",
                        phases=_phases(),
                        faults=[_fault(broker)],
                    )
                )
    return runs


def _phases() -> list[PhaseRecord]:
    return [
        PhaseRecord(
            index=0,
            name="warmup",
            kind="paced",
            warmup=True,
            start_s=0.0,
            end_s=1.0,
            offered_per_s=300,
            offered=300,
            acknowledged=300,
        ),
        PhaseRecord(
            index=1,
            name="paced",
            kind="paced",
            start_s=1.0,
            end_s=3.5,
            offered_per_s=500,
            offered=1250,
            acknowledged=1250,
            drained=True,
            generator_lag_p99_ms=0.4,
        ),
        PhaseRecord(
            index=2, name="flood", kind="flood", start_s=3.6, end_s=4.6, offered=9120, acknowledged=9120, drained=True
        ),
        PhaseRecord(
            index=3,
            name="crash",
            kind="paced",
            start_s=5.0,
            end_s=7.0,
            offered_per_s=300,
            offered=600,
            acknowledged=588,
            drained=True,
        ),
    ]


def _fault(broker: str) -> FaultRecord:
    back = {"kafka": 2.4, "pylog": 0.31, "rabbitmq": 3.9}[broker]
    evidence = {"exit": "signal 9", "connection": "reset by peer"}
    return FaultRecord(
        phase="crash",
        kind="kill",
        at_s=5.5,
        evidence=evidence,
        bit=True,
        recovered_s=back * 0.9,
        first_acknowledged_s=back,
    )


FANOUT, TASKS, MAILS = NAMES
# metric, phase, unit, better, kafka, pylog, rabbitmq, workloads
FIGURES: tuple[tuple[str, str, str, Better, float, float, float, tuple[str, ...]], ...] = (
    ("publish_latency_p50", "paced", "ms", "lower", 2.0, 1.4, 1.9, NAMES),
    ("publish_latency_p99", "paced", "ms", "lower", 11.0, 6.4, 30.4, (FANOUT,)),
    ("end_to_end_latency_p50", "paced", "ms", "lower", 4.1, 2.2, 3.8, NAMES),
    ("end_to_end_latency_p99", "paced", "ms", "lower", 21.0, 12.4, 20.4, NAMES),
    ("throughput_acknowledged", "flood", "msg/s", "higher", 2800.0, 3100.0, 1210.0, (FANOUT, TASKS)),
    ("throughput_delivered", "flood", "msg/s", "higher", 9800.0, 10100.0, 4210.0, (FANOUT, TASKS)),
    ("wait_urgent_p95", "", "ms", "lower", 402.0, 380.0, 21.0, (TASKS,)),
    ("wait_normal_p95", "", "ms", "lower", 395.0, 377.0, 610.0, (TASKS,)),
    ("wait_vip_p95", "", "ms", "lower", 14.0, 13.5, 9.0, (MAILS,)),
    ("recovery_first_acknowledged", "crash", "s", "lower", 2.4, 0.31, 3.9, NAMES),
    ("stored_bytes_per_published_byte", "", "ratio", "lower", 1.08, 1.02, 5.4, NAMES),
)


def _fill_cells(result: Result, rng: random.Random) -> None:
    for workload in NAMES:
        for metric, phase, unit, better, base, second, third, workloads in FIGURES:
            if workload not in workloads:
                continue
            for broker, value in zip(RAN, (base, second, third), strict=True):
                result.cells.append(_cell(rng, workload, broker, metric, phase, unit, better, value, base))
            result.noise.append(
                NoiseFloor(workload=workload, metric=metric, phase=phase, ratio_low=0.9, ratio_high=1.11, pairs=3)
            )
    _odd_cells(result)
    for cell in result.cells:
        for repeat, value in enumerate(cell.per_run):
            result.measures.append(
                Measure(
                    workload=cell.workload,
                    broker=cell.broker,
                    repeat=repeat,
                    metric=cell.metric,
                    phase=cell.phase,
                    value=value,
                    unit=cell.unit,
                    better=cell.better,
                    samples=1250,
                )
            )


def _cell(
    rng: random.Random,
    workload: str,
    broker: str,
    metric: str,
    phase: str,
    unit: str,
    better: Better,
    value: float,
    base: float,
) -> Cell:
    runs = [value * rng.uniform(0.93, 1.07) for _ in range(REPEATS)]
    ratio = value / base
    good = (ratio > 1) == (better == "higher")
    state = (
        State.MEASURED
        if broker == "kafka"
        else State.WITHIN_NOISE
        if 0.9 < ratio < 1.11
        else State.BETTER
        if good
        else State.WORSE
    )
    compared = broker != "kafka"
    return Cell(
        workload=workload,
        broker=broker,
        metric=metric,
        phase=phase,
        state=state,
        value=value,
        low=min(runs),
        high=max(runs),
        interval=f"range of {REPEATS} runs",
        unit=unit,
        better=better,
        n=REPEATS,
        per_run=runs,
        baseline="kafka",
        ratio=ratio if compared else None,
        ratio_low=ratio * 0.91 if compared else None,
        ratio_high=ratio * 1.12 if compared else None,
        p_value=0.25 if compared else None,
    )


def _odd_cells(result: Result) -> None:
    """Turn some cells into the states that a smooth run does not show."""
    odd = {
        ("password_reset", "rabbitmq", "wait_vip_p95"): (
            State.INVALID,
            "generator lag p99 was 4.2 ms: generator-bound",
        ),
        ("clickstream_fanout", "pylog", "throughput_delivered"): (State.LOWER_BOUND, "the client used 97 % of a core"),
        ("password_reset", "rabbitmq", "recovery_first_acknowledged"): (
            State.NOT_COMPARABLE,
            "the fault did not bite in repeat 2",
        ),
    }
    for cell in result.cells:
        change = odd.get((cell.workload, cell.broker, cell.metric))
        if change:
            cell.state, cell.reason = change
            cell.ratio = cell.ratio_low = cell.ratio_high = None
    result.cells.append(
        Cell(
            workload="clickstream_fanout",
            broker="rabbitmq",
            metric="replay_throughput",
            phase="replay",
            state=State.UNSUPPORTED,
            reason="a queue forgets what was acknowledged",
            unit="msg/s",
            better="higher",
        )
    )
    for broker, value in (("kafka", 5200.0), ("pylog", 6900.0)):
        result.cells.append(
            _cell(
                random.Random(3),
                "clickstream_fanout",
                broker,
                "replay_throughput",
                "replay",
                "msg/s",
                "higher",
                value,
                5200.0,
            )
        )


def _verdicts(hostile: bool) -> list[Verdict]:
    found = []
    for workload in NAMES:
        for broker in RAN:
            for repeat in range(REPEATS):
                found.append(
                    _verdict(
                        "durability",
                        workload,
                        broker,
                        repeat,
                        {"lost": 0, "acknowledged": 10_958, "unacknowledged_delivered": 9},
                    )
                )
                found.append(_verdict("duplicates", workload, broker, repeat, {"duplicated": 14, "unexplained": 0}))
                found.append(_verdict("ordering", workload, broker, repeat, {"reordered_within_key": 0}))
    for repeat in range(REPEATS):
        found.append(_verdict("replay", "clickstream_fanout", "kafka", repeat, {"replay_differs": 0}))
        found.append(_verdict("replay", "clickstream_fanout", "pylog", repeat, {"replay_differs": 0}))
        for broker in RAN:
            lost = broker == "rabbitmq"
            found.append(
                _verdict(
                    "effectively_once",
                    "password_reset",
                    broker,
                    repeat,
                    {"effects_not_once": 2 if lost else 0},
                    Validity.INVALID if lost else Validity.VALID,
                    summary=f"2 mails were sent twice {HOSTILE if hostile else ''}"
                    if lost
                    else "every mail exactly once",
                    evidence=[
                        {
                            "producer": 1,
                            "sequence": 77,
                            "note": HOSTILE if hostile else "twice",
                            "redelivered": True,
                            "partition": None,
                        }
                    ]
                    if lost
                    else [],
                )
            )
            found.append(
                _verdict(
                    "dead_letter",
                    "priority_tasks",
                    broker,
                    repeat,
                    {"dead_letter_missing": 0},
                    Validity.UNKNOWN if broker == "pylog" else Validity.VALID,
                    summary="not drained within 30 s",
                )
            )
    return found


def _verdict(
    checker: str,
    workload: str,
    broker: str,
    repeat: int,
    counts: dict[str, int],
    validity: Validity = Validity.VALID,
    *,
    promised: bool = True,
    summary: str = "",
    evidence: list[dict[str, int | float | str | bool | None]] | None = None,
) -> Verdict:
    return Verdict(
        checker=checker,
        workload=workload,
        broker=broker,
        repeat=repeat,
        validity=validity,
        promised=promised,
        rule="what the rule says, in a sentence",
        source="AMQP 0-9-1, 4.7",
        summary=summary or f"{checker} was looked at",
        counts=counts,
        evidence=evidence or [],
    )


def _curves(rng: random.Random) -> list[Curve]:
    curves = []
    quantiles = [1 - 10 ** (-3 * step / 199) for step in range(200)]
    for workload in NAMES:
        for number, broker in enumerate(RAN):
            for repeat in range(REPEATS):
                scale = (1 + number) * rng.uniform(0.9, 1.1)
                tail = [scale * (1 + 2 * math.log(1 / (1 - q))) for q in quantiles]
                curves.append(
                    Curve(
                        workload=workload,
                        broker=broker,
                        repeat=repeat,
                        kind="end_to_end_latency",
                        label="paced",
                        x=quantiles,
                        y=tail,
                        x_unit="quantile",
                        y_unit="ms",
                    )
                )
                times = [step * 0.1 for step in range(80)]
                rate = [0.0 if 5.5 < t < 5.5 + scale else 300 * rng.uniform(0.9, 1.1) for t in times]
                curves.append(
                    Curve(
                        workload=workload,
                        broker=broker,
                        repeat=repeat,
                        kind="rate",
                        label="acknowledged",
                        x=times,
                        y=rate,
                        x_unit="s",
                        y_unit="msg/s",
                    )
                )
                if workload == "priority_tasks":
                    for level, name in enumerate(("low", "normal", "urgent")):
                        waits = [step * 10.0 / (level + 1) for step in range(100)]
                        curves.append(
                            Curve(
                                workload=workload,
                                broker=broker,
                                repeat=repeat,
                                kind="wait",
                                label=name,
                                x=waits,
                                y=[step / 99 for step in range(100)],
                                x_unit="ms",
                                y_unit="share",
                            )
                        )
    return curves


def _capabilities(hostile: bool) -> list[CapabilityCell]:
    rows = []
    for workload, features in (
        ("clickstream_fanout", ("fan_out", "order_per_key", "replay")),
        ("priority_tasks", ("priority", "expiry", "dead_letter")),
    ):
        for broker in RAN:
            log = broker != "rabbitmq"
            for feature in features:
                native = log == (workload == "clickstream_fanout")
                impossible = feature == "replay" and not log
                rows.append(
                    CapabilityCell(
                        workload=workload,
                        broker=broker,
                        feature=feature,
                        support="impossible" if impossible else "native" if native else "emulated",
                        how=""
                        if impossible
                        else "consumer groups over one log"
                        if native
                        else "a topic per priority, polled highest first",
                        why="a queue forgets a message once it is acknowledged"
                        if impossible
                        else ""
                        if native
                        else f"one more topic a level {HOSTILE if hostile else ''}",
                        probe="" if impossible else f"tests/contract/test_probes.py::test_{feature}",
                    )
                )
    return rows


def _parity() -> list[ParityRow]:
    return [
        ParityRow(workload=workload, setting=setting, values=values, differs=len(set(values.values())) > 1)
        for workload in NAMES
        for setting, values in (
            (
                "acknowledged when",
                {
                    "kafka": "acks=all, in the page cache",
                    "pylog": "acks=all, in the page cache",
                    "rabbitmq": "publisher confirm, persistent",
                },
            ),
            ("in-flight window", dict.fromkeys(RAN, "1000")),
            (
                "prefetch",
                {"kafka": "max.poll.records=200", "pylog": "max.poll.records=200", "rabbitmq": "basic.qos 200"},
            ),
        )
    ]

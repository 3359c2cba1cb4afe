"""The page of a sweep: sentences, marks, and texts that try to be markup."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console

from harness.model.result import BrokerColumn, State
from harness.model.sweep import Held, Sweep, SweepAnswer, SweepFigure, SweepPoint
from harness.reporting.figures.sweep import sweep_figures
from harness.reporting.sweep import headline, render_sweep_html, render_sweep_terminal
from tests.reporting.factory import HOSTILE, make_result

VALUES = [200.0, 400.0, 800.0]
LATENCIES = {200.0: 12.0, 400.0: 30.0, 800.0: 2400.0}


def figure(metric: str, value: float, unit: str, phase: str = "paced", **more: Any) -> SweepFigure:
    return SweepFigure(
        metric=metric, phase=phase, unit=unit, value=value, low=value * 0.9, high=value * 1.2,
        interval="range of 3 runs", n=3, state=State.MEASURED, **more,
    )  # fmt: skip


def point(broker: str, value: float, held: Held, reason: str = "") -> SweepPoint:
    figures = {
        "latency_p50": figure("end_to_end_latency_p50", LATENCIES[value] / 3, "ms"),
        "latency_p99": figure("end_to_end_latency_p99", LATENCIES[value], "ms"),
        "throughput_in": figure("acknowledged_in_time", value, "msg/s"),
        "throughput_out": figure("delivered_in_time", value, "msg/s"),
        "broker_cpu": figure("broker_cpu_us_per_message", 5e4 / value, "us"),
    }
    if held == "unknown":
        figures["latency_p99"] = SweepFigure(metric="end_to_end_latency_p99", reason="too few")
    return SweepPoint(broker=broker, value=value, workload="w", runs=3, held=held, reason=reason, figures=figures)


def make_sweep(**changes: Any) -> Sweep:
    result = make_result()
    fields: dict[str, Any] = {
        "harness_version": "0.1.0", "run_id": "demo", "title": f"fan-out {HOSTILE}", "created": result.created,
        "command": f"harness sweep {HOSTILE}", "seconds": 60.0, "state": "done", "seed": 1, "repeats": 3,
        "workload": "clickstream_fanout", "question": HOSTILE, "tier": "D1", "tier_sentence": "survives",
        "parameter": "rate", "unit": "msg/s", "values": VALUES, "rate_per_s": VALUES, "phase_s": 10.0, "partitions": 4,
        "limit_ms": 100.0, "fingerprint": result.fingerprint,
        "brokers": [
            BrokerColumn(name="pylog", label="pylog"),
            BrokerColumn(name="kafka", label="kafka"),
            BrokerColumn(name="activemq", label="activemq", state="not_run", reason=HOSTILE, next_command=HOSTILE),
        ],
        "points": [
            point("pylog", 200.0, "sustained"), point("pylog", 400.0, "sustained"), point("pylog", 800.0, "not_sustained", HOSTILE),
            point("kafka", 200.0, "sustained"), point("kafka", 400.0, "sustained"), point("kafka", 800.0, "unknown", "late"),
        ],
        "answers": [
            SweepAnswer(broker="pylog", kind="interval", highest=400.0, first=800.0, reason=HOSTILE),
            SweepAnswer(broker="kafka", kind="bound", highest=400.0, reason="late"),
            SweepAnswer(broker="activemq", kind="unknown", reason=HOSTILE),
        ],
    }  # fmt: skip
    return Sweep(**(fields | changes))


def test_no_text_becomes_markup() -> None:
    page = render_sweep_html(make_sweep())
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}" in page.replace("&#39;", "'")  # shown, not worked out
    assert page.count("<script") == 3 + len(sweep_figures(make_sweep()))  # two of ours, the document, one a figure
    assert 'href="report.html"' in page
    assert not re.search(r'(?:src|href)="(?!#|data:|report\.html)', page.split("<script>")[0])


def test_the_first_value_that_was_not_sustained_is_marked_in_every_figure() -> None:
    figures = sweep_figures(make_sweep())
    assert [one.id for one in figures] == [
        "sweep-latency-p99", "sweep-latency-p50", "sweep-throughput-out", "sweep-throughput-in", "sweep-broker-cpu",
    ]  # fmt: skip
    for one in figures:
        crosses = [trace for trace in one.plot["data"] if trace.get("name") == "first not sustained"]
        assert [trace["x"] for trace in crosses] == [[800.0]]
    assert figures[0].plot["layout"]["xaxis"]["type"] == figures[0].plot["layout"]["yaxis"]["type"] == "log"
    pylog = next(trace for trace in figures[0].plot["data"] if trace["name"] == "pylog")
    assert pylog["marker"]["symbol"] == ["diamond", "diamond", "diamond-open"]
    assert pylog["error_y"]["array"][0] == 2.4
    kafka = next(trace for trace in figures[0].plot["data"] if trace["name"] == "kafka")
    assert kafka["x"] == [200.0, 400.0]


def test_every_kind_of_answer_is_a_sentence() -> None:
    sweep = make_sweep()
    told = {
        kind: headline(sweep, SweepAnswer(broker="pylog", kind=kind, highest=400.0, first=800.0, reason="slow"))
        for kind in ("interval", "all", "bound", "none", "unknown")
    }
    assert told["interval"] == "Sustained 400 msg/s, did not sustain 800 msg/s: slow."
    assert told["all"] == "Sustained every value, up to 400 msg/s: a lower bound."
    assert told["bound"] == "Sustained 400 msg/s: a lower bound. Above it nothing can be said: slow."
    assert told["none"] == "Sustained none: not even 800 msg/s: slow."
    assert told["unknown"] == "Nothing can be said: slow."


def test_scaling_leads_with_throughput_and_has_its_ideal_line() -> None:
    sweep = make_sweep(parameter="members", unit="", values=[1.0, 2.0, 4.0], rate_per_s=[None] * 3, limit_ms=None, points=[
        SweepPoint(broker="pylog", value=value, workload="w", runs=3, held="sustained", figures={
            "throughput_out": figure("throughput_delivered", 1000.0 * value, "msg/s", "flood")})
        for value in (1.0, 2.0, 4.0)
    ])  # fmt: skip
    told = headline(sweep, SweepAnswer(broker="pylog", kind="all", highest=4.0))
    assert told == "Throughput out 1,000\u00a0msg/s at 1, 4,000\u00a0msg/s at 4. Sustained every value, up to 4."
    (drawn,) = sweep_figures(sweep)
    assert [trace["y"] for trace in drawn.plot["data"] if trace["name"] == "ideal for pylog"] == [
        [1000.0, 2000.0, 4000.0]
    ]
    assert any("as many members as partitions" in one["text"] for one in drawn.plot["layout"]["annotations"])


def test_the_terminal_says_the_same() -> None:
    console = Console(width=140, no_color=True, highlight=False)
    with console.capture() as capture:
        render_sweep_terminal(make_sweep(), console)
    text = capture.get()
    assert "pylog: Sustained 400 msg/s, did not sustain 800 msg/s" in text
    assert "not sustained" in text
    assert "cannot be told" in text

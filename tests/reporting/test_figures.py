"""Figures: which way is better, what is cut, what is marked."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.result import Curve, FaultRecord, Result
from harness.model.verdict import Validity
from harness.reporting.figures.base import Drawing, thin
from harness.reporting.figures.collect import figure_sections
from harness.reporting.figures.durability import Fate, durability, fates_of
from harness.reporting.figures.latency import Kind, main_phase, tail_axis
from harness.reporting.figures.ratios import oriented, tick_text, ticks_for
from harness.reporting.figures.timeline import around
from harness.reporting.palette import BAND, marks
from harness.reporting.scorecard import figure_row
from harness.reporting.strip import WIDTH, axis_of, strip_of
from tests.reporting.factory import BROKERS, NAMES, make_result


@pytest.fixture
def drawing() -> Drawing:
    return Drawing(make_result(), marks(BROKERS))


def curve(x: list[float], y: list[float], **more: str) -> Curve:
    return Curve(workload="w", broker="kafka", repeat=0, kind="k", x=x, y=y, x_unit="s", y_unit="ms", **more)


def test_right_is_better_whatever_better_means() -> None:
    assert oriented(0.4, 0.5, 0.8, "lower") == pytest.approx((1.25, 2.0, 2.5))
    assert oriented(0.4, 0.5, 0.8, "higher") == (0.4, 0.5, 0.8)
    assert oriented(None, 2.0, None, "higher") == (2.0, 2.0, 2.0)
    assert oriented(0.1, None, 0.2, "higher") is None
    assert oriented(0.0, 0.0, 0.0, "lower") is None


def test_strip_puts_better_right_of_one_and_marks_the_noise(drawing: Drawing) -> None:
    latency = figure_row(drawing.result, NAMES[0], "end_to_end_latency_p99", "paced")
    rate = figure_row(drawing.result, NAMES[0], "throughput_acknowledged", "flood")
    axis = axis_of([latency, rate])
    labels = {name: name for name in BROKERS}
    faster = next(mark for mark in strip_of(latency, axis, labels).marks if mark.broker == "pylog")
    slower = next(mark for mark in strip_of(rate, axis, labels).marks if mark.broker == "rabbitmq")
    assert faster.x0 < faster.x < faster.x1
    assert slower.x < WIDTH / 2 < faster.x
    assert "pylog better, 0.590×" in faster.words
    band = strip_of(latency, axis, labels).band
    assert band is not None
    assert band[0] < WIDTH / 2 < band[0] + band[1]
    bare = figure_row(drawing.result.model_copy(update={"noise": []}), NAMES[0], "end_to_end_latency_p99", "paced")
    assert strip_of(bare, axis, labels).band is None


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_the_axis_never_leaves_its_box(ratio: float) -> None:
    axis = axis_of([])
    assert 0 <= axis.x(ratio) <= WIDTH


def test_ticks_read_alike_on_both_sides() -> None:
    assert [tick_text(tick) for tick in (1 / 3, 1 / 1.4, 1, 1.4, 3, 100)] == [
        "1/3",
        "1/1.4",
        "1×",
        "1.4×",
        "3×",
        "100×",
    ]


def test_the_forest_has_a_band_a_line_and_every_broker_with_a_ratio(drawing: Drawing) -> None:
    sections = {section.id: section for section in figure_sections(drawing)}
    plot = sections["ratios"].figures[0].plot
    bands = [shape for shape in plot["layout"]["shapes"] if shape.get("fillcolor") == BAND[0]]
    assert bands
    assert all(band["x0"] < 1 < band["x1"] for band in bands)
    assert [trace["name"] for trace in plot["data"]] == ["pylog", "rabbitmq"]
    assert plot["layout"]["xaxis"]["type"] == "log"


def test_the_tail_axis_spreads_the_nines() -> None:
    spread = tail_axis(curve([0.0, 0.9, 0.99, 0.999, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert spread.x == pytest.approx([1, 10, 100, 1000])
    assert spread.y == [1, 2, 3, 4]


def test_latency_is_drawn_for_a_calm_phase(drawing: Drawing) -> None:
    kind = Kind("end_to_end_latency", ("end_to_end_latency_p50",), "end-to-end latency")
    crash = [c.model_copy(update={"label": "crash"}) for c in drawing.result.curves if c.kind == kind.curve]
    other = [c.model_copy(update={"label": "anything"}) for c in crash]
    calm = [c for c in drawing.result.curves if c.kind == kind.curve]
    drawing.result.curves = crash + other + calm
    assert main_phase(drawing, NAMES[0], kind) == "paced"
    drawing.result.curves = crash + other
    assert main_phase(drawing, NAMES[0], kind) == "anything"
    drawing.result.curves = crash
    assert main_phase(drawing, NAMES[0], kind) == "crash"


def test_the_kill_is_at_zero_and_the_flood_before_it_is_cut_off() -> None:
    kill = FaultRecord(
        phase="crash", kind="kill", at_s=10.0, evidence={}, bit=True, recovered_s=1.0, first_acknowledged_s=2.0
    )
    times = [float(second) for second in range(5, 20)]
    cut = around(curve(times, times), kill, start_s=9.0)
    assert cut.x == [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert cut.y == [9.0, 10.0, 11.0, 12.0, 13.0, 14.0]
    assert around(curve(times, times), kill, start_s=9.5).x[0] == 0.0


def test_fates_add_up(drawing: Drawing) -> None:
    fates = (Fate("delivered", "d", "", ()), Fate("lost", "l", "", (("durability", "lost"),)))
    result: Result = drawing.result
    result.verdicts = [
        v.model_copy(update={"counts": {"lost": 2, "undelivered": 2, "acknowledged": 100}})
        if v.checker == "durability"
        else v
        for v in result.verdicts
    ]
    assert fates_of(drawing, NAMES[0], "kafka", fates) == {"delivered": 294, "aside": 0, "lost": 6}
    assert fates_of(drawing, NAMES[0], "activemq", fates) == {}


@given(
    st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=600),
    st.integers(min_value=4, max_value=300),
)
def test_thinning_keeps_ends_extremes_and_order(y: list[float], points: int) -> None:
    x, kept = thin(curve([float(i) for i in range(len(y))], y), points)
    assert len(x) <= max(points + 2, min(len(y), points))
    assert x == sorted(x)
    assert (x[0], x[-1]) == (0.0, float(len(y) - 1))
    assert (min(kept), max(kept)) == (min(y), max(y))
    assert all(math.isfinite(value) for value in kept)


def test_every_section_says_something(drawing: Drawing) -> None:
    for section in figure_sections(drawing):
        assert section.figures, section.id
        for figure in section.figures:
            assert figure.sentence
            assert figure.table.rows
            assert all(text for row in figure.table.rows for text in row), figure.id


def test_unknown_losses_are_never_drawn_as_none(drawing: Drawing) -> None:
    drawing.result.verdicts = [
        v.model_copy(update={"validity": Validity.UNKNOWN}) if (v.checker, v.broker) == ("durability", "pylog") else v
        for v in drawing.result.verdicts
    ]
    figure = durability(drawing, NAMES[0], "D1", (Fate("delivered", "d", "", ()),))
    assert figure is not None
    assert (
        "Nothing acknowledged was lost by kafka and rabbitmq. Whether pylog lost anything could not be told"
        in figure.sentence
    )
    assert [note["text"] for note in figure.plot["layout"]["annotations"]] == [
        "none lost",
        "losses unknown",
        "none lost",
    ]


@given(st.floats(min_value=1.0, max_value=9_000.0))
def test_ticks_span_the_ratios_and_are_few(most: float) -> None:
    ticks = ticks_for(most)
    assert ticks == sorted(ticks)
    assert len(ticks) <= 7
    assert ticks[0] == pytest.approx(1 / ticks[-1])
    assert ticks[-1] >= most

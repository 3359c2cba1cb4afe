"""What so many trials with a fault support, and how runs become rows."""

from __future__ import annotations

import pytest

from harness.model.result import BrokerColumn, Cell, FaultRecord, FaultTrials, Result, RunRecord, State
from harness.model.verdict import Validity, Verdict
from harness.model.workload import Workload
from harness.reporting.faults import COLUMNS, cells_of
from harness.statistics.proportion import score_interval, upper_bound
from harness.statistics.trials import fault_trials
from tests.reporting.factory import make_result


@pytest.mark.parametrize(
    ("hits", "trials", "bound"),
    [
        (0, 1, 0.95),
        (0, 10, 0.2589),  # the rule of three says 0.3
        (0, 100, 0.0295),
        (1, 10, 0.3942),  # tables of Clopper and Pearson, one-sided 95 %
        (5, 10, 0.7776),
        (10, 10, 1.0),
        (0, 0, 1.0),
    ],
)
def test_upper_bound(hits: int, trials: int, bound: float) -> None:
    assert upper_bound(hits, trials) == pytest.approx(bound, abs=0.0002)


def test_upper_bound_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="no count"):
        upper_bound(3, 2)


WORKLOAD = Workload.model_validate(
    {
        "name": "cutting",
        "question": "What does a cut link cost?",
        "messages": {},
        "needs": {"groups": {"one": 1}},
        "phases": [
            {"name": "trouble", "paced": "10/s", "for": "2s", "fault": {"cut": "link", "at": "0s", "for": "1s"}}
        ],
    }
)


def _run(broker: str, repeat: int, *, bit: bool = True, state: str = "done", back: bool = True) -> RunRecord:
    fault = FaultRecord(phase="trouble", kind="cut", at_s=1.0, evidence={}, bit=bit, recovered_s=1.2 if back else None)
    return RunRecord(
        workload="cutting",
        broker=broker,
        repeat=repeat,
        order=0,
        seed=1,
        state=state,
        seconds=1.0,
        faults=[fault],  # type: ignore[arg-type]
    )


def _verdict(broker: str, repeat: int, checker: str, validity: Validity, **counts: int) -> Verdict:
    return Verdict(
        checker=checker, workload="cutting", broker=broker, repeat=repeat, validity=validity, promised=True,
        rule="", summary="", counts=counts,
    )  # fmt: skip


def _result() -> Result:
    durable = [
        _verdict("a", 0, "durability", Validity.VALID, acknowledged=100, lost=0),
        _verdict("a", 1, "durability", Validity.INVALID, acknowledged=90, lost=7),
        _verdict("a", 2, "durability", Validity.VALID, acknowledged=50, lost=0),
        _verdict("a", 3, "durability", Validity.UNKNOWN, acknowledged=10, lost=0),
        _verdict("a", 0, "duplicates", Validity.VALID, duplicated=4),
        _verdict("b", 0, "durability", Validity.VALID, acknowledged=100, lost=0),
    ]
    runs = [_run("a", 0), _run("a", 1, back=False), _run("a", 2, bit=False), _run("a", 3), _run("b", 0, bit=False)]
    cell = Cell(
        workload="cutting", broker="a", metric="unavailable", phase="trouble", state=State.MEASURED, value=1.1, low=1.0,
        high=1.3, interval="range of 3 runs", unit="s",
    )  # fmt: skip
    columns = [
        BrokerColumn(name="a", label="a"),
        BrokerColumn(name="b", label="b"),
        BrokerColumn(name="c", label="c", state="not_run", reason="it is missing", next_command="get it"),
    ]
    return make_result().model_copy(update={"brokers": columns, "runs": runs, "verdicts": durable, "cells": [cell]})


def test_rows_count_only_trials_whose_fault_bit() -> None:
    bitten, missed, absent = fault_trials(_result(), [WORKLOAD])
    assert (bitten.trials, bitten.bit, bitten.judged, bitten.lost_in, bitten.recovered) == (4, 3, 2, 1, 2)
    assert (bitten.acknowledged, bitten.lost, bitten.duplicated) == (200, 7, 4)
    assert (bitten.unavailable_s, bitten.unavailable_interval) == (1.1, "range of 3 runs")
    assert bitten.loss_bound == pytest.approx(upper_bound(1, 2))
    assert (missed.bit, missed.loss_bound) == (0, None)
    assert (absent.trials, absent.reason, absent.next_command) == (0, "it is missing", "get it")


def test_cells_are_never_blank_and_never_zero_for_missing() -> None:
    bitten, missed, absent = (cells_of(row, row.broker) for row in fault_trials(_result(), [WORKLOAD]))
    assert bitten[1:4] == ("3 of 4", "200", "7")
    assert set(missed[2:]) == {"not tested"}
    assert set(absent[1:]) == {"not run"}
    assert all(len(row) == len(COLUMNS) and all(row) for row in (bitten, missed, absent))
    unknown = FaultTrials(workload="w", broker="a", phase="p", fault="cut", trials=2, bit=2, acknowledged=5)
    assert cells_of(unknown, "a")[3] == "cannot be told"


def test_score_interval_by_hand():
    low, high = score_interval(3, 4)
    assert (low, high) == (pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4))
    assert score_interval(0, 10)[0] == pytest.approx(0)
    assert score_interval(10, 10)[1] == pytest.approx(1)
    with pytest.raises(ValueError, match="no count"):
        score_interval(0, 0)

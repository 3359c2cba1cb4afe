"""What the history adds to a run's record."""

from __future__ import annotations

from typing import Literal

import pytest

from harness.model.result import Measure
from harness.study.assemble import _complete_record
from tests.reporting.factory import make_result


@pytest.mark.parametrize(("state", "seconds"), [("ok", 4.5), ("lower_bound", None)])
def test_a_broker_that_did_not_come_back_is_not_recorded_as_back(
    state: Literal["ok", "lower_bound"], seconds: float | None
) -> None:
    run = make_result().runs[0]
    (fault,) = run.faults
    fault.first_acknowledged_s = None
    measure = Measure(
        workload=run.workload, broker=run.broker, repeat=0, metric="recovery_first_acknowledged", phase=fault.phase, value=4.5,
        unit="s", better="lower", state=state,
    )  # fmt: skip
    _complete_record(run, [measure])
    assert fault.first_acknowledged_s == seconds

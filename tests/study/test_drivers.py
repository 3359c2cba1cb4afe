"""The record that the method section quotes: this machine's own before the bundled one, and a damaged one is none."""

import json

from harness.bench.driver import Row
from harness.study import drivers


def document(question):
    row = Row(question, 100, 0.7, "settings", (90.0,), (100.0,), (1.0,), (2.0,)).as_dict()
    missing = {"question": "kafka", "state": "not run", "reason": "no Java", "next": ""}
    return {"created": "2026-01-02T00:00:00+00:00", "machine": "m", "versions": {"t": "1"}, "rows": [row, missing]}


# At 100 B the Python binding's own work for each message (an object, a callback) is what Java's tool has not: known, and no less than this.
SHORT_AT_BYTES, SHORT_FLOOR = 100, 0.75


def test_the_record_that_comes_with_the_harness_reaches_its_floors(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    record = drivers.recorded_drivers()
    assert record is not None
    assert not record.here
    assert {row.size_bytes for row in record.rows} == {100, 1024}
    assert len(record.rows) == 6
    short = [row for row in record.rows if row.ratio < row.floor]
    assert all(row.size_bytes == SHORT_AT_BYTES and row.question.startswith("kafka") for row in short)
    assert all(row.ratio >= SHORT_FLOOR for row in short)


def test_this_machines_own_record_goes_first_and_a_damaged_one_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    path = drivers.record_here()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document("mine")))
    record = drivers.recorded_drivers()
    assert record is not None
    assert (record.here, [row.question for row in record.rows], record.rows[0].ratio) == (True, ["mine"], 0.9)
    path.write_text("{")
    assert not drivers.recorded_drivers().here

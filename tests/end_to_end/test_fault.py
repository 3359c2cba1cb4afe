"""``harness fault``, the real command: its table, its document, its exit codes."""

import json

from tests.end_to_end.harness_process import left_behind, run_harness

CUT = """
question: Is anything lost when the memory broker's link is cut?
messages: {size: 100B}
needs: {groups: {readers: 1}}
phases:
  - {name: trouble, paced: 100/s, for: 600ms, fault: {FAULT}}
expect: {lost: 0}
"""


def test_trials_become_a_row_a_broker(tmp_path):
    (tmp_path / "own.yaml").write_text(CUT.replace("FAULT", "cut: link, at: 100ms, for: 300ms"))
    done = run_harness(tmp_path, "fault", "own.yaml", "-b", "memory", "--trials", "2", "--json", "-o", "out")
    assert done.status == 0, done.err
    document = done.document()
    assert (document["document"], document["trials"], document["tier"]) == ("fault", 2, "D1")
    (row,) = document["rows"]
    assert (row["trials"], row["bit"], row["judged"], row["lost"], row["recovered"]) == (2, 2, 2, 0, 2)
    assert row["unavailable_s"] >= 0.25
    assert abs(row["loss_bound"] - 0.7764) < 0.001
    assert (tmp_path / "out" / "report.html").exists()
    assert left_behind(tmp_path) == []


def test_a_lost_message_is_exit_code_one(tmp_path):
    (tmp_path / "own.yaml").write_text(CUT.replace("FAULT", "kill: broker, at: 200ms"))
    done = run_harness(tmp_path, "fault", "own.yaml", "-b", "memory:lose_acknowledged", "--trials", "1", "-o", "out")
    assert done.status == 1, done.err
    (row,) = json.loads((tmp_path / "out" / "result.json").read_text())["trials"]
    assert (row["lost_in"], row["loss_bound"]) == (1, 1.0)
    assert row["lost"] > 0


def test_scenarios_are_listed_and_misspelt_ones_named(tmp_path):
    listed = run_harness(tmp_path, "fault", "ls", "--json").document()
    names = {one["name"] for one in listed["scenarios"]}
    assert {"kill", "pause", "cut", "reset", "slow", "throttle", "disk_full", "crash"} <= names
    done = run_harness(tmp_path, "fault", "disk_ful")
    assert done.status == 2
    assert "did you mean disk_full?" in done.err
    (tmp_path / "calm.yaml").write_text(CUT.replace(", fault: {FAULT}", ""))
    done = run_harness(tmp_path, "fault", "calm.yaml")
    assert done.status == 2
    assert "no phase of calm.yaml has a fault" in done.err

"""Bugs planted in the memory broker are found end to end: workload, workers, history, checkers, result document."""

import json

import pytest

from tests.end_to_end.harness_process import left_behind, run_harness

# a flood of tasks to workers that take one at a time drains slowly
DURATION = {"clickstream_fanout": "700ms", "priority_tasks": "300ms", "password_reset": "700ms"}

PLANTED = [
    # bug of the memory broker, workload, checker that must say INVALID
    ("lose_acknowledged", "clickstream_fanout", "durability"),
    ("duplicate", "clickstream_fanout", "duplicates"),
    ("reorder_within_key", "clickstream_fanout", "ordering"),
    ("corrupt", "clickstream_fanout", "corruption"),
    ("phantom", "clickstream_fanout", "phantom"),
    ("skip_group", "clickstream_fanout", "fan_out"),
    ("replay_differs", "clickstream_fanout", "replay"),
    ("priority_ignored", "priority_tasks", "priority"),
    ("expired_delivered", "priority_tasks", "expiry"),
    ("expire_early", "priority_tasks", "expiry"),
    ("drop_dead_letter", "priority_tasks", "dead_letter"),
]


def _verdicts(folder):
    result = json.loads((folder / "out" / "result.json").read_text())
    assert [run["state"] for run in result["runs"]] == ["done"], result["runs"]
    return result, {verdict["checker"]: verdict for verdict in result["verdicts"]}


@pytest.mark.parametrize(("bug", "workload", "checker"), PLANTED)
def test_a_planted_bug_is_found(tmp_path, bug, workload, checker):
    # tasks that expire or are given up on are few: one in twenty of them may be none at all
    every = 2 if workload == "priority_tasks" else 20
    done = run_harness(
        tmp_path,
        "run",
        workload,
        "-b",
        f"memory:{bug}+bug_every={every}",
        "--duration",
        DURATION[workload],
        "-o",
        "out",
    )
    _, verdicts = _verdicts(tmp_path)
    assert verdicts[checker]["validity"] == "invalid", done.err + json.dumps(verdicts, indent=1)
    assert verdicts[checker]["evidence"], "a verdict carries the offending messages"
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("workload", ["clickstream_fanout", "priority_tasks", "password_reset"])
def test_the_perfect_broker_is_found_perfect(tmp_path, workload):
    done = run_harness(tmp_path, "run", workload, "-b", "memory", "--duration", DURATION[workload], "-o", "out")
    assert done.status == 0, done.err
    _, verdicts = _verdicts(tmp_path)
    wrong = {
        name: verdict["summary"]
        for name, verdict in verdicts.items()
        if verdict["validity"] == "invalid" and verdict["promised"]
    }
    assert wrong == {}
    assert left_behind(tmp_path) == []

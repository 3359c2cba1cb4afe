"""Bugs planted in the memory broker are found end to end: workload, workers, history, checkers, result document."""

import json

import pytest

from tests.end_to_end.harness_process import left_behind, run_harness

# a flood of tasks to workers that take one at a time drains slowly
DURATION = {"clickstream_fanout": "700ms", "iot_fleet": "700ms", "priority_tasks": "300ms", "password_reset": "700ms"}

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


def _column(bug, workload):
    # tasks that expire or are given up on are few: one in twenty of them may be none at all
    return f"memory:{bug}+bug_every={2 if workload == 'priority_tasks' else 20}"


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """One study a workload, made when first asked for: a column, and so a broker and a run of its own, for each bug."""
    made = {}

    def study(workload):
        if workload not in made:
            folder = tmp_path_factory.mktemp(workload)
            columns = ",".join(_column(bug, name) for bug, name, _ in PLANTED if name == workload)
            done = run_harness(
                folder, "run", workload, "-b", columns, "--duration", DURATION[workload], "-o", "out", timeout_s=230
            )
            made[workload] = done, json.loads((folder / "out" / "result.json").read_text()), left_behind(folder)
        return made[workload]

    return study


@pytest.mark.parametrize(("bug", "workload", "checker"), PLANTED)
def test_a_planted_bug_is_found(studies, bug, workload, checker):
    done, result, left = studies(workload)
    label = _column(bug, workload).replace("+", ",")
    assert [run["state"] for run in result["runs"] if run["broker"] == label] == ["done"], result["runs"]
    verdicts = {verdict["checker"]: verdict for verdict in result["verdicts"] if verdict["broker"] == label}
    assert verdicts[checker]["validity"] == "invalid", done.err + json.dumps(verdicts, indent=1)
    assert verdicts[checker]["evidence"], "a verdict carries the offending messages"
    assert left == []


@pytest.mark.parametrize("workload", ["clickstream_fanout", "iot_fleet", "priority_tasks", "password_reset"])
def test_the_perfect_broker_is_found_perfect(tmp_path, workload):
    done = run_harness(tmp_path, "run", workload, "-b", "memory", "--duration", DURATION[workload], "-o", "out")
    assert done.status == 0, done.err
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [run["state"] for run in result["runs"]] == ["done"], result["runs"]
    verdicts = {verdict["checker"]: verdict for verdict in result["verdicts"]}
    wrong = {
        name: verdict["summary"]
        for name, verdict in verdicts.items()
        if verdict["validity"] == "invalid" and verdict["promised"]
    }
    assert wrong == {}
    assert left_behind(tmp_path) == []

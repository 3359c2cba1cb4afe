"""What goes wrong while a study runs: each a clear error, nothing finished lost, nothing left running."""

import json
import os
import shutil
import signal
import time

import psutil
import pytest

from tests.end_to_end.harness_process import left_behind, run_harness, start_harness


def _await(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


def _finished_runs(folder):
    for name in ("result.json", "result.partial.json"):
        path = folder / "out" / name
        if path.exists():
            return [run for run in json.loads(path.read_text())["runs"] if run["state"] == "done"]
    return []


def _broker_processes(folder, word):
    found = []
    for process in psutil.process_iter():
        try:
            if (
                word in process.cmdline()
                and process.environ().get("PYTHONPATH")
                and str(folder) in " ".join(process.cmdline())
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    process = start_harness(
        tmp_path, "run", "password_reset", "-b", "memory", "-n", "5", "--duration", "500ms", "-o", "out"
    )
    _await(lambda: _finished_runs(tmp_path))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["state"] == "interrupted"
    assert any(run["state"] == "done" for run in result["runs"])
    assert (tmp_path / "out" / "report.html").exists()
    assert left_behind(tmp_path) == []


def test_ctrl_c_at_any_moment_of_the_start_shows_no_traceback(tmp_path):
    """As a terminal sends it: to every process of the group, the one that is still loading what workers need included."""
    for seconds in (0.8, 1.4, 2.2):
        process = start_harness(tmp_path, "run", "priority_tasks", "-b", "memory", "--replace", "-o", "out")
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, (seconds, err)
        assert "Traceback" not in err, (seconds, err)
    _await(lambda: not left_behind(tmp_path), timeout_s=20)


def _times_of_histories(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "out" / "cells").glob("*/*/*/meta.json")}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_study_is_gone_on_with(tmp_path, how):
    (tmp_path / "w.yaml").write_text(
        "question: Is what is finished kept?\nmessages: {}\nneeds: {groups: {a: 1}}\n"
        "phases: [{name: paced, paced: 50/s, for: 500ms}]\n"
    )
    words = ("run", "./w.yaml", "-b", "memory", "-n", "3", "-o", "out")
    process = start_harness(tmp_path, *words)
    _await(lambda: _finished_runs(tmp_path))
    process.send_signal(how)
    process.communicate(timeout=60)
    _await(lambda: not left_behind(tmp_path), timeout_s=20)
    finished = {(run["broker"], run["repeat"], run["history"]) for run in _finished_runs(tmp_path)}
    before = {
        path: at for path, at in _times_of_histories(tmp_path).items() if any(h in str(path) for *_, h in finished)
    }
    refused = run_harness(tmp_path, *words, "--resume", "--seed", "2")
    assert refused.status == 2
    assert "seed 2 instead of 1" in refused.err
    done = run_harness(tmp_path, *words, "--resume")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["state"] == "done", done.err
    assert sorted((run["repeat"], run["state"]) for run in result["runs"]) == [(n, "done") for n in range(3)]
    after = _times_of_histories(tmp_path)
    assert before
    assert {path: after[path] for path in before} == before  # what was finished was not run again
    assert any("gone on with" in note for note in result["notes"])
    assert result["capabilities"]
    assert result["parity"]
    assert not (tmp_path / "out" / "result.partial.json").exists()
    assert left_behind(tmp_path) == []


def test_a_killed_harness_leaves_nothing_running_and_its_histories_can_be_judged(tmp_path):
    process = start_harness(
        tmp_path, "run", "password_reset", "-b", "memory", "-n", "5", "--duration", "500ms", "-o", "out"
    )
    _await(lambda: _finished_runs(tmp_path))
    time.sleep(1.0)  # well into the next run
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    _await(lambda: not left_behind(tmp_path), timeout_s=20)
    done = run_harness(tmp_path, "check", "out", "--json")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["state"] == "interrupted", done.err
    assert result["verdicts"]


def _a_phase_began(folder):
    events = folder.glob("cells/*/memory/r0/streams/event-conductor.arrows")
    return any(b"phase_started" in file.read_bytes() for file in events)


def test_a_broker_that_dies_in_the_middle_costs_its_own_cells_only(tmp_path):
    process = start_harness(
        tmp_path, "run", "clickstream_fanout", "-b", "memory,pylog", "--duration", "1500ms", "-o", "out"
    )
    (victim,) = _await(lambda: _broker_processes(tmp_path, "harness.adapters.memory_server"))
    _await(lambda: _a_phase_began(tmp_path / "out"))
    os.kill(victim.pid, signal.SIGKILL)
    _, err = process.communicate(timeout=110)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    states = {run["broker"]: run["state"] for run in result["runs"]}
    assert states == {"memory": "failed", "pylog": "done"}, err
    assert process.returncode == 1, err  # its expectations cannot be confirmed
    failed = next(run for run in result["runs"] if run["state"] == "failed")
    assert "died in the middle" in failed["error"]
    assert left_behind(tmp_path) == []


def test_an_unknown_broker_is_named_with_the_nearest(tmp_path):
    done = run_harness(tmp_path, "run", "password_reset", "-b", "rabitmq")
    assert done.status == 2
    assert "did you mean rabbitmq" in done.err


def test_a_misspelt_key_stops_before_anything_starts(tmp_path):
    (tmp_path / "w.yaml").write_text(
        "question: Does a misspelt key stop it?\nmesages: {}\nneeds: {groups: {a: 1}}\nphases: []\n"
    )
    done = run_harness(tmp_path, "run", "./w.yaml", "-b", "memory", "-o", "out", "--json")
    assert done.status == 2
    assert "w.yaml:2: mesages: unknown key; did you mean 'messages'?" in done.err
    assert json.loads(done.out)["code"] == "H002"
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_said(tmp_path):
    """A history on a file system with next to no room."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root and mount for a small file system")
    small = tmp_path / "small"
    small.mkdir()
    mounted = os.system(f"mount -t tmpfs -o size=400k tmpfs {small} 2>/dev/null")
    if mounted:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        done = run_harness(tmp_path, "run", "clickstream_fanout", "-b", "memory", "--duration", "1s", "-o", "small/out")
        assert done.status != 0
        assert "No space left" in done.err or "cannot write" in done.err, done.err
        assert "Traceback" not in done.err
        assert left_behind(tmp_path) == []
    finally:
        os.system(f"umount {small}")


def test_a_truncated_history_is_said(tmp_path):
    done = run_harness(tmp_path, "run", "password_reset", "-b", "memory", "--duration", "500ms", "-o", "out")
    assert done.status == 0, done.err
    (table,) = (tmp_path / "out" / "cells").glob("*/*/*/deliver.parquet")
    table.write_bytes(table.read_bytes()[:-20])
    done = run_harness(tmp_path, "check", "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["runs"][0]["state"] == "failed"
    assert "deliver.parquet" in result["runs"][0]["error"]
    assert done.status == 5
    assert "not judged: password_reset on memory, repeat 1" in done.err
    done = run_harness(tmp_path, "report", "out", "--format", "json", "-o", "no/such/folder")
    assert done.status == 2
    assert "no/such/folder: No such file" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("option", [("--workers", "3"), ("--web-port", "8089")], ids=lambda option: option[0])
def test_an_option_of_locust_is_refused_where_locust_does_not_carry_the_load(tmp_path, option):
    done = run_harness(tmp_path, "run", "password_reset", "-b", "memory", "--load", "own", "-o", "out", *option)
    assert done.status == 2, done.err
    assert f"{option[0]} is for Locust" in done.err
    assert f"--load locust {option[0]} {option[1]}" in done.err
    assert not (tmp_path / "out").exists()

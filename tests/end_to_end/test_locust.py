"""The same workload from our own runner, from one Locust process, and from a Locust master with three workers."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pyarrow.parquet as pq
import pytest

from harness.history.view import History
from harness.swarm.launch import LOCUSTFILE
from tests.end_to_end.harness_process import left_behind, run_harness, start_harness

WORKLOADS = ("clickstream_fanout", "priority_tasks", "password_reset")
MODES = {"own": (), "one": ("--load", "locust", "--workers", "0"), "three": ("--load", "locust", "--workers", "3")}
SEEDED = ("key", "class", "bytes", "ttl_ms", "failures", "work_us")  # what the seed decides of a message


def run_mode(folder, mode, broker, workloads):
    done = run_harness(
        folder,
        "run",
        *workloads,
        "-b",
        broker,
        "--duration",
        "400ms",
        "-o",
        mode,
        "--json",
        "--replace",
        *MODES[mode],
        timeout_s=300,
    )
    assert done.status in (0, 1, 5), done.err
    assert left_behind(folder) == []
    return json.loads(done.out)["result"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One study of all three workloads by each way, on pylog."""
    folder = tmp_path_factory.mktemp("modes")
    return folder, {mode: run_mode(folder, mode, "pylog", WORKLOADS) for mode in MODES}


def states(result, workload):
    """What must not depend on where the load came from. How far urgent tasks overtake is a matter of time where it is emulated."""
    return {
        v["checker"]: v["validity"]
        for v in result["verdicts"]
        if v["workload"] == workload and v["checker"] != "priority"
    }


def planned(folder, result, workload):
    """By phase whose schedule the seed decides: the messages in order, and their intended times from the phase's first one."""
    (run,) = [run for run in result["runs"] if run["workload"] == workload]
    table = pq.read_table(folder / run["history"] / "publish.parquet").to_pandas()
    table = table[table["attempt"] == 0].sort_values(["producer", "sequence"])
    seeded = {}
    for phase in run["phases"]:
        if phase["kind"] in ("paced", "burst"):
            rows = table[table["phase"] == phase["index"]]
            times = (rows["intended_ns"] - rows["intended_ns"].min()).tolist()
            seeded[phase["name"]] = (rows[list(SEEDED)].to_numpy().tolist(), times)
    return seeded


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first one pays for all
@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_same_messages_at_the_same_times_and_the_same_verdicts(results, workload):
    folder, by_mode = results
    for mode, result in by_mode.items():
        assert [run["state"] for run in result["runs"]] == ["done"] * len(WORKLOADS), (
            mode,
            [run["error"] for run in result["runs"]],
        )
    own = planned(folder / "own", by_mode["own"], workload)
    assert all(rows for rows, _ in own.values())
    for mode in ("one", "three"):
        assert planned(folder / mode, by_mode[mode], workload) == own, mode
        assert states(by_mode[mode], workload) == states(by_mode["own"], workload), mode


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_result_says_who_carried_what_and_how_their_clocks_stood(results):
    folder, by_mode = results
    assert all(run["load"] is None for run in by_mode["own"]["runs"])
    for run in by_mode["three"]["runs"]:
        workers = run["load"]["workers"]
        assert [worker["state"] for worker in workers] == ["done"] * 3
        carried = [name for worker in workers for name in worker["slice"]]
        assert "publisher-0" in carried
        assert len(carried) == len(set(carried))
        for worker in workers:  # one machine: the measurement must find that the clocks are one
            assert worker["same_clock"]
            assert worker["round_trips"] >= 10
            assert abs(worker["offset_us"]) <= worker["bound_us"]
        marks = History(folder / "three" / run["history"]).events()
        assert sum(mark.kind == "locust_worker" for mark in marks) == 3
    assert any(note.startswith("Load of clickstream_fanout") for note in by_mode["three"]["notes"])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["one", "three"])
def test_locusts_page_shows_every_message_and_its_heartbeats_never_stopped(results, mode):
    folder, by_mode = results
    with (folder / mode / "locust" / "locust_stats.csv").open() as file:
        rows = {(row["Type"], row["Name"]): int(row["Request Count"]) for row in csv.DictReader(file)}
    for run in by_mode[mode]["runs"]:
        history = History(folder / mode / run["history"])
        for kind, table in (("publish", "publish"), ("deliver", "deliver")):
            shown = sum(
                count
                for (type_, name), count in rows.items()
                if type_ == kind and name.startswith(f"pylog/{run['workload']}/")
            )
            assert shown == history.rows(table), (kind, run["workload"])
    log = (folder / mode / "locust" / "master.log").read_text()
    assert "failed to send heartbeat" not in log
    assert "Traceback" not in log
    with (folder / mode / "locust" / "locust_stats_history.csv").open() as file:
        looks = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    times = [int(row["Timestamp"]) for row in looks]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) <= 3
    counts = [int(row["Total Request Count"]) for row in looks]
    assert counts == sorted(counts)
    assert counts[-1] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_locust_worker_that_is_killed_is_in_the_report(tmp_path):
    process = start_harness(
        tmp_path, "run", "clickstream_fanout", "-b", "pylog", "--duration", "20s", "-o", "out", *MODES["three"]
    )
    streams = tmp_path / "out/cells/clickstream_fanout/pylog/r0/streams"
    _await(lambda: any(path.stat().st_size > 20_000 for path in streams.glob("consume-*.arrows")), 150)
    victim = next(child for child in psutil.Process(process.pid).children() if "--worker" in child.cmdline())
    victim.kill()
    _, err = process.communicate(timeout=140)
    assert process.returncode == 1, err
    result = json.loads((tmp_path / "out/result.json").read_text())
    (run,) = result["runs"]
    assert run["state"] == "failed"
    (lost,) = [worker for worker in run["load"]["workers"] if worker["state"] == "lost"]
    assert lost["slice"]
    assert f"{lost['name']} on" in run["error"]
    assert all(name in run["error"] for name in lost["slice"])
    (mark,) = [mark for mark in History(tmp_path / "out" / run["history"]).events() if mark.kind == "slice_lost"]
    assert mark.detail["slice"] == lost["slice"]
    assert "valid" not in {v["validity"] for v in result["verdicts"] if v["checker"] in ("durability", "fan_out")}
    page = (tmp_path / "out/report.html").read_text()
    assert "LOST in the middle" in page
    assert "was lost in the middle" in page
    _await(lambda: not left_behind(tmp_path))


@pytest.mark.slow
@pytest.mark.thorough  # above it is pylog's verdicts that are the same, and below that no client library is in a Locust process
@pytest.mark.broker("rabbitmq")
@pytest.mark.timeout(600)
def test_rabbitmq_has_the_same_verdicts_from_three_locust_workers(tmp_path):
    own, three = (run_mode(tmp_path, mode, "rabbitmq", ("password_reset",)) for mode in ("own", "three"))
    assert [run["state"] for run in (*own["runs"], *three["runs"])] == ["done"] * 2
    assert planned(tmp_path / "three", three, "password_reset") == planned(tmp_path / "own", own, "password_reset")
    assert states(three, "password_reset") == states(own, "password_reset")


def test_the_commands_for_other_machines_are_printed(tmp_path):
    done = run_harness(
        tmp_path, "run", "priority_tasks", "-b", "pylog", "--load", "locust", "--workers", "2", "--print-command"
    )
    master, *workers = done.out.splitlines()
    assert master.startswith(f"locust -f {LOCUSTFILE} ")
    assert "--master " in master
    assert "--harness 'priority_tasks -b pylog -o reports/" in master
    assert len(workers) == 2
    assert all("--worker --master-host 127.0.0.1" in line for line in workers)


def test_a_locust_process_loads_nothing_of_ours_that_gevent_would_have_to_patch():
    """Importing docker, requests or urllib3 before gevent patches ssl ends in a RecursionError at the first TLS context."""
    code = (
        "import sys\n"
        "import harness.swarm.link, harness\n"
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not before & {'docker', 'requests', 'urllib3', 'ssl', 'pyarrow', 'numpy', 'pika'}, before\n"
        "import locust, locust.main, runpy\n"
        f"runpy.run_path({str(LOCUSTFILE)!r})\n"
        "ours = {name for name in sys.modules if name.partition('.')[0] == 'harness'}\n"
        "assert ours == {'harness', 'harness.swarm', 'harness.swarm.link', 'harness.swarm.bridge'}, ours\n"
        "assert not {'docker', 'pyarrow', 'pika', 'confluent_kafka'} & set(sys.modules)\n"
        "import ssl\n"
        "ssl.create_default_context()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr


def test_a_master_without_a_workload_says_what_to_type(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 2, done.stderr
    assert "--harness 'clickstream_fanout -b rabbitmq'" in done.stderr


def test_ctrl_c_ends_the_study_in_order_and_leaves_nothing(tmp_path):
    process = start_harness(
        tmp_path, "run", "password_reset", "-b", "memory", "--duration", "30s", "-o", "out", *MODES["one"]
    )
    _await(lambda: list((tmp_path / "out").glob("cells/*/*/r0/streams/consume-*.arrows")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    result = json.loads((tmp_path / "out/result.json").read_text())
    assert result["state"] == "interrupted"
    assert result["runs"][0]["load"]["workers"][0]["state"] == "done"
    _await(lambda: not left_behind(tmp_path))


def _await(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found

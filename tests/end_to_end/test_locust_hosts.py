"""A Locust master and three workers as four hosts: a network of their own, and a monotonic clock of its own on each worker.

Network and time namespaces make them on one machine; that needs root, ``ip`` and ``unshare``, and is skipped where they are missing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

from harness.history.view import History
from harness.swarm.launch import LOCUSTFILE

LEADER = "10.231.77.1"
AHEAD_S = (1_000, 500_000, -1)  # how far each worker's clock is from the leader's
WORKLOAD = """
question: Do hosts with clocks of their own tell one story?
messages: {size: 300B, payload: click_json, key: "uniform(keys=50)"}
needs: {groups: {one: 1, two: 2}, order: per_key, partitions: 2, durability: D1}
publishers: 3
phases: [{name: paced, paced: 120/s, for: 2s}]
"""


def _able() -> bool:
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare"))):
        return False
    tried = subprocess.run(["unshare", "--net", "--time", "--monotonic", "7", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def network(hosts: list[str]):
    """The first host has a bridge and ``LEADER``; the others hang on it."""
    made = []
    try:
        for host in hosts:
            _ip("netns", "add", host)
            made.append(host)
            _ip("-n", host, "link", "set", "lo", "up")
        _ip("-n", hosts[0], "link", "add", "lan", "type", "bridge")
        _ip("-n", hosts[0], "addr", "add", f"{LEADER}/24", "dev", "lan")
        _ip("-n", hosts[0], "link", "set", "lan", "up")
        for number, host in enumerate(hosts[1:], start=2):
            _ip("-n", hosts[0], "link", "add", f"to{number}", "type", "veth", "peer", "name", "eth0", "netns", host)
            _ip("-n", hosts[0], "link", "set", f"to{number}", "master", "lan", "up")
            _ip("-n", host, "addr", "add", f"{LEADER[:-1]}{number}/24", "dev", "eth0")
            _ip("-n", host, "link", "set", "eth0", "up")
        yield
    finally:
        for host in made:
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True)


@contextmanager
def running(folder, name: str, host: str, *command: str):
    """A process on a host, in a session of its own, ended at the end."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["ip", "netns", "exec", host, *command],
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder)},
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.skipif(not _able(), reason="needs root, ip and time namespaces")
def test_four_hosts_with_clocks_of_their_own_tell_one_story(tmp_path):
    (tmp_path / "hosts.yaml").write_text(WORKLOAD)
    hosts = [f"h{os.getpid()}n{number}" for number in range(4)]
    python = sys.executable
    arguments = f"./hosts.yaml -b pylog --url pylog={LEADER}:9092 -o out"
    with ExitStack() as stack:
        stack.enter_context(network(hosts))
        stack.enter_context(
            running(tmp_path, "broker", hosts[0], python, "-m", "harness.pylog_broker", "serve", "--host", LEADER,
                    "--port", "9092", "--data-dir", str(tmp_path / "data"))
        )  # fmt: skip
        master = stack.enter_context(
            running(tmp_path, "master", hosts[0], python, "-m", "locust", "-f", str(LOCUSTFILE), "--master", "--headless",
                    "--master-bind-host", LEADER, "--expect-workers", "3", "--users", "3", "--harness", arguments)
        )  # fmt: skip
        for number, ahead in enumerate(AHEAD_S, start=1):
            stack.enter_context(
                running(tmp_path, f"worker{number}", hosts[number], "unshare", "--time", "--monotonic", str(ahead),
                        python, "-m", "locust", "-f", str(LOCUSTFILE), "--worker", "--master-host", LEADER)
            )  # fmt: skip
        deadline = time.monotonic() + 200
        while master.poll() is None:
            assert time.monotonic() < deadline, (tmp_path / "master.log").read_text()[-2000:]
            time.sleep(0.1)
    log = (tmp_path / "master.log").read_text()
    result = json.loads((tmp_path / "out/result.json").read_text())
    (run,) = result["runs"]
    assert run["state"] == "done", log[-2000:]
    workers = run["load"]["workers"]
    assert not any(worker["same_clock"] for worker in workers)
    measured = sorted(worker["offset_us"] / 1e6 for worker in workers)
    for found, true in zip(measured, sorted(AHEAD_S), strict=True):
        assert found == pytest.approx(true, abs=0.05)
    for worker in workers:
        true_us = min((ahead * 1e6 for ahead in AHEAD_S), key=lambda one: abs(one - worker["offset_us"]))
        assert abs(worker["offset_us"] - true_us) <= worker["bound_us"]
    assert run["load"]["bound_us"] > 0
    assert {v["validity"] for v in result["verdicts"]} == {"valid"}, [
        (v["checker"], v["summary"]) for v in result["verdicts"]
    ]
    history = History(tmp_path / "out" / run["history"])
    assert history.meta.clock_bound_ns > 0
    columns = history.columns("deliver", ["intended_ns", "received_ns"])
    latency_ms = (columns["received_ns"] - columns["intended_ns"]) / 1e6
    assert len(latency_ms) == 240 * 2
    assert -history.meta.clock_bound_ns / 1e6 <= latency_ms.min()
    assert latency_ms.max() < 30_000  # the clocks are up to half a million seconds apart

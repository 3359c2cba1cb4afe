"""An engine that dies in the middle of a whole run: what is finished stays, other brokers go on, nothing is left running."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil
import pytest
from docker.errors import NotFound

from harness.brokers import engine
from harness.brokers.owner import LABEL
from tests.end_to_end.harness_process import left_behind, start_harness
from tests.integration.containers.engines import Doorway, eventually
from tests.integration.pylog_core.broker_process import BrokerProcess

SHORT = """
question: What is left of a run whose engine dies?
messages: {size: 100B}
needs: {groups: {readers: 1}}
phases:
  - {name: only, paced: 100/s, for: 4s}
expect: {lost: 0}
"""


def containers() -> dict[str, int]:
    """Containers of ours that run, with the pid of each; one that goes meanwhile, of an earlier run, is none."""
    client = engine.connect()
    found: dict[str, int] = {}
    for one in client.containers.list(filters={"label": LABEL}, ignore_removed=True):
        with contextlib.suppress(NotFound):
            found[str(one.name)] = int(client.api.inspect_container(one.id)["State"]["Pid"])
    return found


@pytest.mark.container("pylog")
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.thorough  # a minute and more; test_trouble.py has the shorter one
def test_the_engine_dies_in_the_middle_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = containers()
    work = tmp_path / "work"
    work.mkdir()
    (work / "short.yaml").write_text(SHORT)
    door = Doorway(tmp_path / "engine.sock")
    with BrokerProcess(tmp_path / "beside", "group.initial.rebalance.delay.ms=0") as beside:
        with monkeypatch.context() as patch:
            patch.setenv("DOCKER_HOST", door.address)
            options = ["-b", "pylog,kafka", "--url", f"kafka={beside.address}", "--backend", "docker", "-n", "3"]
            harness = start_harness(work, "run", "short.yaml", *options, "-o", "out")
        with harness:
            try:
                second = work / "out" / "cells" / "short" / "pylog" / "r1" / "streams"
                assert eventually(lambda: any(second.glob("publish-*")), 150), "the second repeat did not begin"
                ((name, pid),) = (one for one in containers().items() if one[0] not in before)
                door.close()
                said = harness.communicate(timeout=150)[1]
            finally:
                harness.kill()
    result = json.loads((work / "out" / "result.json").read_text())
    states = {(run["broker"], run["repeat"]): run["state"] for run in result["runs"]}
    assert [states["kafka", repeat] for repeat in range(3)] == ["done"] * 3, said
    assert sorted(states["pylog", repeat] for repeat in range(3)) == ["done", "failed", "failed"], said
    errors = [run["error"] for run in result["runs"] if run["state"] == "failed"]
    assert "died in the middle of short: the container engine at" in errors[0]
    assert all("does not answer any more" in error or "no container engine" in error for error in errors), errors
    assert harness.returncode == 1, "what was cut off cannot be confirmed"
    assert eventually(lambda: not psutil.pid_exists(pid)), f"the broker in {name} runs on"
    door.open()
    assert eventually(
        lambda: name not in {str(one.name) for one in engine.connect().containers.list(all=True, ignore_removed=True)}
    )
    assert eventually(lambda: left_behind(work) == []), left_behind(work)
    door.close()

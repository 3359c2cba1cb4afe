"""Detached brokers, with pylog as the one that is always there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.brokers import commands, ports
from harness.cli.broker import broker_app
from harness.errors import BrokerStartFailed, UsageError
from harness.model.broker import BrokerInfo
from tests.brokers.processes import touching, wait_until_none

pytestmark = pytest.mark.broker("pylog")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    yield tmp_path
    commands.down_all()
    assert touching(tmp_path) == {}


def test_up_ls_logs_down(home: Path) -> None:
    up = commands.up("pylog", tier="D2")
    assert up.alive
    assert up.info.settings["log.flush.interval.messages"] == "1"
    assert up.stop_command == "harness broker down pylog"
    assert [(found.instance, found.alive, found.info) for found in commands.ls()] == [("pylog", True, up.info)]
    with pytest.raises(UsageError, match="runs already"):
        commands.up("pylog")
    lines = commands.logs("pylog")
    assert lines
    shown = CliRunner().invoke(broker_app, ["logs", "pylog", "--json"])
    told = json.loads(shown.stdout)
    assert (told["document"], told["instance"], told["lines"][: len(lines)]) == ("broker log", "pylog", lines)
    document = json.loads(json.dumps(up.as_document()))
    assert (document["address"], document["alive"]) == (up.info.address, True)

    commands.down("pylog")
    assert not up.alive
    assert commands.ls() == []
    assert not ports.answers(up.info.host, up.info.port)
    with pytest.raises(UsageError, match="no broker 'pylog' is up"):
        commands.down("pylog")
    assert (home / "state/brokers/pylog/data").exists()


def test_two_names_and_down_all_with_wipe(home: Path) -> None:
    (port,) = ports.free_ports(1)
    one, two = commands.up("pylog", port=port), commands.up("pylog", instance="second")
    assert one.info.port == port != two.info.port
    assert {done.instance for done in commands.down_all(wipe=True)} == {"pylog", "second"}
    assert not (home / "state/brokers/second/data").exists()


def test_it_outlives_the_command_that_started_it(home: Path) -> None:
    code = "from harness.brokers import commands; print(commands.up('pylog').info.port)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert ports.answers("127.0.0.1", int(done.stdout))
    commands.down("pylog")


@pytest.mark.parametrize("victim", ["main", "keeper"])
def test_one_that_was_killed_is_told_apart_and_can_be_started_again(home: Path, victim: str) -> None:
    up = commands.up("pylog")
    os.kill(getattr(up, victim).pid, signal.SIGKILL)
    assert up.main.wait_gone(10)
    assert up.keeper.wait_gone(10)
    assert [found.alive for found in commands.ls()] == [False]
    again = commands.up("pylog")
    assert again.alive
    assert again.main != up.main


def test_a_record_whose_pids_were_used_again_harms_nobody(home: Path) -> None:
    up = commands.up("pylog")
    record = up.folder / commands.RECORD
    text = record.read_text()
    commands.down("pylog")
    with subprocess.Popen(["/bin/sleep", "100"]) as innocent:
        document = json.loads(text)
        for role in ("keeper", "main"):
            document[role]["pid"] = innocent.pid
        record.write_text(json.dumps(document))
        assert [found.alive for found in commands.ls()] == [False]
        commands.down("pylog")
        assert innocent.poll() is None
        innocent.kill()


def test_one_that_fails_at_start_leaves_no_record(home: Path) -> None:
    with pytest.raises(BrokerStartFailed):
        commands.up("pylog", settings={"no.such.setting": "1"})
    assert commands.ls() == []


@pytest.mark.parametrize("name", ["../evil", "", ".hidden", "a/b", "a b"])
def test_names_that_would_leave_the_state_folder_are_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError):
        commands.down(name)
    with pytest.raises(UsageError):
        commands.logs(name)


def test_a_tier_that_one_node_cannot_do_is_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="not D3"):
        commands.up("pylog", tier="D3")


HOLD = """
import signal, sys
from pathlib import Path
from harness.brokers import commands
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us ignore it
commands.hold("pylog", root=Path(sys.argv[1]), on_ready=lambda info: print(info.address, flush=True))
print("stopped", flush=True)
"""


def test_hold_stops_it_on_ctrl_c(home: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLD, str(tmp_path / "held")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0
    assert wait_until_none(tmp_path / "held") == {}


def test_hold_tells_when_it_ends_by_itself(home: Path, tmp_path: Path) -> None:
    def kill(info: BrokerInfo) -> None:
        (pid,) = [pid for pid, text in touching(tmp_path / "held").items() if "pylog_broker" in text]
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(commands.BrokerUnavailable, match="ended by itself"):
        commands.hold("pylog", root=tmp_path / "held", on_ready=kill)

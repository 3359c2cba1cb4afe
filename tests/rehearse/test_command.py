"""``harness rehearse`` as it is typed, from claim files that come with the harness to what is on the disk."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from harness.claims.loader import claim_files, load_claim
from harness.claims.store import save
from harness.cli.rehearse import rehearse_app
from harness.model.claim import ClaimVerdict
from harness.rehearse.state import RehearsalState
from tests.rehearse.factory import finding


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def typed(*arguments, lines=""):
    done = CliRunner().invoke(rehearse_app, [str(one) for one in arguments], input=lines)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def first_claim():
    return load_claim(next(iter(claim_files().values()))).claim


def test_a_whole_day(here):
    """Drill from a file of answers, look at the statistics, come back: nothing is due, and the second file is another person."""
    cards = len(claim_files())
    (here / "answers.txt").write_bytes(
        b"it is the \xff replay\n\neasy\n" * 2
    )  # what is hard comes again within a minute
    done = typed("drill", "--answers", "answers.txt")
    assert done.exit_code == 0
    assert "2 answered" in done.stdout
    assert (here / "state" / "messaging-harness" / "rehearsal.sqlite").exists()
    found = json.loads(typed("stats", "--json").stdout)
    assert (found["document"], found["version"]) == ("rehearsal", 1)
    assert (found["answers"], found["due"]["new"]) == ({"drill": 2}, cards - 2)
    other = json.loads(typed("stats", "--json", "--state", here / "other.sqlite").stdout)
    assert other["due"]["new"] == cards
    typed("drill", "--limit", "99", lines="\neasy\n" * cards)
    assert "Nothing is due; the next card is, in" in typed("drill").stdout


def test_a_prediction_and_its_experiment(here):
    """The calculation of C06 needs no broker: locked, measured, scored, and kept as a finding."""
    done = typed("predict", "C06", lines="100..130 TB\n")
    locked, _, shown = done.stdout.partition("locked at")
    assert "measured after the lock: calculation" in locked
    assert "inside" in shown
    assert "SUPPORTED" in shown
    assert (here / "reports" / "claims" / "C06" / "finding.json").exists()
    found = json.loads(typed("stats", "--json").stdout)["intervals"]
    assert (found["settled"], found["hits"]) == (1, 1)
    assert "does not count" in typed("predict", "C06", "--offline", lines="1..2\n").stdout


def test_offline_prediction_of_a_stored_finding(here):
    about = first_claim()
    save(finding(about, created=datetime.now(UTC)))
    done = typed("predict", about.id, "--offline", lines="skip\n")
    assert "passed" in done.stdout
    assert "SUPPORTED" not in done.stdout


def test_offline_without_findings_says_what_to_do(here):
    done = typed("predict", "--offline")
    assert done.exit_code == 0
    assert "harness claim run --all" in " ".join(done.stdout.split())


def test_traps(here):
    assert "next: harness claim run --all" in " ".join(typed("traps").stdout.split())
    about = first_claim()
    save(finding(about, ClaimVerdict.REFUTED, created=datetime.now(UTC)))
    (one,) = json.loads(typed("traps", "--json").stdout)["traps"]
    assert (one["claim"], one["verdict"]) == (about.id, "refuted")
    assert about.id in typed("traps", "--list").stdout
    assert "Seen through 1 of 1" in typed("traps", lines="n\n\n").stdout


def test_mock(here):
    done = typed("mock", "--questions", 2, "--seed", 1, "--follow-ups", 0, lines="replay\n\noffsets\n\n\n\n")
    assert "Summary of 2 questions" in done.stdout


def test_files(here):
    typed("worksheet", "-o", "sheet.html")
    assert (here / "sheet.html").read_text().startswith("<!doctype html>")
    assert typed("worksheet", "C33").stdout.startswith("# Rehearsal")
    typed("export", "--anki", "cards.apkg", "--csv", "cards.csv")
    assert (here / "cards.apkg").read_bytes()[:2] == b"PK"
    assert (here / "cards.csv").read_bytes().decode().count("\r\nC33,") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["drill", "C99"], 2, "no claim named 'C99'"),
        (["export"], 2, "--anki"),
        (["predict", "--offline", "-b", "pylog"], 2, "leave -b out"),
        (["predict", "C33", "-b", "pylog"], 2, "which -b leaves out"),
        (["drill", "--answers", "missing.txt"], 2, "missing.txt"),
        (["stats", "--state", "broken.sqlite"], 3, "broken.sqlite"),
    ],
)
def test_mistakes_name_the_next_command(here, arguments, code, words, monkeypatch, capsys):
    from harness.cli.app import main

    (here / "broken.sqlite").write_text("no database " * 50)
    monkeypatch.setattr(sys, "argv", ["harness", "rehearse", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert (left.value.code, words in told, "next:" in told) == (code, True, True)


def test_as_a_program_without_a_terminal(here):
    """From a pipe, without colour; Ctrl-C in the second question keeps the first answer."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "60"}
    command = [sys.executable, "-m", "harness", "rehearse", "drill", "C33", "C03", "--state", "state.sqlite"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        process.stdin.write("replay\n\n\n")
        process.stdin.flush()
        lines = []
        while not lines or "2 of 2" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended before the second question"
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert "\x1b" not in "".join(lines) + rest
    assert any("«replay»" in line for line in lines)
    with RehearsalState(here / "state.sqlite") as state:
        assert [one.claim for one in state.reviews()] == ["C33"]

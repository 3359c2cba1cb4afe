"""Columns of a study: a broker named twice is compared with itself."""

import subprocess
import sys

import pytest

from harness.errors import UsageError
from harness.plan.bundled import find_workload
from harness.plan.loader import load_workload
from harness.study.options import as_run, check_urls, override, parse_broker, parse_urls, with_twins


def labels(*names, aa=False):
    return [choice.label for choice in with_twins([parse_broker(name, {}) for name in names], twin_of_first=aa)]


def test_twins():
    assert labels("pylog", "kafka") == ["pylog", "kafka"]
    assert labels("pylog", "pylog") == ["pylog", "pylog#2"]
    assert labels("rabbitmq", "pylog", aa=True) == ["rabbitmq", "pylog", "rabbitmq#2"]
    with pytest.raises(UsageError, match="more than twice"):
        labels("pylog", "pylog", aa=True)
    with pytest.raises(UsageError, match="at least one"):
        labels()


def test_an_address_of_a_broker_that_does_not_run_is_refused():
    """It would be left out in silence, and a copy of this machine be measured instead."""
    choices = [parse_broker("rabbitmq:quorum", {})]
    check_urls(parse_urls(["rabbitmq=amqp://localhost:5672"]), choices)
    check_urls(parse_urls(["rabbitmq:quorum=amqp://localhost:5672"]), choices)
    with pytest.raises(UsageError, match="does not name it"):
        check_urls(parse_urls(["kafka=localhost:9092"]), choices)


def test_an_address_goes_all_the_way_from_the_command_line(tmp_path):
    """The command itself, for what is only imported when it runs."""
    arguments = ["run", "priority_tasks", "-b", "pylog", "--url", "pylog=127.0.0.1:1", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "on the broker at 127.0.0.1:1" in done.stdout


def _warmed(name, seconds):
    loaded = load_workload(find_workload(name))
    options = {"duration_s": None, "rate_per_s": None, "size_bytes": None, "in_flight": None}
    return loaded, override(loaded, **options, warm_up_s=seconds)


def test_a_warm_up_is_made_longer_and_no_other_phase():
    plain, warmed = _warmed("clickstream_fanout", 30.0)
    assert [phase.for_ for phase in warmed.workload.phases if phase.warmup] == [30.0]
    assert [p for p in warmed.workload.phases if not p.warmup] == [p for p in plain.workload.phases if not p.warmup]
    assert warmed.sha256 != plain.sha256
    assert "warm_up=30.0" in warmed.text


def test_a_workload_without_a_warm_up_gets_one():
    plain, warmed = _warmed("priority_tasks", 2.0)
    first, *others = warmed.workload.phases
    assert (first.warmup, first.for_, first.paced, first.drain) == (True, 2.0, 40.0, True)
    assert tuple(others) == plain.workload.phases


@pytest.mark.parametrize("flag", ["--duration", "--warm-up"])
def test_no_time_at_all_is_refused(tmp_path, flag):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", "priority_tasks", "-b", "pylog", flag, "0s", "--dry-run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert f"{flag} must be more than 0s" in done.stderr


def test_what_is_judged_is_what_ran():
    """Phases are known by their number: a judge that read the file alone would take another phase for the warm-up."""
    loaded = load_workload(find_workload("priority_tasks"))
    flags = {"duration_s": 3.0, "rate_per_s": 70.0, "size_bytes": 900, "in_flight": 50, "warm_up_s": 2.0}
    for some in ({}, flags, flags | {"warm_up_s": None}, flags | {"duration_s": None, "size_bytes": None}):
        ran = override(loaded, **(dict.fromkeys(flags) | some))
        assert as_run(ran.text, "priority_tasks") == ran.workload

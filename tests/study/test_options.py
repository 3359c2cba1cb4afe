"""Columns of a study: a broker named twice is compared with itself."""

import subprocess
import sys

import pytest

from harness.errors import UsageError
from harness.study.options import check_urls, parse_broker, parse_urls, with_twins


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

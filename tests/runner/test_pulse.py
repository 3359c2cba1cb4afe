"""What is told while a phase goes on, and that without a terminal little is."""

import time

import pytest

from harness.cli.output import Progress
from harness.runner.control import Counter
from harness.runner.pulse import Headed, Pulse


class Crew:
    def __init__(self):
        self.acks = 0
        self.done = {"a": 0, "b": 0}
        self.replayed = 0

    def acknowledged(self):
        return self.acks

    def of_group(self, group, counter):
        return self.replayed if counter is Counter.REPLAYED else self.done[group]


class Screen:
    def __init__(self):
        self.lines = []

    def __call__(self, text):
        self.lines.append(text)

    live = __call__


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "monotonic_ns", lambda: int(now[0] * 1e9))
    return now


def test_rate_lag_and_time_left_once_a_second(clock):
    crew, screen = Crew(), Screen()
    pulse = Pulse(crew, ["a", "b"], Headed(screen, "kafka"))
    pulse.beat()
    pulse.begin("paced", until_ns=int(105e9))
    crew.acks, crew.done = 400, {"a": 390, "b": 300}
    clock[0] += 0.9
    pulse.beat()
    assert screen.lines == []
    clock[0] += 1.1
    pulse.beat()
    pulse.beat()
    assert screen.lines == ["kafka: paced: 200 msg/s in, 150 msg/s out, 100 behind, 3 s left"]
    clock[0] += 4
    pulse.beat()
    assert screen.lines[1].endswith("waiting for the last acknowledgements")
    pulse.begin("replay", replayed="a")
    crew.replayed = 100
    clock[0] += 2
    pulse.beat()
    assert screen.lines[2] == "kafka: replay: 0 msg/s in, 50 msg/s out, 300 behind"


def test_a_teller_without_live_news_gets_none(clock):
    told = []
    pulse = Pulse(Crew(), ["a"], told.append)
    pulse.begin("paced")
    clock[0] += 5
    pulse.beat()
    assert told == []


def test_without_a_terminal_there_is_no_animation(clock, capsys):
    progress = Progress()
    for _ in range(25):
        clock[0] += 1
        progress.live("news")
    progress("done")
    err = capsys.readouterr().err
    assert err.count("news") == 2
    assert "\r" not in err
    assert err.endswith(" 0:25  done\n")

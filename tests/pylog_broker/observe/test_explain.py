"""What the explaining views make of a snapshot."""

from __future__ import annotations

from typing import Any

from harness.pylog_broker.observe.metrics import render
from harness.pylog_broker.observe.snapshot import assigned_partitions
from harness.pylog_broker.tools.explain import bar


def partition(start: int, end: int, *bases: int) -> dict[str, Any]:
    segments = [{"base": base, "active": base == bases[-1]} for base in bases]
    return {"log_start": start, "log_end": end, "segments": segments}


def test_a_bar_shows_segments_and_where_groups_are() -> None:
    lines = bar(partition(0, 100, 0, 50), [("a", 0, 100), ("b", 75, 25)], cells=40).splitlines()
    assert lines[0] == "▓" * 20 + "│" + "█" * 19
    assert lines[1] == "▲ a 0, lag 100"
    assert lines[2].index("▲") <= 30
    assert lines[2].endswith("▲ b 75, lag 25")


def test_an_empty_partition_is_an_empty_bar() -> None:
    assert bar(partition(7, 7, 7), [], cells=5) == "     "


def test_an_assignment_of_the_consumer_protocol() -> None:
    data = b"\0\1" + b"\0\0\0\1" + b"\0\2ab" + b"\0\0\0\2" + b"\0\0\0\0\0\0\0\5" + b"\xff\xff\xff\xff"
    assert assigned_partitions(data) == [["ab", [0, 5]]]
    assert assigned_partitions(b"") == []
    assert assigned_partitions(b"\0\0\x7f\xff\xff\xff") == []


def test_label_values_are_escaped() -> None:
    broker = {
        "requests": {},
        "connections": 1,
        "topics": 0,
        "partitions": 0,
        "log_bytes": 0,
        "uptime_s": 1,
        "bytes_in": 0,
        "bytes_out": 0,
    }
    group = {"id": 'a"\n\\', "state": "Stable", "members": [], "offsets": []}
    text = render({"broker": broker, "topics": [], "groups": [group]}).decode()
    assert r'group="a\"\n\\"' in text

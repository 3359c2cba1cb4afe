"""What recording costs: slices in turn, pairs of neighbours, and what a row says of them."""

import math

import pytest

from harness.bench.record import _row, bench_record, table
from harness.errors import UsageError
from harness.runner import slices
from harness.runner.slices import WARM_UP_SLICES, Slice, Slicer, paired


def slice_of(recording, messages=100, *, us=2.0, background_us=1.0):
    return Slice(recording, messages, messages * us / 1e6, messages * us / 1e6, messages * background_us / 1e6)


def test_slices_record_off_on_on_off_and_write_out_before_their_clock_stops(monkeypatch):
    clock, count, switched = [0.0], [0], []
    monkeypatch.setattr(slices.time, "monotonic", lambda: clock[0])
    slicer = Slicer(switched.append, lambda: count[0], slice_s=1.0)
    slicer.tick()
    assert switched == []  # nothing has come yet
    for _ in range(60):
        count[0] += 7
        clock[0] += 0.1
        slicer.tick()
    assert [one.recording for one in slicer.slices] == [False, True, True, False, False]
    assert switched == [False, True, False, True, False, False, False, True]
    assert [one.messages for one in slicer.slices] == [70 if one.seconds < 1.05 else 77 for one in slicer.slices]


def test_pairs_are_neighbours_past_the_warm_up_without_first():
    warm_up = [slice_of(False, 1)] * WARM_UP_SLICES
    one, two, three, four = (slice_of(on, 10 + place) for place, on in enumerate([False, True, True, False]))
    assert paired([*warm_up, one, two, three, four, slice_of(False)]) == [(one, two), (four, three)]
    assert paired([*warm_up, one, slice_of(True, 0)]) == []


def test_a_row_charges_the_librarys_threads_to_every_message_alike():
    """What they did in a slice was for the messages of others too: 2 us on, 1 us off of their time is 1.5 us a message."""
    pairs = [(slice_of(False, us=2.0, background_us=1.0), slice_of(True, us=2.5, background_us=2.0))] * 4
    row = _row("confluent-kafka", "consume", pairs)
    assert row["background_cpu_us"] == 1.5
    assert (row["without_cpu_us"], row["with_cpu_us"]) == (3.5, 4.0)
    assert row["cpu_ratio"] == pytest.approx(3.5 / 4.0, abs=1e-3)
    assert row["rate_ratio"] == pytest.approx(0.8, abs=1e-3)
    assert row["verdict"] == "missed"


@pytest.mark.parametrize(
    ("on_us", "verdict"), [((2.0,) * 8, "kept"), ((2.6,) * 8, "missed"), ((2.0, 3.0) * 4, "undecided")]
)
def test_a_verdict_needs_an_interval_on_one_side_of_the_limit(on_us, verdict):
    pairs = [(slice_of(False, background_us=0), slice_of(True, us=us, background_us=0)) for us in on_us]
    row = _row("pika", "publish", pairs)
    assert row["verdict"] == verdict
    assert math.isfinite(row["cpu_ratio_interval"][0])
    assert verdict in table({"rows": [row], "limit": 0.9, "interval": "so"})


def test_too_short_a_load_says_what_to_do():
    with pytest.raises(UsageError, match="over before") as raised:
        _row("pika", "publish", [(slice_of(False), slice_of(True))])
    assert "--seconds" in (raised.value.next_command or "")


def test_the_bare_worker_for_real(monkeypatch):
    monkeypatch.setattr("harness.bench.record.LIBRARIES", {"null": ("null", "", {"deliver": "1000000000"})})
    monkeypatch.setattr("harness.bench.record.NULL_BACKLOG", 4_000_000)
    monkeypatch.setattr("harness.bench.record.SLICE_S", {"null": 0.01})
    document = bench_record(rounds=1, seconds=0.5, progress=lambda _: None)
    publish, consume = document["rows"]
    assert publish["pairs"] > 2
    assert consume["pairs"] > 2
    assert consume["without_cpu_us"] < consume["with_cpu_us"]

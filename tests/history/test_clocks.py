"""Times of other hosts: corrected while their streams are read, and only theirs."""

import numpy as np
import pytest

from harness.errors import HistoryError
from harness.history.clocks import CLOCKS_FILE, ClockOffset, Clocks
from harness.history.merge import merge_streams
from harness.history.view import History
from tests.histories.builder import Story


def written(folder, clocks=None, *, merged):
    story = Story(folder, needs={"groups": {"a": 1}})
    for sequence in range(5):
        story.through(sequence, at=sequence)
    story.meta.complete = merged
    story.write()
    if clocks is not None:
        names = {path.stem.partition("-")[2] for path in (folder / "streams").glob("*.arrows")}
        Clocks(workers=dict.fromkeys(names, clocks), producers={0: clocks}).save(folder)
    if merged:
        merge_streams(folder)
    return History(folder)


@pytest.mark.parametrize("merged", [True, False])
def test_a_host_whose_clock_runs_ahead_and_too_fast_gets_the_masters_times(tmp_path, merged):
    plain = written(tmp_path / "plain", merged=merged)
    ahead = ClockOffset(offset_ns=7e9, drift=50e-6, at_ns=0, bound_ns=100_000)
    shifted = written(tmp_path / "shifted", ahead, merged=merged)
    for table, names in (("publish", ("intended_ns", "submitted_ns")), ("deliver", ("intended_ns", "received_ns"))):
        for name in names:
            before = plain.columns(table, [name])[name]
            after = shifted.columns(table, [name])[name]
            expected = np.where(before == 0, 0, before - np.rint(7e9 + 50e-6 * before).astype(np.int64))
            assert after.tolist() == expected.tolist()
    assert shifted.columns("deliver", ["sequence"])["sequence"].tolist() == list(range(5))


def test_only_the_named_producers_intended_times_move(tmp_path):
    written(tmp_path, merged=False)
    other = ClockOffset(offset_ns=1e9)
    Clocks(producers={3: other}).save(tmp_path)
    moved = History(tmp_path).columns("deliver", ["intended_ns"])["intended_ns"]
    (tmp_path / CLOCKS_FILE).unlink()
    assert moved.tolist() == History(tmp_path).columns("deliver", ["intended_ns"])["intended_ns"].tolist()


def test_the_bound_of_a_difference_is_that_of_both_ends():
    hosts = {name: ClockOffset(bound_ns=bound) for name, bound in (("a", 10.0), ("b", 30.0), ("c", 20.0))}
    assert Clocks(workers=hosts).bound_ns == 50
    assert Clocks().bound_ns == 0


def test_a_damaged_file_is_an_error_with_its_name(tmp_path):
    (tmp_path / CLOCKS_FILE).write_text("{")
    with pytest.raises(HistoryError, match=CLOCKS_FILE):
        Clocks.load(tmp_path)

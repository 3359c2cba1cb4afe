"""Reading: columns, groups, damage, and what a crashed harness left behind."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.errors import HistoryError
from harness.history.merge import merge_streams
from harness.history.meta import HistoryMeta
from harness.history.recover import recover
from harness.history.view import History
from tests.histories.builder import Story


def written(folder, *, merged=True, messages=20):
    story = Story(folder, needs={"groups": {"a": 1, "b": 1}})
    for sequence in range(messages):
        story.through(sequence, at=sequence)
    story.event("warning", at=7, text="later").event("warning", at=3, text="earlier")
    story.meta.complete = merged
    story.write()
    if merged:
        merge_streams(folder)
    return folder


@pytest.mark.parametrize("merged", [True, False])
def test_only_the_columns_and_the_group_asked_for(tmp_path, merged):
    history = History(written(tmp_path, merged=merged))
    columns = history.columns("deliver", ["sequence", "member"], group=1)
    assert set(columns) == {"sequence", "member"}
    assert columns["sequence"].tolist() == list(range(20))
    assert columns["member"].dtype == np.uint8
    assert len(history.columns("deliver", ["sequence"])["sequence"]) == 40
    assert len(history.columns("deliver", ["sequence"], group=9)["sequence"]) == 0
    assert (history.rows("deliver"), history.rows("publish"), history.rows("sample")) == (40, 20, 0)


@pytest.mark.parametrize("merged", [True, False])
def test_marks_come_in_order_of_time(tmp_path, merged):
    events = History(written(tmp_path, merged=merged)).events()
    assert [event.detail["text"] for event in events] == ["earlier", "later"]
    assert [event.kind for event in events] == ["warning"] * 2


def test_row_groups_of_other_groups_are_not_read(tmp_path, monkeypatch):
    written(tmp_path)
    table = pq.read_table(tmp_path / "deliver.parquet")
    pq.write_table(table, tmp_path / "deliver.parquet", row_group_size=10)
    read = []
    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, number, **more: read.append(number) or original(self, number, **more),
    )
    assert len(History(tmp_path).columns("deliver", ["sequence"], group=1)["sequence"]) == 20
    assert read == [2, 3]


def test_no_history_and_a_missing_table_say_what_to_do(tmp_path):
    with pytest.raises(HistoryError, match=r"meta\.json is missing"):
        History(tmp_path)
    written(tmp_path)
    (tmp_path / "settle.parquet").unlink()
    with pytest.raises(HistoryError, match=r"settle\.parquet is missing") as caught:
        History(tmp_path).columns("settle", ["sequence"])
    assert caught.value.next_command == "harness run story -b memory"


def test_every_truncation_of_a_file_is_an_error_and_never_less_rows(tmp_path):
    written(tmp_path)
    path = tmp_path / "deliver.parquet"
    whole = path.read_bytes()
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(HistoryError, match=r"deliver\.parquet"):
            History(tmp_path).columns("deliver", ["sequence"])


def test_damage_in_the_middle_is_an_error(tmp_path):
    written(tmp_path, messages=2000)
    path = tmp_path / "deliver.parquet"
    data = bytearray(path.read_bytes())
    data[100:2000] = os.urandom(1900)
    path.write_bytes(data)
    history = History(tmp_path)
    with pytest.raises(HistoryError, match=r"deliver\.parquet is damaged"):
        history.columns("deliver", ["producer", "sequence", "received_ns", "group", "member"])


def test_a_column_of_another_version_is_named(tmp_path):
    written(tmp_path)
    table = pq.read_table(tmp_path / "settle.parquet").drop_columns(["effect"])
    pq.write_table(table, tmp_path / "settle.parquet")
    with pytest.raises(HistoryError, match="no column effect"):
        History(tmp_path).columns("settle", ["sequence", "effect"])


def test_recovery_merges_once_and_marks_the_history(tmp_path):
    written(tmp_path, merged=False)
    meta = HistoryMeta.load(tmp_path)
    meta.complete = True  # what a run that was killed while merging may have said
    meta.save(tmp_path)
    assert recover(tmp_path).complete is False
    assert HistoryMeta.load(tmp_path).complete is False
    assert History(tmp_path).merged
    assert History(tmp_path).rows("deliver") == 40
    before = (tmp_path / "deliver.parquet").read_bytes()
    recover(tmp_path)
    assert (tmp_path / "deliver.parquet").read_bytes() == before


def test_recovery_leaves_a_whole_history_alone(tmp_path):
    written(tmp_path)
    assert recover(tmp_path).complete is True


def test_a_stream_cut_anywhere_gives_its_whole_batches(tmp_path):
    written(tmp_path, merged=False)
    path = tmp_path / "streams" / "deliver-g0.arrows"
    whole = path.read_bytes()
    counts = set()
    for cut in [*range(0, len(whole), 53), len(whole)]:
        path.write_bytes(whole[:cut])
        counts.add(len(History(tmp_path).columns("deliver", ["sequence"], group=0)["sequence"]))
    assert counts == {0, 20}
    path.write_bytes(b"not arrow at all")
    assert len(History(tmp_path).columns("deliver", ["sequence"], group=0)["sequence"]) == 0

"""Writing and merging: what was flushed survives, however the writer died."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.errors import DiskFull
from harness.history.merge import merge_streams, stream_batches
from harness.history.writer import EventLog, TableWriter


def _settle(first, count):
    return {
        "group": 0, "member": 1, "incarnation": 0, "producer": 3, "sequence": np.arange(first, first + count),
        "disposition": 0, "settled_ns": np.arange(count), "outcome": 0, "failed": 0, "effect": 1, "copies": 0, "reading": 0,
    }  # fmt: skip


def test_rows_of_several_workers_end_in_one_table(tmp_path):
    for worker in range(3):
        table = TableWriter(tmp_path, "settle", f"w{worker}")
        table.append(5, _settle(worker * 5, 5))
        table.append(0, {})
        table.flush()
        table.append(2, _settle(100 + worker * 2, 2))
        table.close()
    rows = merge_streams(tmp_path)
    assert rows["settle"] == 21
    merged = pq.read_table(tmp_path / "settle.parquet").to_pandas()
    assert sorted(merged["sequence"]) == [*range(15), *range(100, 106)]
    assert set(merged["producer"]) == {3}
    assert not (tmp_path / "streams").exists()
    assert merge_streams(tmp_path) == {}
    assert pq.read_metadata(tmp_path / "settle.parquet").num_rows == 21


def test_a_torn_stream_gives_its_whole_batches(tmp_path):
    table = TableWriter(tmp_path, "settle", "w")
    sizes = []
    for part in range(4):
        table.append(10, _settle(part * 10, 10))
        table.flush()
        sizes.append(os.path.getsize(tmp_path / "streams" / "settle-w.arrows"))
    table.close()
    whole = (tmp_path / "streams" / "settle-w.arrows").read_bytes()
    for cut in range(0, len(whole), 37):
        path = tmp_path / "cut.arrows"
        path.write_bytes(whole[:cut])
        got = sum(batch.num_rows for batch in stream_batches("settle", path))
        assert got == 10 * sum(size <= cut for size in sizes)


def test_a_killed_writer_loses_only_what_it_had_not_flushed(tmp_path):
    program = textwrap.dedent(
        """
        import sys, time, pathlib, numpy as np
        from harness.history.writer import TableWriter
        from tests.history.test_writer import _settle
        table = TableWriter(pathlib.Path(sys.argv[1]), "settle", "w")
        table.append(10, _settle(0, 10)); table.flush()
        table.append(10, _settle(10, 10))
        print("ready", flush=True); time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    merge_streams(tmp_path)
    assert pq.read_table(tmp_path / "settle.parquet")["sequence"].to_pylist() == list(range(10))


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path, monkeypatch):
    table = TableWriter(tmp_path, "settle", "w")
    table.append(10, _settle(0, 10))
    table.flush()

    class Full:
        closed = False
        room = 100

        def __init__(self, file):
            self.file = file

        def write(self, data):
            if self.room == 0:
                raise OSError(28, "No space left on device")
            written = self.file.write(data[: self.room])  # so much, as a raw file does on a disk that gets full
            self.room -= written
            return written

        def close(self):
            self.file.close()

    monkeypatch.setattr(table, "_file", Full(table._file))
    table.append(5, _settle(10, 5))
    with pytest.raises(DiskFull, match="No space left"):
        table.flush()
    with pytest.raises(DiskFull):
        table.close()
    merge_streams(tmp_path)
    assert pq.read_metadata(tmp_path / "settle.parquet").num_rows == 10


def test_events_are_written_at_once(tmp_path):
    events = EventLog(tmp_path, "conductor")
    events.add("warning", at_ns=5, text="first")
    path = tmp_path / "streams" / "event-conductor.arrows"
    assert sum(batch.num_rows for batch in stream_batches("event", path)) == 1
    with pytest.raises(ValueError, match="unknown event kind"):
        events.add("nonsense")
    events.close()

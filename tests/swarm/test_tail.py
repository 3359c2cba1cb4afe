"""A stream that is read while it is written: no row twice, none left out, torn ends waited for."""

import numpy as np
import pyarrow as pa

from harness.history.clocks import ClockOffset
from harness.history.writer import TableWriter
from harness.model.messages import Outcome
from harness.swarm.tail import Tail, delivered, published


def append(table, count, phase, outcome=int(Outcome.OK), intended=1_000_000, settled=3_500_000):
    table.append(
        count,
        {
            **dict.fromkeys(
                ("producer", "attempt", "key", "key_sequence", "class", "channel", "partition", "position", "error"), 0
            ),
            **dict.fromkeys(("ttl_ms", "failures", "work_us"), 0),
            "sequence": np.arange(count),
            "bytes": 100,
            "intended_ns": intended,
            "submitted_ns": intended,
            "settled_ns": settled,
            "outcome": outcome,
            "phase": phase,
        },
    )
    table.flush()


def test_rows_and_bytes_as_they_come(tmp_path):
    table = TableWriter(tmp_path, "publish", "p")
    (path,) = (tmp_path / "streams").iterdir()
    tail = Tail(path)
    append(table, 3, phase=0)
    append(table, 2, phase=1, outcome=int(Outcome.INFO))
    batches = list(tail.batches())
    assert [batch.num_rows for batch in batches] == [3, 2]
    assert list(tail.batches()) == []
    first, second = (next(published(batch, "b/w", ("paced", "crash"))) for batch in batches)
    assert (first.kind, first.name, first.ms, first.bytes, first.errors) == (
        "publish",
        "b/w/paced",
        [2.5] * 3,
        [100] * 3,
        {},
    )
    assert second.name == "b/w/crash"
    assert set(second.errors) == {0, 1}
    table.close()
    assert list(tail.batches()) == []
    copy = b""
    while (piece := tail.chunk()) is not None:
        assert piece[0] == len(copy)
        copy += piece[1]
    assert copy == path.read_bytes()


def test_a_torn_batch_is_waited_for(tmp_path):
    table = TableWriter(tmp_path, "publish", "p")
    append(table, 4, phase=0)
    append(table, 5, phase=0)
    table.close()
    (path,) = (tmp_path / "streams").iterdir()
    whole = path.read_bytes()
    slow = tmp_path / "slow.arrows"
    slow.write_bytes(b"")
    tail = Tail(slow)
    rows = 0
    for end in range(0, len(whole) + 1, 61):
        slow.write_bytes(whole[:end])
        rows += sum(batch.num_rows for batch in tail.batches())
    slow.write_bytes(whole)
    assert rows + sum(batch.num_rows for batch in tail.batches()) == 9


def test_latency_between_hosts_counts_both_clocks():
    columns = {
        "intended_ns": [1_000_000, 9_001_000_000],
        "received_ns": [5_004_000_000, 5_004_000_000],
        "producer": [0, 1],
        "bytes": [10, 10],
        "phase": [0, 0],
        "checksum_ok": [1, 0],
        "group": [1, 1],
        "reading": [0, 0],
    }
    batch = pa.RecordBatch.from_pydict(columns)
    own, other = ClockOffset(offset_ns=5e9), ClockOffset(offset_ns=9e9)
    (request,) = delivered(batch, "b/w", ("paced",), ("a", "b"), own, {1: other})
    assert request.name == "b/w/paced/b"
    assert request.ms == [3.0, 3.0]
    assert request.errors == {1: "damaged"}

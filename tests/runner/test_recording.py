"""What a consumer recorded, read back: every row once, with its own facts, however the batches fell."""

import numpy as np
import pytest

from harness.history.clocks import ClockOffset, Clocks
from harness.history.merge import merge_streams, stream_batches, stream_files
from harness.model import envelope
from harness.model.messages import ACCEPT, DEAD, DeliveryBuffer, Outcome
from harness.runner import recording
from harness.runner.recording import ConsumerRecorder

RUN = 77
WHO = {"group": 1, "member": 2, "incarnation": 3}


def payloads(first, count, run=RUN):
    rows = envelope.empty(count)
    rows["producer"], rows["run"], rows["size"] = 5, run, envelope.SIZE + 4
    rows["sequence"] = np.arange(first, first + count)
    return envelope.pack(rows, [b"body"] * count)


def deliveries(first, some):
    buffer = DeliveryBuffer()
    for place, payload in enumerate(some):
        buffer.add(payload, 1000 + first + place, None, partition=place, position=first + place, attempt=4)
    return buffer.drain()


def read(folder, table):
    import pyarrow.parquet as pq

    if not (folder / f"{table}.parquet").exists():
        merge_streams(folder)
    return (
        pq.read_table(folder / f"{table}.parquet")
        .to_pandas()
        .sort_values("position" if table == "deliver" else "sequence")
    )


@pytest.mark.parametrize("rows_max", [2, 8192])
def test_deliveries_of_any_batches(tmp_path, monkeypatch, rows_max):
    monkeypatch.setattr(recording, "FLUSH_ROWS", rows_max)
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    batches = [payloads(0, 1), payloads(1, 3), [*payloads(4, 1, run=RUN + 1), b"short", *payloads(6, 1)]]
    damaged = bytearray(batches[1][1])
    damaged[-6] ^= 1
    batches[1][1] = bytes(damaged)
    first = 0
    for batch in batches:
        recorder.deliveries(deliveries(first, batch), reading=0)
        recorder.flush_if_due(idle=False)
        first += len(batch)
    recorder.deliveries(deliveries(first, payloads(0, 1)), reading=1)
    recorder.close()
    table = read(tmp_path, "deliver")
    assert table["sequence"].tolist() == [0, 1, 2, 3, -1, -1, 6, 0]
    assert table["producer"].tolist() == [5, 5, 5, 5, -1, -1, 5, 5]
    assert table["checksum_ok"].tolist() == [1, 1, 0, 1, 1, 0, 1, 1]
    assert table["received_ns"].tolist() == list(range(1000, 1008))
    assert table["partition"].tolist() == [0, 0, 1, 2, 0, 1, 2, 0]
    assert table["reading"].tolist() == [0] * 7 + [1]
    assert table["bytes"].tolist() == [60, 60, 60, 60, 60, 5, 60, 60]
    assert set(table["attempt"]) == {4}
    assert {(g, m, i) for g, m, i in zip(table["group"], table["member"], table["incarnation"], strict=True)} == {
        (1, 2, 3)
    }


def test_settle_calls_are_spread_over_their_rows(tmp_path):
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    recorder.deliveries(deliveries(0, payloads(0, 3)), reading=0)
    recorder.settled(0, 3, ACCEPT, Outcome.OK, failed=0, effect=1, copies=0)
    recorder.deliveries(deliveries(3, payloads(3, 4)), reading=0)
    recorder.settled(0, 3, DEAD, Outcome.INFO, failed=1, effect=0, copies=4)
    recorder.settled(3, 1, ACCEPT, Outcome.OK, failed=0, effect=2, copies=1)
    recorder.close()
    table = read(tmp_path, "settle")
    assert table["sequence"].tolist() == list(range(7))
    assert table["disposition"].tolist() == [int(ACCEPT.kind)] * 3 + [int(DEAD.kind)] * 3 + [int(ACCEPT.kind)]
    assert table["outcome"].tolist() == [0, 0, 0, 2, 2, 2, 0]
    assert table["effect"].tolist() == [1, 1, 1, 0, 0, 0, 2]
    assert table["copies"].tolist() == [0, 0, 0, 2, 1, 1, 1]
    assert table["settled_ns"].is_monotonic_increasing


def test_rows_that_were_not_settled_are_not_in_the_settle_table(tmp_path):
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    recorder.deliveries(deliveries(0, [*payloads(0, 2), *payloads(2, 1, run=RUN + 1), *payloads(3, 2)]), reading=0)
    recorder.settled(0, 1, ACCEPT, Outcome.OK, failed=0, effect=1, copies=0)
    recorder.settled(2, 2, ACCEPT, Outcome.INFO, failed=0, effect=0, copies=3)
    recorder.flush()
    recorder.deliveries(deliveries(5, payloads(5, 2)), reading=0)
    recorder.settled(1, 1, ACCEPT, Outcome.OK, failed=0, effect=1, copies=0)
    recorder.close()
    table = read(tmp_path, "settle")
    assert table["sequence"].tolist() == [-1, 0, 3, 6]
    assert dict(zip(table["sequence"], table["copies"], strict=True)) == {-1: 2, 0: 0, 3: 1, 6: 0}
    merged = read(tmp_path, "deliver")
    assert merged["sequence"].tolist() == [0, 1, -1, 3, 4, 5, 6]


def test_held_payloads_are_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "KEPT_BYTES_MAX", 300)
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    for place in range(20):
        recorder.deliveries(deliveries(place, payloads(place, 1)), reading=0)
        recorder.flush_if_due(idle=False)
        assert len(recorder._payloads) < 5
    recorder.close()
    assert read(tmp_path, "deliver")["sequence"].tolist() == list(range(20))


def test_a_torn_stream_gives_whole_deliveries_with_what_became_of_them(tmp_path):
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    for first in range(0, 12, 4):
        recorder.deliveries(deliveries(first, payloads(first, 4)), reading=0)
        recorder.settled(0, 3, ACCEPT, Outcome.OK, failed=0, effect=1, copies=0)
        recorder.flush()
    path = tmp_path / "streams" / "consume-w.arrows"
    whole = path.read_bytes()
    seen = set()
    for cut in [*range(0, len(whole), 61), len(whole)]:
        path.write_bytes(whole[:cut])
        seen.add(tuple(sum(b.num_rows for b in stream_batches(table, path)) for table in ("deliver", "settle")))
    recorder.close()
    assert seen == {(0, 0), (4, 3), (8, 6), (12, 9)}


def test_times_of_another_host_are_corrected_in_both_tables(tmp_path):
    recorder = ConsumerRecorder(tmp_path, "w", RUN, WHO)
    recorder.deliveries(deliveries(0, payloads(0, 2)), reading=0)
    recorder.settled(0, 2, ACCEPT, Outcome.OK, failed=0, effect=1, copies=0)
    recorder.close()
    (path,) = stream_files(tmp_path, "settle")
    (raw,) = stream_batches("settle", path)
    Clocks(workers={"w": ClockOffset(offset_ns=1000.0)}).save(tmp_path)
    assert read(tmp_path, "deliver")["received_ns"].tolist() == [0, 1]
    assert read(tmp_path, "settle")["settled_ns"].tolist() == [at - 1000 for at in raw["settled_ns"].to_pylist()]

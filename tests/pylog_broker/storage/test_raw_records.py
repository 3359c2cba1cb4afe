"""What is said of records that are refused: which they are, and never more than an answer can hold."""

from __future__ import annotations

import pytest

from harness.pylog_broker.storage.batch import varint
from harness.pylog_broker.storage.errors import InvalidRecord, InvalidTimestamp
from harness.pylog_broker.storage.raw_records import REJECTED_NAMED_MAX, require_keys, require_times


def _records(count: int, *, key: bytes | None, delta_ms: int = 0) -> bytes:
    said = varint(-1) if key is None else varint(len(key)) + key
    body = b"\0" + varint(delta_ms) + varint(0) + said + varint(-1) + varint(0)
    return (varint(len(body)) + body) * count


def test_records_without_a_key_are_named_by_their_places() -> None:
    data = _records(1, key=b"k") + _records(1, key=None) + _records(1, key=b"k") + _records(1, key=None)
    with pytest.raises(InvalidRecord) as refused:
        require_keys(data, 4)
    assert [place for place, _ in refused.value.records] == [1, 3]


def test_records_out_of_time_are_named_by_their_places() -> None:
    data = _records(1, key=b"k") + _records(1, key=b"k", delta_ms=50) + _records(1, key=b"k", delta_ms=-50)
    with pytest.raises(InvalidTimestamp) as refused:
        require_times(data, 3, 1000, 990, 1010)
    assert [place for place, _ in refused.value.records] == [1, 2]
    require_times(data, 3, 1000, 950, 1050)


def test_a_refusal_names_only_so_many() -> None:
    """A batch of a kilobyte may expand to millions of records."""
    with pytest.raises(InvalidRecord) as keyless:
        require_keys(_records(REJECTED_NAMED_MAX + 5, key=None), REJECTED_NAMED_MAX + 5)
    assert len(keyless.value.records) == REJECTED_NAMED_MAX
    with pytest.raises(InvalidTimestamp) as late:
        require_times(_records(REJECTED_NAMED_MAX + 5, key=b"k"), REJECTED_NAMED_MAX + 5, 5, 10, 20)
    assert len(late.value.records) == REJECTED_NAMED_MAX

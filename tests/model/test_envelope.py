import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.model import envelope


def _rows(bodies):
    rows = envelope.empty(len(bodies))
    rows["sequence"] = np.arange(len(bodies))
    rows["size"] = [envelope.SIZE + len(body) for body in bodies]
    rows["run"] = 7
    return rows


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=20))
def test_what_is_packed_comes_back_intact(bodies):
    rows = _rows(bodies)
    payloads = envelope.pack(rows, bodies)
    back = envelope.unpack(payloads)
    assert envelope.intact(payloads, back).all()
    assert [payload[envelope.HEAD : -4] for payload in payloads] == bodies
    for name in ("sequence", "size", "run", "magic", "version"):
        assert (back[name] == rows[name]).all()


@given(st.binary(min_size=1, max_size=60), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(body, place, change):
    (payload,) = envelope.pack(_rows([body]), [body])
    place %= len(payload)
    damaged = payload[:place] + bytes([payload[place] ^ change]) + payload[place + 1 :]
    assert not envelope.intact([damaged], envelope.unpack([damaged])).any()


@given(st.integers(min_value=0, max_value=90))
def test_a_cut_payload_is_noticed(length):
    body = b"x" * 40
    (payload,) = envelope.pack(_rows([body]), [body])
    cut = payload[:length]
    assert not envelope.intact([cut], envelope.unpack([cut])).any() or length == len(payload)


def test_foreign_bytes_have_no_magic():
    assert envelope.unpack([b"", b"hello", b"\0" * 100])["magic"].tolist() == [0, 0, 0]


@given(
    st.lists(st.binary(max_size=200), max_size=20), st.lists(st.integers(min_value=0), max_size=3), st.integers(0, 80)
)
def test_many_are_read_at_once_as_each_is_alone(bodies, places, length):
    """Some damaged, perhaps one cut short: the one checksum of all of them must neither hide nor blame any."""
    payloads = envelope.pack(_rows(bodies), bodies)
    for place in places if payloads else []:
        damaged = bytearray(payloads[place % len(payloads)])
        damaged[place % len(damaged)] ^= 1 + place % 255
        payloads[place % len(payloads)] = bytes(damaged)
    if length < envelope.SIZE and payloads:
        payloads[-1] = payloads[-1][:length]
    rows, sizes, intact = envelope.read(payloads)
    alone = envelope.unpack(payloads)
    assert rows.tobytes() == alone.tobytes()
    assert sizes.tolist() == [len(payload) for payload in payloads]
    assert intact.tolist() == envelope.intact(payloads, alone).tolist()


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 3)), max_size=3))
def test_payloads_of_one_size_are_read_as_each_is_alone(count, changes):
    """Damaged, of another length with the same total, foreign, or with a checksum that is right and a size that is wrong."""
    bodies = [bytes([place]) * 40 for place in range(count)]
    payloads = envelope.pack(_rows(bodies), bodies)
    for place, change in changes:
        at = place % count
        if change == 0:
            payloads[at] = payloads[at][:30] + b"?" + payloads[at][31:]
        elif change == 1:
            payloads[at], payloads[at - 1] = payloads[at][:-1], payloads[at][-1:] + payloads[at - 1]
        elif change == 2:
            payloads[at] = b"x" * len(payloads[at])
        else:
            row = _rows(bodies[:1])
            row["size"] += 1
            (payloads[at],) = envelope.pack(row, bodies[:1])
    rows, sizes, intact = envelope.read(payloads)
    alone = envelope.unpack(payloads)
    assert rows.tobytes() == alone.tobytes()
    assert sizes.tolist() == [len(payload) for payload in payloads]
    assert intact.tolist() == envelope.intact(payloads, alone).tolist()

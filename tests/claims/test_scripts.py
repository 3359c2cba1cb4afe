"""What the scripts make of what they saw, with inputs made by hand."""

import socket
from itertools import pairwise

import pytest

from harness.claims import probes
from harness.claims.probes import of_samples
from harness.claims.scripts import SCRIPTS
from harness.claims.scripts.crashes import BATCH, Payments, dying
from harness.claims.scripts.partitioning import mean_run, overtaken_keys


def test_every_script_is_where_it_says():
    for script in SCRIPTS.values():
        assert callable(script.run)


@pytest.mark.parametrize(("places", "mean"), [([0, 1, 2, 0], 1), ([0, 0, 0, 1, 1, 1], 3), ([], 0), ([4], 1)])
def test_mean_run(places, mean):
    assert mean_run(places) == mean


def test_overtaken_keys():
    read = [(b"a", b"first"), (b"b", b"second"), (b"a", b"second"), (b"b", b"first")]
    assert overtaken_keys(read) == 1


def test_crashes_are_spread_over_the_work_and_the_same_each_time():
    death = dying(2000, 20)
    at = [piece for piece in range(1, 4000) if death.crash_now()]
    assert len(at) == death.crashes == 20
    assert max(after - before for before, after in pairwise(at)) < 4 * BATCH
    assert at == [sum(dying(2000, 20).intervals[: n + 1]) for n in range(20)]


def test_a_payment_server_with_and_without_keys():
    without, with_keys = Payments(keys_known=False), Payments(keys_known=True)
    for server in (without, with_keys):
        server.charge(b"1")
        server.charge(b"1")
    assert (without.charges[b"1"], with_keys.charges[b"1"]) == (2, 1)


def test_rounds_have_a_median_and_a_range():
    found = of_samples([3.0, 1.0, 2.0], "s")
    assert (found.value, found.low, found.high, found.n) == (2.0, 1.0, 3.0, 3)
    assert of_samples([1.0], "s").low is None


def test_bytes_arrive_by_each_way_of_sending(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 100)
    for send in (probes._by_sendfile, probes._by_reading):
        here, there = socket.socketpair()
        with here, there:
            send(here, path)
            assert there.recv(25600, socket.MSG_WAITALL) == path.read_bytes()

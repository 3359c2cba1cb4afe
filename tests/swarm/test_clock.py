"""The offset between two clocks: inside its bound whatever the ways take, and the drift found where time is enough."""

import random

import numpy as np
import pytest

from harness.swarm.clock import ClockWatch, RoundTrip


def trip(sent_ns, *, offset_ns, drift=0.0, there_ns=100_000, back_ns=100_000, at_agent_ns=10_000):
    """What a host whose clock shows ``sent + offset + drift * sent`` would report."""

    def local(master_ns):
        return round(master_ns + offset_ns + drift * master_ns)

    heard = sent_ns + there_ns
    return RoundTrip(sent_ns, local(heard), local(heard + at_agent_ns), heard + at_agent_ns + back_ns)


@pytest.mark.parametrize("seed", range(20))
def test_the_true_offset_is_within_the_bound(seed):
    """Ways that take unequal times, most of them long: a busy host."""
    draw = random.Random(seed)
    offset, drift = draw.uniform(-1e15, 1e15), draw.uniform(-100e-6, 100e-6)
    watch = ClockWatch(same_clock=False)
    for number in range(120):
        there, back = (int(draw.expovariate(1 / 3e6)) + 20_000 for _ in range(2))
        watch.add(trip(number * 500_000_000, offset_ns=offset, drift=drift, there_ns=there, back_ns=back))
    found = watch.measured()
    for master_ns in range(0, 60_000_000_000, 5_000_000_000):
        local_ns = round(master_ns + offset + drift * master_ns)
        corrected = int(found.to_master(np.array([local_ns]))[0])
        assert abs(corrected - master_ns) <= found.bound_ns + 200, (seed, found)
    assert found.drift == pytest.approx(drift, abs=20e-6)


def test_a_short_run_has_an_offset_and_no_drift():
    watch = ClockWatch(same_clock=False)
    for number in range(10):
        watch.add(trip(number * 20_000_000, offset_ns=5e9, there_ns=1_000_000 if number != 4 else 50_000))
    found = watch.measured()
    assert (found.drift, watch.count) == (0.0, 10)
    assert abs(found.offset_ns - 5e9) <= found.bound_ns


def test_one_clock_is_measured_and_not_corrected():
    watch = ClockWatch(same_clock=True)
    watch.add(trip(0, offset_ns=0, there_ns=900_000, back_ns=100_000))
    assert watch.measured().offset_ns == 400_000
    assert watch.measured().bound_ns >= 400_000
    assert watch.offset().offset_ns == watch.offset().bound_ns == 0


def test_nothing_measured_is_not_called_exact():
    assert ClockWatch(same_clock=False).measured().bound_ns >= 1e9

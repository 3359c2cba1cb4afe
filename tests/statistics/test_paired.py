"""Golden values: worked by hand, or from scipy's own implementations."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.noise import FLOOR_MIN, noise_band
from harness.statistics.orders import balanced_orders, williams
from harness.statistics.paired import Interval, bootstrap_median, equivalent, log_ratios, sign_flip_p
from harness.statistics.proportion import upper_bound


def test_log_ratios_are_paired_by_place():
    assert log_ratios([2.0, 1.0], [1.0, 4.0]) == pytest.approx([math.log(2), -math.log(4)])
    with pytest.raises(ValueError, match="paired"):
        log_ratios([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="positive"):
        log_ratios([0.0], [1.0])


def test_bootstrap_of_the_median_agrees_with_scipy_and_repeats_with_its_seed():
    values = [9.1, 10.2, 10.9, 11.4, 12.0, 12.3, 14.8, 15.1, 15.9, 19.0]
    mine = bootstrap_median(values, seed=3)
    theirs = scipy.stats.bootstrap(
        (values,), np.median, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.4)
    assert mine == bootstrap_median(values, seed=3)
    with pytest.raises(ValueError, match="two runs"):
        bootstrap_median([1.0], seed=1)


def test_bootstrap_covers_the_true_median_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    hits = 0
    for trial in range(100):
        interval = bootstrap_median(generator.normal(10.0, 1.0, size=15), seed=trial)
        hits += interval.low <= 10.0 <= interval.high
    assert 86 <= hits <= 100


def test_sign_flip_by_hand():
    assert sign_flip_p([0.1, 0.2, 0.3, 0.4, 0.5], seed=1) == pytest.approx(2 / 32)
    assert sign_flip_p([0.1, 0.2, 0.3], seed=1) == pytest.approx(0.25)
    # |sum| of +-1, +-2: 3, 1, 1, 3; the observed 1 is reached by all four
    assert sign_flip_p([-1.0, 2.0], seed=1) == 1.0
    assert sign_flip_p([0.0, 0.0], seed=1) == 1.0
    with pytest.raises(ValueError, match="one pair"):
        sign_flip_p([], seed=1)


def test_sign_flip_agrees_with_scipy_where_it_samples():
    values = np.random.default_rng(2).normal(0.25, 1.0, size=20)
    theirs = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(3)
    ).pvalue
    assert sign_flip_p(values, seed=9) == pytest.approx(theirs, abs=0.02)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=10))
def test_sign_flip_does_not_know_a_direction(values):
    assert sign_flip_p(values, seed=1) == pytest.approx(sign_flip_p([-value for value in values], seed=1))


def test_equivalence_needs_the_whole_interval_within_the_margin():
    assert equivalent(Interval(-0.02, 0.03), margin=1.05)
    assert not equivalent(Interval(-0.02, 0.06), margin=1.05)
    assert not equivalent(Interval(-0.06, 0.0), margin=1.05)
    with pytest.raises(ValueError, match="above 1"):
        equivalent(Interval(0.0, 0.0), margin=1.0)


def test_noise_is_what_a_broker_shows_against_itself():
    band, pairs = noise_band([[100.0, 110.0, 105.0], [50.0, 51.0, 52.0]])
    assert pairs == 6
    assert band.high == pytest.approx(math.log(1.1))
    assert band.low == -band.high
    still, _ = noise_band([[100.0, 100.1]])
    assert still.high == pytest.approx(math.log(FLOOR_MIN))
    assert noise_band([[100.0], [50.0]]) is None
    assert noise_band([[0.0, 0.0]]) is None


@pytest.mark.parametrize("size", range(1, 8))
def test_williams_balances_places_and_neighbours(size):
    rows = williams(size)
    for row in rows:
        assert sorted(row) == list(range(size))
    for place in range(size):
        column = [row[place] for row in rows]
        assert {column.count(item) for item in range(size)} == {len(rows) // size}
    after = [(one, other) for row in rows for one, other in itertools.pairwise(row)]
    assert len({after.count(pair) for pair in after}) <= 1
    assert len(set(after)) == size * (size - 1)


def test_orders_of_two_are_abba_and_first_come_with_their_mirror():
    assert balanced_orders(2, 4) == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert balanced_orders(1, 2) == [[0], [0]]
    four = balanced_orders(4, 4)
    assert four[1] == four[0][::-1]
    assert four[3] == four[2][::-1]
    assert len(balanced_orders(3, 7)) == 7
    with pytest.raises(ValueError, match="one item"):
        balanced_orders(0, 3)


def test_no_failure_in_n_trials():
    assert upper_bound(0, 20) == pytest.approx(0.1391, abs=1e-4)
    assert upper_bound(0, 3000) == pytest.approx(3 / 3000, rel=0.002)
    assert upper_bound(1, 20) == pytest.approx(0.2161, abs=1e-4)
    assert upper_bound(5, 5) == 1.0
    assert upper_bound(0, 0) == 1.0, "without a trial nothing is known, not zero"
    for failures, trials in ((3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="no count"):
            upper_bound(failures, trials)

"""What a cell may say, decided from runs told by hand."""

import pytest

from harness.model.result import Fingerprint, Measure, Result, State
from harness.model.verdict import Validity, Verdict
from harness.statistics.summarise import summarise


def measures(broker, values, *, metric="throughput_acknowledged", better="higher", states=None, unit="msg/s"):
    return [
        Measure(
            workload="w", broker=broker, repeat=repeat, metric=metric, phase="flood", value=value, unit=unit, better=better,
            state=(states or {}).get(repeat, "ok"), reason="late" if (states or {}).get(repeat) else "",
        )
        for repeat, value in enumerate(values)
    ]  # fmt: skip


def verdict(broker, checker, validity, *, promised=True, repeat=0):
    return Verdict(
        checker=checker, workload="w", broker=broker, repeat=repeat, validity=validity, promised=promised, rule="r", summary="s"
    )  # fmt: skip


def result(found, verdicts=()):
    fingerprint = Fingerprint(
        cpu_model="", cores=2, memory_bytes=1, disk="", kernel="", operating_system="", virtualisation="", congestion_control="",
        python="", clients={}, load_before=0.0,
    )  # fmt: skip
    return Result(
        harness_version="0", run_id="r", title="t", created="", command="", seed=1, repeats=1, seconds=1.0, fingerprint=fingerprint,
        workloads=[], brokers=[], runs=[], measures=found, verdicts=list(verdicts),
    )  # fmt: skip


def cells_of(found, verdicts=(), **more):
    cells, noise = summarise(result(found, verdicts), baseline="base", **more)
    return {cell.broker: cell for cell in cells}, noise


STEADY = [100.0, 101.0, 99.0, 100.5, 99.5]


def test_five_runs_far_apart_are_better_with_a_bootstrap_interval():
    cells, noise = cells_of(measures("base", STEADY) + measures("fast", [value * 2 for value in STEADY]))
    fast, base = cells["fast"], cells["base"]
    assert fast.state is State.BETTER
    assert fast.ratio == pytest.approx(2.0)
    assert fast.ratio_low == pytest.approx(2.0)
    assert fast.p_value == pytest.approx(2 / 32)
    assert fast.interval == "95 % bootstrap over 5 runs"
    assert fast.baseline == "base"
    assert (base.state, base.ratio, base.baseline) == (State.MEASURED, None, "")
    assert noise[0].pairs == 10
    assert noise[0].ratio_high == pytest.approx(1.02, abs=0.001)


def test_less_is_better_where_the_measure_says_so():
    slow = measures("base", STEADY, better="lower", unit="ms") + measures(
        "other", [value * 2 for value in STEADY], better="lower", unit="ms"
    )
    cells, _ = cells_of(slow)
    assert cells["other"].state is State.WORSE


def test_a_difference_as_large_as_the_repeats_own_is_noise():
    cells, _ = cells_of(measures("base", [80.0, 100.0, 120.0]) + measures("other", [90.0, 115.0, 125.0]))
    assert cells["other"].state is State.WITHIN_NOISE
    assert cells["other"].interval == "range of 3 runs"
    assert cells["other"].p_value is None


def test_a_broker_against_itself_sets_the_noise_floor():
    base, twin = [100.0, 101.0, 100.0, 99.0, 100.0], [112.0, 90.0, 111.0, 100.0, 89.0]
    other = [108.0, 109.0, 107.0, 108.0, 108.0]
    alone, noise = cells_of(measures("base", base) + measures("other", other))
    assert alone["other"].state is State.BETTER
    assert noise[0].pairs == 10
    cells, noise = cells_of(measures("base", base) + measures("base#2", twin) + measures("other", other))
    assert noise[0].pairs == 15
    assert noise[0].ratio_high == pytest.approx(101 / 90, rel=0.01)
    assert cells["other"].state is State.WITHIN_NOISE
    assert "equivalent within it" in cells["other"].reason
    assert cells["base#2"].state is State.WITHIN_NOISE


def test_few_runs_need_every_pair_outside_the_noise():
    base = measures("base", [100.0, 100.0, 100.0])
    cells, _ = cells_of(base + measures("all", [150.0, 151.0, 152.0]) + measures("two", [150.0, 150.0, 99.0]))
    assert cells["two"].state is State.WITHIN_NOISE, "one of its pairs is a tie, and it differs from itself by as much"
    assert cells["all"].state is State.BETTER, "that another broker is noisy is nothing to it"
    assert "all 3 paired ratios lie outside the noise (0.98–1.02)" in cells["all"].reason
    cells, _ = cells_of(base + measures("near", [104.0, 103.0, 101.0]))
    assert cells["near"].state is State.WITHIN_NOISE
    assert "undecided" in cells["near"].reason


def test_one_run_is_no_comparison():
    cells, noise = cells_of(measures("base", [100.0]) + measures("other", [300.0]))
    assert cells["other"].state is State.NOT_COMPARABLE
    assert "-n 5" in cells["other"].reason
    assert (cells["other"].ratio, cells["other"].low, noise) == (None, None, [])


def test_pairs_are_formed_by_repeat_not_by_place():
    base = measures("base", [100.0, 200.0, 400.0])
    other = [m for m in measures("other", [0.0, 400.0, 800.0]) if m.repeat]
    cells, _ = cells_of(base + other)
    assert cells["other"].ratio == pytest.approx(2.0)


def test_a_broken_promise_strikes_the_figure_and_forbids_its_ratio():
    found = measures("base", STEADY) + measures("fast", [value * 2 for value in STEADY])
    cells, _ = cells_of(
        found, [verdict("fast", "durability", Validity.INVALID), verdict("fast", "durability", Validity.VALID)]
    )
    assert cells["fast"].state is State.INVALID
    assert cells["fast"].reason.startswith("1 of 2 runs: a broken promise (durability)")
    assert cells["fast"].value == pytest.approx(200.0)
    assert cells["fast"].ratio is None
    cells, _ = cells_of(found, [verdict("base", "durability", Validity.INVALID)])
    assert cells["fast"].state is State.NOT_COMPARABLE
    assert "baseline" in cells["fast"].reason


def test_what_was_never_promised_strikes_nothing():
    found = measures("base", STEADY) + measures("fast", [value * 2 for value in STEADY])
    cells, _ = cells_of(found, [verdict("fast", "ordering", Validity.INVALID, promised=False)])
    assert cells["fast"].state is State.BETTER


def test_invalid_runs_are_left_out_while_most_are_good_and_say_so():
    base = measures("base", [100.0, 101.0, 99.0])
    cells, _ = cells_of(base + measures("other", [300.0, 200.0, 202.0], states={0: "invalid"}))
    assert cells["other"].state is State.BETTER
    assert cells["other"].per_run == [200.0, 202.0]
    assert "left out: 1 of 3 runs: late" in cells["other"].reason
    cells, _ = cells_of(base + measures("other", [300.0, 200.0, 202.0], states={0: "invalid", 1: "invalid"}))
    assert cells["other"].state is State.INVALID
    assert cells["other"].reason == "2 of 3 runs: late"


def test_a_lower_bound_is_never_ranked():
    cells, _ = cells_of(measures("base", STEADY) + measures("other", STEADY, states={2: "lower_bound"}))
    assert cells["other"].state is State.LOWER_BOUND
    assert cells["other"].ratio is None


def test_different_tiers_are_never_ranked():
    found = measures("base", STEADY) + measures("fast", [value * 9 for value in STEADY])
    cells, _ = cells_of(found, tiers={("w", "base"): "D2", ("w", "fast"): "D0"})
    assert cells["fast"].state is State.NOT_COMPARABLE
    assert "D0 against D2" in cells["fast"].reason


def test_zero_has_no_ratio_and_neither_has_what_is_neither_better_nor_worse():
    cells, _ = cells_of(measures("base", [0.0, 1.0]) + measures("other", [1.0, 1.0]))
    assert cells["other"].state is State.NOT_COMPARABLE
    cells, _ = cells_of(measures("base", STEADY, better="neither") + measures("other", STEADY, better="neither"))
    assert (cells["other"].state, cells["other"].ratio) == (State.MEASURED, None)


def test_without_measures_there_are_no_cells():
    assert summarise(result([]), baseline="base") == ([], [])


def test_what_a_run_remarks_on_itself_outlasts_a_refusal():
    found = measures("base", [2.0]) + measures("other", [3.0])
    for measure in found:
        measure.reason = "7 of 180 failed and count at their timeout"
    cells, _ = cells_of(found)
    assert cells["other"].state is State.NOT_COMPARABLE
    assert cells["other"].reason.endswith("repeat with -n 5; 7 of 180 failed and count at their timeout")

"""Latency, throughput, recovery, cost, honesty of the generator, timelines: figures worked out by hand."""

import numpy as np
import pytest

from harness.checkers.availability import Availability
from harness.checkers.durability import Durability
from harness.checkers.goodput import Goodput
from harness.checkers.latency import Latency
from harness.checkers.pacing import Generator
from harness.checkers.quantiles import quantile_curve, quantile_of, supported
from harness.checkers.resources import Resources
from harness.checkers.throughput import Throughput
from harness.checkers.timelines import Timelines
from harness.model.messages import Outcome
from harness.model.result import POINTS_MAX
from tests.histories.builder import Story, at_ns

FLOOD = {"phases": [{"name": "flood", "flood": {"in_flight": 10}, "for": "1s"}]}
CRASH = {"phases": [{"name": "crash", "paced": "100/s", "for": "1s", "fault": {"kill": "broker", "at": "500ms"}}]}


def values(judgement):
    return {measure.metric: measure.value for measure in judgement.measures}


def states(judgement):
    return {measure.metric: measure.state for measure in judgement.measures}


# -- quantiles ------------------------------------------------------------------------------------------------------


def test_a_quantile_needs_ten_samples_beyond_it():
    assert [supported(count, 0.99) for count in (999, 1000)] == [False, True]
    assert [supported(count, 0.5) for count in (19, 20)] == [False, True]


def test_quantiles_are_samples_never_in_between():
    ordered = np.arange(1, 101)
    assert [quantile_of(ordered, q) for q in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert quantile_of(np.array([7]), 0.999) == 7


def test_a_curve_ends_where_its_samples_end():
    x, y = quantile_curve(np.arange(1, 1001))
    assert x[0] == 0.0
    assert x[-1] == pytest.approx(0.99)
    assert y[-1] == 990
    assert (np.diff(y) >= 0).all()
    assert len(quantile_curve(np.arange(10))[0]) == 0


# -- latency --------------------------------------------------------------------------------------------------------


def paced(folder, count=100, **more):
    """Message n takes n / 10 ms to be acknowledged and n ms to come."""
    story = Story(folder, **more)
    for sequence in range(count):
        story.publish(sequence, at=sequence, ack=sequence + sequence / 10)
        story.deliver("all", sequence, at=2 * sequence).settle("all", sequence, at=2 * sequence + 1)
    return story


def test_latency_counts_from_the_intended_time(tmp_path):
    story = paced(tmp_path)
    for row in story.rows["publish"]:
        row["submitted_ns"] += 500_000  # sent half a millisecond late: no excuse
    found = values(story.judge([Latency]))
    assert found["publish_latency_p50"] == pytest.approx(4.9)
    assert found["end_to_end_latency_p50"] == pytest.approx(49.0)
    assert found["end_to_end_latency_p90"] == pytest.approx(89.0)
    assert "end_to_end_latency_p95" not in found


def test_one_sample_a_group(tmp_path):
    story = Story(tmp_path, needs={"groups": {"a": 1, "b": 1}})
    for sequence in range(20):
        story.publish(sequence, at=sequence).deliver("a", sequence, at=sequence + 2).deliver(
            "b", sequence, at=sequence + 30
        )
    measures = {m.metric: m for m in story.judge([Latency]).measures}
    assert measures["end_to_end_latency_p50"].samples == 40
    assert measures["end_to_end_latency_p50"].value == pytest.approx(2.0)


def test_a_redelivery_does_not_count(tmp_path):
    assert values(paced(tmp_path).deliver("all", 5, at=900).judge([Latency]))[
        "end_to_end_latency_p50"
    ] == pytest.approx(49.0)


def test_failures_and_losses_count_at_their_timeout(tmp_path):
    story = paced(tmp_path)
    for sequence in range(30):
        story.change("publish", {"sequence": sequence}, outcome=int(Outcome.INFO), settled_ns=at_ns(sequence + 400))
        story.drop("deliver", sequence=sequence)
    judgement = story.judge([Latency])
    found = {m.metric: m for m in judgement.measures}
    assert found["publish_latency_p90"].value == pytest.approx(400.0)
    assert "30 of 100 failed" in found["publish_latency_p90"].reason
    # what never came waited until the end of the drain at 1000 ms: 971, 972, ... 1000 after the 70 that came
    assert found["end_to_end_latency_p90"].value == pytest.approx(990.0)


def test_warm_up_and_floods_have_no_latency(tmp_path):
    warm = {"phases": [{"name": "warm", "paced": "100/s", "for": "1s", "warmup": True}]}
    assert paced(tmp_path / "a", **warm).judge([Latency]).measures == []
    assert paced(tmp_path / "b", **FLOOD).judge([Latency]).measures == []


def test_latency_of_a_late_generator_is_invalid(tmp_path):
    story = paced(tmp_path)
    for row in story.rows["publish"]:
        row["submitted_ns"] += 1_100_000
    judgement = story.judge([Latency])
    assert set(states(judgement).values()) == {"invalid"}
    assert "generator-bound" in judgement.measures[0].reason


def test_the_curve_runs_over_the_quantile(tmp_path):
    curves = {curve.kind: curve for curve in paced(tmp_path).judge([Latency]).curves}
    assert set(curves) == {"publish_latency", "end_to_end_latency"}
    assert curves["end_to_end_latency"].x[-1] == pytest.approx(0.9)
    assert curves["end_to_end_latency"].y[-1] == pytest.approx(89.0)


# -- the generator --------------------------------------------------------------------------------------------------


def test_lag_is_measured_and_waiting_for_the_window_is_not_lag(tmp_path):
    story = Story(tmp_path, window=2)
    for sequence in range(10):
        story.publish(sequence, at=sequence, ack=sequence + 0.1)
    assert values(story.judge([Generator]))["generator_lag_p99"] == 0.0
    # acknowledgements come two by two, 50 ms apart: the window is full, and what waits for it goes out 0.2 ms after there is room
    assert values(in_pairs(tmp_path / "full", window=2).judge([Generator]))["generator_lag_p99"] == pytest.approx(0.2)
    # the same lateness with a wide window is the generator's own; of 30 samples the 20th is judged, ten lie beyond it
    (lag, _) = in_pairs(tmp_path / "free", window=100).judge([Generator]).measures
    assert lag.value == pytest.approx(50 * 9 + 0.2 - 18)
    assert "late at p66.7" in lag.reason


def in_pairs(folder, *, window):
    story = Story(folder, window=window)
    for sequence in range(30):
        sent = 50 * (sequence // 2) + (0.2 if sequence > 1 else 0)
        story.publish(sequence, at=sequence, submitted_ns=at_ns(max(sent, sequence)), ack=50 * (sequence // 2 + 1))
    return story


def test_one_late_message_of_many_does_not_make_a_generator_late(tmp_path):
    story = paced(tmp_path).change("publish", {"sequence": 50}, submitted_ns=at_ns(54))
    assert set(states(story.judge([Latency])).values()) == {"ok"}


def test_after_a_fault_lateness_is_the_brokers(tmp_path):
    story = Story(tmp_path, **CRASH).kill(at=50)
    for sequence in range(10):
        story.publish(sequence, at=sequence)
    story.publish(10, at=60, submitted_ns=at_ns(500), ack=501)
    judgement = story.judge([Generator, Latency])
    assert values(judgement)["generator_lag_p99"] == 0.0
    assert set(states(judgement).values()) == {"ok"}


def test_too_little_offered_makes_a_lower_bound(tmp_path):
    story = paced(tmp_path).event("gave_up", at=900, phase=0, unsent=5)
    judgement = story.judge([Generator, Latency])
    assert values(judgement)["offered_in_time"] == pytest.approx(100 / 105)
    assert states(judgement)["publish_latency_p50"] == "lower_bound"


# -- goodput --------------------------------------------------------------------------------------------------------


def test_what_comes_half_a_second_after_its_phase_was_not_kept_up_with(tmp_path):
    story = Story(tmp_path, needs={"groups": {"a": 1, "b": 1}})
    for sequence in range(100):
        story.publish(sequence, at=10 * sequence, ack=1400 if sequence < 90 else 1600)
        story.deliver("a", sequence, at=1450).deliver("b", sequence, at=1490 if sequence < 70 else 1700)
    found = values(story.judge([Goodput]))
    assert found == {"acknowledged_in_time": pytest.approx(0.9), "delivered_in_time": pytest.approx(0.7)}


def test_what_was_never_sent_was_offered_and_what_may_expire_is_owed_to_nobody(tmp_path):
    story = paced(tmp_path).event("gave_up", at=900, phase=0, unsent=100)
    assert values(story.judge([Goodput]))["acknowledged_in_time"] == pytest.approx(0.5)
    story = Story(tmp_path / "b")
    for sequence in range(10):
        story.publish(sequence, at=sequence, ttl_ms=5 if sequence else 0)
    story.deliver("all", 0, at=3)
    assert values(story.judge([Goodput]))["delivered_in_time"] == 1.0


def test_floods_warm_ups_and_broken_phases_have_no_goodput(tmp_path):
    warm = {"phases": [{"name": "warm", "paced": "100/s", "for": "1s", "warmup": True}]}
    for number, phases in enumerate((warm, FLOOD, CRASH)):
        assert paced(tmp_path / str(number), **phases).judge([Goodput]).measures == []


# -- throughput -----------------------------------------------------------------------------------------------------


def flooded(folder, *, groups=("a", "b"), seconds=1, **more):
    """A thousand messages a second, one every millisecond; ``b`` gets each twice as late."""
    story = Story(folder, **{**FLOOD, "needs": {"groups": dict.fromkeys(groups, 1)}, **more})
    story.meta.phases[0].end_ns = at_ns(1000 * seconds)
    for sequence in range(1000 * seconds):
        story.publish(sequence, at=sequence, ack=sequence + 0.5)
        for place, group in enumerate(groups):
            story.deliver(group, sequence, at=(sequence + 0.7) * (1 + place))
    return story


def test_rates_over_the_middle_of_a_flood(tmp_path):
    story = flooded(tmp_path, seconds=3)
    for row in story.rows["publish"]:
        if row["sequence"] < 200 or row["sequence"] > 2800:  # a bad start and a bad end, which the window leaves out
            row["outcome"] = int(Outcome.INFO)
    judgement = story.judge([Throughput])
    found = values(judgement)
    assert found["throughput_acknowledged"] == pytest.approx(1000.0)
    assert found["throughput_delivered_a"] == pytest.approx(1000.0)
    assert found["throughput_delivered_b"] == pytest.approx(500.0)
    assert found["throughput_delivered"] == pytest.approx(1500.0)
    assert found["throughput_drained"] == pytest.approx(6000 / 5.9994)
    assert set(states(judgement).values()) == {"ok"}


def test_a_short_flood_counts_until_its_last_message(tmp_path):
    story = flooded(tmp_path)
    for row in story.rows["publish"]:  # all acknowledged in two bursts: no window would see that
        row["settled_ns"] = at_ns(50 if row["sequence"] < 500 else 1100)
    found = values(story.judge([Throughput]))
    assert found["throughput_acknowledged"] == pytest.approx(1000 / 1.1)
    assert found["throughput_delivered_a"] == pytest.approx(1000 / 0.9997)
    assert found["throughput_delivered_b"] == pytest.approx(1000 / 1.9994)
    assert found["throughput_delivered"] == pytest.approx(2000 / 1.9994)


def test_a_flood_that_slows_down_decays(tmp_path):
    story = flooded(tmp_path, groups=("a",))
    for row in story.rows["publish"]:
        if row["sequence"] > 700 and row["sequence"] % 2:
            row["outcome"] = int(Outcome.INFO)
    assert values(story.judge([Throughput]))["throughput_decay"] == pytest.approx(0.55, abs=0.02)


def test_a_publisher_at_its_limit_makes_a_lower_bound(tmp_path):
    for share, state in ((0.5, "ok"), (0.97, "lower_bound")):
        story = flooded(tmp_path / str(share), groups=("a",))
        for at in range(0, 1001, 200):
            story.sample(at, role="client", worker="publisher-0", cpu_ns=int(at * 1e6 * share))
        judgement = story.judge([Throughput])
        assert states(judgement)["throughput_acknowledged"] == state
    assert "97%" in judgement.measures[0].reason


def test_replay_rate(tmp_path):
    phases = [*FLOOD["phases"], {"name": "again", "replay": True}]
    story = Story(tmp_path, phases=phases, needs={"groups": {"all": 1}, "replay": {"group": "all"}})
    for sequence in range(100):
        story.through(sequence, at=sequence).deliver("all", sequence, at=1000 + 5 * (sequence + 1), reading=1)
    assert values(story.judge([Throughput]))["replay_throughput"] == pytest.approx(200.0)


# -- recovery -------------------------------------------------------------------------------------------------------


def crashed(folder, back_at=700):
    """One message every 10 ms, killed at 505, back at ``back_at``; what was meant meanwhile goes out then."""
    story = Story(folder, **CRASH, needs={"groups": {"a": 1, "b": 1}}).kill(at=505)
    for sequence in range(100):
        at = 10 * sequence
        sent = at if at < 505 or at > back_at else back_at + sequence / 100
        story.publish(sequence, at=at, submitted_ns=at_ns(sent), ack=sent + 1)
        story.deliver("a", sequence, at=sent + 2).deliver("b", sequence, at=sent + 40)
    return story


def test_recovery_counts_messages_sent_after_the_kill(tmp_path):
    # acknowledgements that were on their way when the broker died must not count
    story = crashed(tmp_path).change("publish", {"sequence": 50}, settled_ns=at_ns(506))
    found = values(story.judge([Availability]))
    assert found["recovery_first_acknowledged"] == pytest.approx(0.1965, abs=0.001)
    assert found["recovery_first_delivered"] == pytest.approx(0.2355, abs=0.001)
    assert found["longest_gap_acknowledged"] == pytest.approx(0.1955, abs=0.001)
    assert found["longest_gap_delivered"] == pytest.approx(0.2005, abs=0.001)


def test_a_broker_that_takes_its_time_to_die_has_not_recovered(tmp_path):
    story = crashed(tmp_path)
    (_, at, detail), *_ = story.events
    detail["evidence"] = {"seen_ns": str(at + 60_000_000)}
    # it still takes a message 40 ms after the signal
    story.change("publish", {"sequence": 55}, submitted_ns=at_ns(545), settled_ns=at_ns(546))
    found = values(story.judge([Availability]))
    assert found["recovery_first_acknowledged"] == pytest.approx(0.1965, abs=0.001)


def test_what_never_comes_back_is_a_lower_bound(tmp_path):
    story = Story(tmp_path, **CRASH).kill(at=505)
    for sequence in range(50):
        story.through(sequence, at=10 * sequence)
    judgement = story.judge([Availability])
    assert states(judgement)["recovery_first_acknowledged"] == "lower_bound"
    assert values(judgement)["recovery_first_acknowledged"] == pytest.approx(0.495)
    assert values(judgement)["longest_gap_acknowledged"] == pytest.approx(0.495)


def test_a_fault_that_did_not_bite_has_no_recovery(tmp_path):
    assert Story(tmp_path, **CRASH).kill(at=505, bit=False).through(0, at=1).judge([Availability]).measures == []


# -- cost -----------------------------------------------------------------------------------------------------------


def test_resources_by_hand(tmp_path):
    story = Story(tmp_path)
    for sequence in range(10):
        story.through(sequence, at=50 * sequence, bytes=1000)
    for at in (0, 500, 1000):
        story.sample(at, cpu_ns=1_000_000_000 + at * 100_000, rss_bytes=10**6 * (3 if at == 500 else 1), written_bytes=at * 40,
                     disk_bytes=5000 + at * 15)  # fmt: skip
        story.sample(at, role="client", worker="publisher-0", cpu_ns=at * 300_000)
        story.sample(at, role="client", worker="all-0", cpu_ns=at * 200_000)
    found = values(story.judge([Resources]))
    assert found["broker_cpu_us_per_message"] == pytest.approx(100_000 / 10)
    assert found["client_cpu_us_per_message"] == pytest.approx(500_000 / 10)
    assert found["broker_rss_peak"] == 3_000_000
    assert found["written_bytes_per_published_byte"] == pytest.approx(40_000 / 10_000)
    assert found["stored_bytes_per_published_byte"] == pytest.approx(15_000 / 10_000)


def test_a_restarted_broker_counts_from_zero_again(tmp_path):
    story = Story(tmp_path).through(0, at=1, bytes=1000)
    for at, written in ((0, 100), (200, 400), (400, 50), (600, 250)):
        story.sample(at, written_bytes=written)
    assert values(story.judge([Resources]))["written_bytes_per_published_byte"] == pytest.approx(
        (300 + 50 + 200) / 1000
    )


# -- timelines ------------------------------------------------------------------------------------------------------


def test_rates_and_backlog_over_time(tmp_path):
    story = Story(tmp_path)
    for sequence in range(100):
        story.publish(sequence, at=sequence, ack=sequence + 0.5).deliver("all", sequence, at=sequence * 5 + 1)
        story.settle("all", sequence, at=sequence * 5 + 2)
    curves = {(curve.kind, curve.label): curve for curve in story.judge([Timelines]).curves}
    acknowledged = curves["rate", "acknowledged"]
    assert acknowledged.x[:3] == pytest.approx([0.0, 0.1, 0.2])
    assert acknowledged.y[:3] == pytest.approx([1000.0, 0.0, 0.0])
    assert curves["rate", "delivered"].y[:6] == pytest.approx([200.0, 200.0, 200.0, 200.0, 200.0, 0.0])
    assert curves["backlog", "all"].y[:6] == pytest.approx([80, 60, 40, 20, 0, 0])
    assert curves["latency_over_time", "worst of the bin"].y[4] == pytest.approx(5 * 99 + 1 - 99)


def test_a_long_run_has_wider_bins(tmp_path):
    story = Story(tmp_path).through(0, at=1)
    story.meta.phases[-1].drained_ns = at_ns(3_600_000)
    curves = story.judge([Timelines]).curves
    assert all(len(curve.x) <= POINTS_MAX for curve in curves)
    assert curves[0].x[1] - curves[0].x[0] > 5


CUT = {"cut": "link", "at": "200ms", "for": "100ms"}


def cut_story(folder, *, bit=True, drain=True):
    """A message every 10 ms; the link is cut from 205 to 305 and what was held passes then."""
    phases = [
        {"name": "cutting", "paced": "100/s", "for": "400ms", "drain": drain, "fault": CUT},
        {"name": "calm", "paced": "100/s", "for": "400ms"},
    ]
    story = Story(folder, phases=phases)
    story.event("fault", 205, fault="cut", phase="cutting", evidence={"seen_ns": str(at_ns(205))}, bit=bit)
    for sequence in range(80):
        at = 10 * sequence
        story.through(sequence, at=at, ack=306 if 205 <= at < 305 else at + 1)
    return story


def test_unavailable_is_from_the_last_acknowledgement_before_to_the_first_after(tmp_path):
    found = values(cut_story(tmp_path).judge([Availability]))
    assert found["unavailable"] == pytest.approx(0.105, abs=0.0005)  # 201 to 306
    assert "recovery_first_acknowledged" not in found, "that one is of kills"


def test_a_fault_that_is_not_known_to_have_bitten_leaves_survival_unknown(tmp_path):
    verdict = cut_story(tmp_path / "missed", bit=False).verdict(Durability)
    assert verdict.validity == "unknown"
    assert "the fault cut of phase cutting is not known to have bitten" in verdict.summary
    verdict = cut_story(tmp_path / "bit").verdict(Durability)
    assert verdict.validity == "valid"
    assert "link cut" in verdict.summary

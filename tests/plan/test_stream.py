import json

import numpy as np
import pytest

from harness.model import envelope
from harness.plan.bodies import Bodies
from harness.plan.bundled import find_workload
from harness.plan.loader import load_workload
from harness.plan.stream import MessageStream


def _workload(name):
    return load_workload(find_workload(name)).workload


def _all(workload, *, portion, seed=1, repeat=0, producer=0, flood=700):
    stream = MessageStream(workload, seed=seed, repeat=repeat, producer=producer, run_number=5)
    rows, bodies = [], []
    for index, phase in enumerate(workload.phases):
        if phase.kind == "replay":
            continue
        left = flood if phase.kind == "flood" else len(stream.offsets_ns(index))
        chunks = stream.chunks(index)
        while left:
            some, their_bodies = chunks.take(min(left, portion))
            rows.append(some.copy())
            bodies += their_bodies
            left -= len(some)
    return np.concatenate(rows), bodies


@pytest.mark.parametrize("name", ["clickstream_fanout", "iot_fleet", "priority_tasks", "password_reset"])
def test_the_work_does_not_depend_on_how_fast_it_is_taken(name):
    workload = _workload(name)
    slow_rows, slow_bodies = _all(workload, portion=7)
    fast_rows, fast_bodies = _all(workload, portion=256)
    assert (slow_rows == fast_rows).all()
    assert slow_bodies == fast_bodies


def test_seed_repeat_and_producer_each_change_the_work():
    workload = _workload("priority_tasks")
    base, _ = _all(workload, portion=256)
    for change in ({"seed": 2}, {"repeat": 1}, {"producer": 1}):
        other, _ = _all(workload, portion=256, **change)
        assert not (base["work_us"] == other["work_us"][: len(base)]).all() if len(other) == len(base) else True


def test_key_sequences_are_dense_within_each_key():
    rows, _ = _all(_workload("clickstream_fanout"), portion=100)
    assert rows["sequence"].tolist() == list(range(len(rows)))
    for key in np.unique(rows["key"])[:200]:
        assert rows["key_sequence"][rows["key"] == key].tolist() == list(range(int((rows["key"] == key).sum())))


def test_zipf_keys_are_skewed():
    rows, _ = _all(_workload("clickstream_fanout"), portion=256, flood=20_000)
    counts = np.sort(np.bincount(rows["key"]))[::-1]
    assert counts[0] > 10 * counts[100]


def test_fates_come_at_the_shares_asked_for():
    workload = _workload("priority_tasks")
    stream = MessageStream(workload, seed=3, repeat=0, producer=0, run_number=1)
    steady = next(index for index, phase in enumerate(workload.phases) if phase.name == "steady")
    rows = stream.draw(stream.generator(steady), steady, 100_000)
    assert np.mean(rows["failures"] == envelope.POISON) == pytest.approx(0.02, abs=0.003)
    assert np.mean(rows["failures"] == 1) == pytest.approx(0.08, abs=0.005)
    assert np.mean(rows["ttl_ms"] > 0) == pytest.approx(0.08, abs=0.005)
    assert np.bincount(rows["class"]).tolist() == pytest.approx([20_000, 70_000, 10_000], rel=0.05)
    assert np.median(rows["work_us"]) == pytest.approx(8_000, rel=0.05)


def test_a_phase_overrides_what_its_messages_are():
    workload = _workload("priority_tasks")
    flood = next(index for index, phase in enumerate(workload.phases) if phase.kind == "flood")
    stream = MessageStream(workload, seed=3, repeat=0, producer=0, run_number=1)
    rows = stream.draw(stream.generator(flood), flood, 5_000)
    assert not rows["failures"].any()
    assert not rows["ttl_ms"].any()
    assert not rows["work_us"].any()


def test_publishers_share_a_paced_phase_without_gap_or_overlap():
    workload = _workload("clickstream_fanout").model_copy(update={"publishers": 3})
    times = [MessageStream(workload, seed=1, repeat=0, producer=p, run_number=1).offsets_ns(1) for p in range(3)]
    joined = np.sort(np.concatenate(times))
    assert len(joined) == round(workload.phases[1].paced * workload.phases[1].for_)
    assert (np.diff(joined) > 0).all()


def test_poisson_arrivals_keep_the_mean_rate():
    workload = _workload("clickstream_fanout")
    phase = workload.phases[1].model_copy(update={"arrivals": "poisson", "paced": 2000.0, "for_": 20.0})
    workload = workload.model_copy(update={"phases": (phase,)})
    times = MessageStream(workload, seed=1, repeat=0, producer=0, run_number=1).offsets_ns(0)
    assert len(times) == pytest.approx(40_000, rel=0.03)
    gaps = np.diff(times) / 1e9
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


@pytest.mark.parametrize("kind", ["click_json", "order_json", "mail_json", "telemetry_json"])
def test_bodies_are_json_of_the_wanted_size(kind):
    bodies = Bodies(kind, 1)
    for number in range(300):
        body = bodies.get(number, 400 + number)
        assert len(body) == 400 + number
        json.loads(body)
    assert 0.2 < bodies.compressed_share(1000) < 0.8


def test_extremes_of_entropy():
    assert Bodies("zeros", 1).compressed_share(1000) < 0.02
    assert Bodies("random", 1).compressed_share(1000) > 0.95
    assert len(Bodies("random", 1).get(3, 3 << 20)) == 3 << 20
    assert Bodies("click_json", 1).get(1, 10) != b""

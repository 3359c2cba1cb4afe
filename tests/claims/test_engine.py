"""From an experiment to its finding: a result as figures, what is left out, what cannot run, and one small claim end to end."""

import pytest

from harness.claims import engine
from harness.claims.engine import Trial, chosen, describe, judge, run_claim
from harness.claims.formulas import calculate
from harness.claims.loader import find_claim, load_claim
from harness.claims.store import latest
from harness.claims.studies import figures_of
from harness.errors import BrokerMissing, UsageError
from harness.model.claim import ClaimBroker, ClaimVerdict, Figure
from harness.model.result import Cell, Result, State
from harness.model.verdict import Validity, Verdict
from tests.claims.planted import FINGERPRINT, GOOD, claim

TWO = GOOD.replace("brokers: [pylog]", "brokers: [pylog, kafka]").replace(
    "card:", '  - {when: "a second reader of Kafka finds it", metric: kafka.second_share, equals: 1}\ncard:'
)


def _say(text):
    pass


def _judged(loaded, measured, brokers, labels=None):
    return judge(loaded, Trial(measured, brokers), labels or loaded.claim.brokers, FINGERPRINT)


def _ran(*labels):
    return [ClaimBroker(label=label, product=label, version="1") for label in labels]


def test_a_missing_broker_is_not_run_with_the_next_command():
    away = ClaimBroker(
        label="kafka", state="not_run", reason="Kafka is not here", next_command="harness broker install kafka"
    )
    found = _judged(claim(TWO), {"pylog.second_share": Figure.exact(1)}, [*_ran("pylog"), away])
    assert found.verdict is ClaimVerdict.NOT_RUN
    assert found.next_command == "harness broker install kafka"
    assert "Kafka is not here" in found.reason


def test_brokers_left_out_on_purpose_make_a_partial_finding():
    loaded = claim(TWO)
    assert chosen(loaded, ["pylog"]) == ("pylog",)
    found = _judged(loaded, {"pylog.second_share": Figure.exact(1)}, _ran("pylog"), ["pylog"])
    assert found.partial
    assert found.verdict is ClaimVerdict.SUPPORTED
    with pytest.raises(UsageError, match="not about rabbitmq"):
        chosen(loaded, ["rabbitmq"])


def test_a_cluster_is_not_run_here():
    loaded = claim(GOOD.replace("  settings:", "  nodes: 3\n  settings:"))
    found = _judged(loaded, *vars_of(engine._try(loaded, ["pylog"], None, "", _say)))
    assert found.verdict is ClaimVerdict.NOT_RUN
    assert "cluster of 3 nodes" in found.reason


def vars_of(trial):
    return trial.measured, trial.brokers


def test_a_small_machine_is_not_comparable():
    loaded = claim(GOOD.replace("equals: 1}", "equals: 1, cores: 16}"))
    found = _judged(loaded, {"pylog.second_share": Figure.exact(1)}, _ran("pylog"))
    assert found.verdict is ClaimVerdict.NOT_COMPARABLE
    assert "16 cores" in found.reason


def test_a_script_whose_broker_cannot_be_had(monkeypatch, tmp_path):
    def missing(*arguments):
        raise BrokerMissing("it is not here", next_command="harness broker install pylog")

    monkeypatch.setattr(engine, "_on_stage", missing)
    found = run_claim(claim(), _say, folder=tmp_path)
    assert (found.verdict, found.next_command) == (ClaimVerdict.NOT_RUN, "harness broker install pylog")
    assert latest("C99", tmp_path) == found


def test_a_wrong_setting_is_told_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'messages'"):
        run_claim(claim(GOOD.replace("{messages: 200}", "{mesages: 200}")), _say, folder=tmp_path)


def _cell(**kept):
    return Cell(
        **(
            {
                "workload": "w_few",
                "broker": "pylog",
                "metric": "throughput_drained",
                "phase": "flood",
                "state": State.MEASURED,
            }
            | kept
        )
    )


def _result(cells, verdicts=()):
    return Result(
        harness_version="", run_id="", title="", created="", command="", seed=1, repeats=2, seconds=1, fingerprint=FINGERPRINT,
        workloads=[], brokers=[], runs=[], cells=cells, verdicts=list(verdicts),
    )  # fmt: skip


def _verdict(validity, **counts):
    return Verdict(
        checker="replay",
        workload="w_few",
        broker="pylog",
        repeat=0,
        validity=validity,
        promised=True,
        rule="",
        summary="it hung",
        counts=counts,
    )


def test_a_result_as_figures():
    measured = figures_of(_result([_cell(value=3.0, low=2.0, high=4.0, per_run=[2.0, 4.0], n=2)]), {"w_few": "few"})
    assert measured["few/pylog.throughput_drained.flood"].per_run == [2.0, 4.0]
    assert measured["few/pylog.throughput_drained.flood"].usable


def test_figures_that_decide_nothing():
    invalid = figures_of(_result([_cell(value=3.0, state=State.INVALID, reason="late")]), {"w_few": ""})
    assert not invalid["pylog.throughput_drained.flood"].usable
    bound = figures_of(_result([_cell(value=3.0, state=State.LOWER_BOUND, reason="client-bound", n=1)]), {"w_few": ""})
    assert bound["pylog.throughput_drained.flood"].high == float("inf")


def test_counts_are_summed_and_unknown_ones_decide_nothing():
    runs = [
        _verdict(Validity.VALID, second_reading=90, missing=0),
        _verdict(Validity.VALID, second_reading=90, missing=20),
    ]
    measured = figures_of(_result([], runs), {"w_few": ""})
    assert measured["pylog.replay.missing"].value == 20
    assert measured["pylog.replay.share"].value == pytest.approx(0.9)
    unknown = figures_of(_result([], [*runs, _verdict(Validity.UNKNOWN, missing=0)]), {"w_few": ""})
    assert not unknown["pylog.replay.missing"].usable
    assert unknown["pylog.replay.missing"].reason == "it hung"


def test_arithmetic():
    week = {"rate_bytes_per_s": "200MB", "retention": "7d", "replicas": 3, "kept_per_byte": 1.0}
    assert calculate("retention", week)["model.one_copy"].value == pytest.approx(120.96e12)
    found = calculate("consumers", {"rate": "1M/s", "consumer_rate": "50k/s", "utilisation": "70%"})
    assert (found["model.at_the_limit"].value, found["model.with_room"].value) == (20, 29)
    assert calculate("catch_up", {"rate": 1000, "consumer_rate": 50, "members": 20, "outage": "10s"})[
        "model.catch_up"
    ].value == float("inf")
    with pytest.raises(UsageError, match="did you mean 'replicas'"):
        calculate("retention", {**week, "replica": 3})


def test_the_arithmetic_claims_end_to_end(tmp_path):
    for name, verdict in (("C06", ClaimVerdict.SUPPORTED), ("C10", ClaimVerdict.REFUTED)):
        assert run_claim(load_claim(find_claim(name)), _say, folder=tmp_path).verdict is verdict


@pytest.mark.broker("pylog")
def test_a_small_claim_end_to_end(tmp_path):
    loaded = claim()
    assert describe(loaded)["brokers"] == ["pylog"]
    found = run_claim(loaded, _say, folder=tmp_path)
    assert found.verdict is ClaimVerdict.SUPPORTED
    assert found.measured["pylog.second_share"].value == 1
    assert found.brokers[0].version
    assert latest("C99", tmp_path) == found

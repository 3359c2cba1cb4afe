"""Complaints name file, line and nearest key; the claims that come with the harness are sound."""

import pytest

from harness.claims.loader import all_claims, changed, claim_files, find_claim, load_claim, parse_claim
from harness.errors import WorkloadError
from harness.model.claim import PLACEHOLDER
from tests.claims.planted import GOOD, claim


def test_a_claim_has_its_names_from_its_file():
    assert (claim().claim.id, claim().claim.slug) == ("C99", "log-stays")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("statement:", "statment:", "C99-log-stays.yaml:1: statment: unknown key; did you mean 'statement'?"),
        ("brokers: [", "broker: [", "C99-log-stays.yaml:6: experiment.broker: unknown key; did you mean 'brokers'?"),
        ("kind: script", "kind: scripted", "C99-log-stays.yaml:3: experiment: Input tag 'scripted'"),
        ("equals: 1}", "equal: 1}", "rules.0.equal: unknown key; did you mean 'equals'?"),
        (", equals: 1}", "}", "a rule needs at_least, at_most or equals"),
        ("equals: 1}", "equals: 1, control: true}", "no rule decides the claim"),
        ("'does not delete'", "'does (not'", "card.key_points.0.patterns: the pattern"),
        ("kind: number", "kind: direction", "a direction needs two choices or more"),
        ("  cost: Disk.\n", "", "the key 'cost' is missing"),
        ("statement:", "id: C1\nstatement:", "C99-log-stays.yaml:1: the id is the file's name"),
    ],
)
def test_complaints(before, after, complaint):
    with pytest.raises(WorkloadError) as caught:
        claim(GOOD.replace(before, after))
    assert complaint in caught.value.message


STUDY = GOOD.replace("kind: script\n  name: reading_deletes", "kind: study\n  workload: priority_tasks").replace(
    "  settings: {messages: 200}\n", "  arms: {few: {needs: {prefetch: 1}}, many: {needs: {prefetch: 100}}}\n"
)


def test_arms_are_changes_to_a_workload():
    found = claim(STUDY).workloads
    assert {arm: one.workload.needs.prefetch for arm, one in found.items()} == {"few": 1, "many": 100}
    assert found["few"].workload.name == "priority_tasks_few"


def test_a_mistake_in_an_arm_is_told_with_its_place():
    with pytest.raises(
        WorkloadError, match=r"C99-log-stays.yaml: experiment.workload, arm few.*did you mean 'prefetch'"
    ):
        claim(STUDY.replace("prefetch: 1}", "prefech: 1}"))


def test_merging_goes_into_mappings_and_null_removes():
    assert changed({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 3}, "d": None}) == {"a": {"b": 3, "c": 2}}


def test_names_of_files_and_claims():
    with pytest.raises(WorkloadError, match=r"named like C33-five-jobs.yaml"):
        parse_claim(GOOD, name="five-jobs", path="five-jobs.yaml")
    assert find_claim("c33") == find_claim("five-jobs") == find_claim("C33")
    with pytest.raises(WorkloadError, match="did you mean C3"):
        find_claim("C333")


def _names(claim):
    """Every metric that a claim names, in its rules, its prediction and its texts."""
    asked = (
        [rule.metric for rule in claim.rules]
        + [rule.of for rule in claim.rules]
        + [claim.card.predict.metric, claim.card.predict.of]
    )
    told = claim.card.placeholders | set(PLACEHOLDER.findall(claim.if_refuted))
    return [name for name in asked if name] + [part for text in told for part in text.split(" / ")]


@pytest.mark.parametrize("name", claim_files())
def test_claims_that_come_with_the_harness_name_what_their_experiment_measures(name):
    loaded = load_claim(claim_files()[name])
    kind, arms = loaded.claim.experiment.kind, [arm for arm in loaded.workloads if arm]
    labels = loaded.claim.brokers or (kind,)
    for metric in _names(loaded.claim):
        arm, _, plain = metric.rpartition("/")
        assert bool(arm) == bool(arms), metric
        assert not arm or arm in arms, metric
        assert any(plain.startswith(f"{label}.") for label in labels), metric


def test_every_card_shows_a_figure_of_its_experiment():
    for one in all_claims():
        assert one.claim.card.placeholders, one.path

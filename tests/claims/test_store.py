"""Findings are kept, older ones beside the newest, and say themselves when they are no longer about here and now."""

from datetime import UTC, datetime, timedelta

import pytest

from harness import __version__
from harness.claims.store import Freshness, Host, freshness, host_here, latest, save
from harness.errors import ResultError
from harness.model.claim import ClaimVerdict
from tests.claims.planted import FINGERPRINT, GOOD, claim, finding

HERE = Host("Imaginary Xeon", 2, 8 << 30, __version__, {"pylog": "1"})
NOW = datetime.now(UTC)


def test_the_newest_is_found_and_older_ones_stay(tmp_path):
    about = claim().claim
    assert latest("C99", tmp_path) is None
    save(finding(about, verdict=ClaimVerdict.REFUTED), tmp_path)
    save(finding(about), tmp_path)
    assert latest("C99", tmp_path).verdict is ClaimVerdict.SUPPORTED
    assert len(list((tmp_path / "C99").glob("finding-*.json"))) == 1


def test_a_partial_finding_is_not_the_newest(tmp_path):
    about = claim().claim
    save(finding(about, partial=True), tmp_path)
    assert latest("C99", tmp_path) is None


def test_what_is_no_finding_is_refused_with_a_way_on(tmp_path):
    (tmp_path / "C99").mkdir()
    (tmp_path / "C99" / "finding.json").write_text('{"claim": "C99"}')
    with pytest.raises(ResultError) as caught:
        latest("C99", tmp_path)
    assert caught.value.next_command == "harness claim run C99"


@pytest.mark.parametrize(
    ("changes", "host", "wanted"),
    [
        ({}, HERE, Freshness.FRESH),
        ({"claim_digest": "0"}, HERE, Freshness.CLAIM_CHANGED),
        ({}, Host("Imaginary Xeon", 8, 8 << 30, __version__, {"pylog": "1"}), Freshness.OTHER_HOST),
        ({}, Host("Imaginary Xeon", 2, 8 << 30, __version__, {"pylog": "2"}), Freshness.OLDER_VERSION),
        ({"harness_version": "0.0.1"}, HERE, Freshness.OLDER_VERSION),
        ({"created": (NOW - timedelta(days=31)).isoformat()}, HERE, Freshness.OLD),
    ],
)
def test_freshness(changes, host, wanted):
    about = claim().claim
    assert freshness(finding(about, **changes), about, host, NOW) is wanted
    assert freshness(None, about, host, NOW) is Freshness.NONE


def test_a_better_card_leaves_evidence_fresh_and_another_rule_does_not():
    about = claim().claim
    assert claim(GOOD.replace("cost: Disk.", "cost: Disk and time.")).claim.digest == about.digest
    assert claim(GOOD.replace("equals: 1}", "at_least: 0.9}")).claim.digest != about.digest


def test_this_machine_is_the_machine_it_is():
    here = host_here()
    taken = FINGERPRINT.model_copy(
        update={"cpu_model": here.cpu_model, "cores": here.cores, "memory_bytes": here.memory_bytes}
    )
    assert here.same_machine(taken)
    assert here.brokers["pylog"]

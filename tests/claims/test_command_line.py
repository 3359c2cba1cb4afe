"""``harness claim`` and ``harness size`` as a person types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.claims.store import save
from harness.cli import app as cli
from harness.errors import UsageError, WorkloadError
from harness.model.claim import ClaimVerdict
from tests.claims.planted import GOOD, claim, finding


@pytest.fixture(scope="module")
def harness():
    cli._register()
    runner = CliRunner()

    def call(*arguments):
        done = runner.invoke(cli.app, list(arguments))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "C99-log-stays.yaml"
    path.write_text(GOOD)
    return str(path)


def test_what_would_run(harness, file):
    done = harness("claim", "run", file, "--dry-run", "--json")
    (plan,) = json.loads(done.stdout)["claims"]
    assert (plan["claim"], plan["brokers"], plan["missing"]) == ("C99", ["pylog"], {})


def test_arithmetic_runs_and_is_listed(harness, tmp_path):
    folder = ("--findings", str(tmp_path))
    done = harness("claim", "run", "C06", *folder, "--json")
    assert json.loads(done.stdout)["findings"][0]["verdict"] == "supported"
    rows = {row["id"]: row for row in json.loads(harness("claim", "ls", *folder, "--json").stdout)["claims"]}
    assert (rows["C06"]["verdict"], rows["C06"]["freshness"]) == ("supported", "fresh")
    assert (rows["C33"]["verdict"], rows["C33"]["freshness"]) == ("", "none")
    assert "SUPPORTED" in harness("claim", "show", "C06", *folder).stdout


def test_a_refuted_claim_is_a_good_result_unless_another_was_expected(harness, tmp_path):
    folder = ("--findings", str(tmp_path))
    assert harness("claim", "run", "C10", *folder).exit_code == 0
    assert harness("claim", "run", "C10", *folder, "--expect", "supported").exit_code == 1


def test_a_finding_is_shown_with_its_verdict(harness, file, tmp_path):
    save(finding(claim().claim, verdict=ClaimVerdict.REFUTED), tmp_path)
    shown = harness("claim", "show", file, "--findings", str(tmp_path)).stdout
    assert "✗ REFUTED" in shown
    assert "other host" in shown


def test_mistakes_are_told(harness):
    with pytest.raises(WorkloadError, match="did you mean C33"):
        harness("claim", "show", "C333")
    with pytest.raises(UsageError, match="name claims, or say --all"):
        harness("claim", "run")
    with pytest.raises(UsageError, match="--expect is one of"):
        harness("claim", "run", "C06", "--expect", "nice")
    with pytest.raises(UsageError, match="--retention"):
        harness("size", "--retention", "7")


def test_size(harness):
    document = json.loads(harness("size", "--devices", "1M", "--hz", "1", "--consumer-rate", "50k", "--json").stdout)
    assert document["at_the_limit"]["value"] == 20
    assert document["with_room"]["value"] == 29
    assert "never" in harness("size", "--utilisation", "100%").stdout


def test_the_list_in_the_folder_is_that_of_its_claims():
    from harness.claims.loader import all_claims, claim_files

    readme = (Path(next(iter(claim_files().values()))).parent / "README.md").read_text()
    for one in all_claims():
        assert f"| {one.claim.id} | {one.claim.statement} |" in readme
    assert readme.count("\n| C") == len(all_claims())

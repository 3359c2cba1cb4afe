"""Both sides of the comparison against real brokers, as short as they can be: that they measure, not what."""

import pytest

from harness.bench import driver
from harness.brokers.tools import tool_missing


@pytest.fixture(autouse=True)
def one_size(monkeypatch):
    monkeypatch.setattr(driver, "SIZES", (1024,))
    monkeypatch.setattr(driver, "RECORDS_MIN", 20_000)


def short(broker):
    length = driver.Length(warm_up_s=1, seconds=1)
    return driver.bench_driver(pairs=1, length=length, brokers=(broker,), progress=lambda text: None)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.broker("rabbitmq")
def test_rabbitmq_and_perf_test():
    document = short("rabbitmq")
    (row,) = document["rows"]
    if reason := tool_missing("perf-test"):
        assert (row["state"], row["reason"]) == ("not run", reason.partition(": ")[2])
        assert "brokers.install --brokers perf-test" in row["next"]
        pytest.skip(reason)
    assert row["ours_median"] > 0, row
    assert row["theirs_median"] > 0
    assert set(document["versions"]) == {"rabbitmq", "PerfTest"}
    assert "ratio" in driver.table(document)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.broker("kafka")
def test_kafka_and_its_own_tools():
    document = short("kafka")
    assert [row["question"].split(",")[1] for row in document["rows"]] == [" publisher", " consumer"]
    assert all(row["ours_median"] > 0 and row["theirs_median"] > 0 for row in document["rows"]), document


def test_a_missing_tool_is_a_row_with_the_command_that_gets_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    document = driver.bench_driver(
        pairs=1, length=driver.Length(), brokers=("rabbitmq", "kafka"), progress=lambda text: None
    )
    assert [row["state"] for row in document["rows"]] == ["not run", "not run"]
    assert all(row["next"] for row in document["rows"])

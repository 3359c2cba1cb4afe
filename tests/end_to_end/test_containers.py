"""The three workloads through RabbitMQ, ActiveMQ and Kafka in containers, each killed with -9 under load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.brokers import engine
from harness.brokers.owner import LABEL, Owner
from tests.end_to_end.harness_process import left_behind, run_harness

BROKERS = ("rabbitmq", "activemq", "kafka")
WORKLOADS = ("clickstream_fanout", "priority_tasks", "password_reset")


def containers_and_volumes_of(pid: int) -> list[str]:
    """What that process left; other tests run beside this one."""
    client = engine.connect()
    labels = {
        str(one.name): Owner.parse(one.labels[LABEL])
        for one in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    } | {
        str(one.name): Owner.parse(one.attrs["Labels"][LABEL]) for one in client.volumes.list(filters={"label": LABEL})
    }
    return [name for name, owner in labels.items() if owner is not None and owner.process.pid == pid]


@pytest.mark.container("rabbitmq")
@pytest.mark.container("activemq")
@pytest.mark.container("kafka")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_workloads_on_three_brokers_in_containers(tmp_path: Path) -> None:
    arguments = [
        "run",
        *WORKLOADS,
        "-b",
        ",".join(BROKERS),
        "--backend",
        "docker",
        "--memory",
        "3GiB",
        "--duration",
        "500ms",
    ]
    done = run_harness(tmp_path, *arguments, "-o", "out", timeout_s=580)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    runs = {(run["broker"].partition(":")[0], run["workload"]): run for run in result["runs"]}
    assert {key: run["state"] for key, run in runs.items()} == {
        (broker, workload): "done" for broker in BROKERS for workload in WORKLOADS
    }, done.err
    columns = {column["name"].partition(":")[0]: column for column in result["brokers"]}
    assert {name: column["backend"] for name, column in columns.items()} == dict.fromkeys(BROKERS, "docker")
    versions = {name: column["version"].partition(".")[0] for name, column in columns.items()}
    assert versions == {"rabbitmq": "4", "activemq": "6", "kafka": "4"}
    assert {column["settings"]["container.memory"] for column in columns.values()} == {"3072 MiB"}
    assert "3072 MiB" in result["fingerprint"]["containers"]
    faults = [fault for run in runs.values() for fault in run["faults"]]
    assert all(fault["bit"] for fault in faults)
    kills = [fault["evidence"]["exit_status"] for fault in faults if fault["kind"] == "kill"]
    assert kills == ["-9"] * len(runs)  # each workload kills its broker once
    lost = [verdict["counts"]["lost"] for verdict in result["verdicts"] if verdict["checker"] == "durability"]
    assert lost == [0] * len(runs), done.err
    used = {measure["broker"] for measure in result["measures"] if measure["metric"] == "broker_cpu_us_per_message"}
    assert {name.partition(":")[0] for name in used} == set(BROKERS)  # the containers were sampled
    assert containers_and_volumes_of(done.pid) == []
    assert left_behind(tmp_path) == []

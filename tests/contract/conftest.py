"""Every adapter of the registry, with every variant, against every broker it serves. A new adapter needs no edit here.

Tests come by broker, which is started once for all of them; each test has a prefix of its own. With HARNESS_PROBE_OUTPUT set to a
file, the outcome of every probe (``harness.adapters.probes``) is written there as JSON. HARNESS_BACKENDS says how the brokers are
had: ``process`` by default, ``docker``, or both with a comma between.
"""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.probes import PROBES
from harness.adapters.registry import REGISTRY, create_adapter
from harness.model.capability import Feature, Support
from tests.contract.running import RunningBroker, start
from tests.contract.subject import Subject

# Shapes that differ from another one in features alone, and further shapes in containers, run these files and no others.
FEATURES_ALONE = ("test_features.py", "test_killed_broker.py")
BACKENDS = tuple(os.environ.get("HARNESS_BACKENDS", "process").split(","))
CONTAINED = ("rabbitmq", "activemq", "kafka")  # pylog in a container is the same program
# A second client library, a further shape, says nothing more about a container; what streams do there the probes show.
SHARE = {"consumption": "share"}
ONCE_IS_ENOUGH = ({"client": "kafka-python"}, {"mode": "virtual-topics"}, {"queue_type": "stream"}, SHARE)
WITHOUT_DELIVERY = {"null"}  # accepts and never delivers: has a test file of its own
_numbers = itertools.count(1)
_probe_rows: list[dict[str, object]] = []


def _cases() -> list[Any]:
    cases = []
    for name, entry in REGISTRY.items():
        for broker, settings in itertools.product(entry.brokers, entry.variants):
            if name in WITHOUT_DELIVERY:
                continue
            label = "-".join([name, *settings.values()])
            for backend in BACKENDS if broker in CONTAINED else ("process",):
                if backend == "docker" and settings in ONCE_IS_ENOUGH:
                    continue
                place = "" if backend == "process" else f"+{backend}"
                mark = pytest.mark.container if backend == "docker" else pytest.mark.broker
                real = [] if broker == "memory" else [mark(broker)]
                case = (name, dict(settings), broker, backend)
                cases.append(pytest.param(case, id=f"{label}@{broker}{place}", marks=real))
    return cases


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors here, but two habits of kafka-python are not ours to mend."""
    theirs = (
        "ignore:(read|open)_text is deprecated:DeprecationWarning",
        "ignore:unclosed <socket:ResourceWarning",  # of attempts to connect while the broker is down
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
    )
    items[:] = [item for item in items if _applies(item)]
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # captured records would keep those sockets alive
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for habit in theirs:
                item.add_marker(pytest.mark.filterwarnings(habit))


def _applies(item: pytest.Item) -> bool:
    case = getattr(item, "callspec", None)
    subject = case.params.get("subject") if case is not None else None
    if not isinstance(subject, tuple):
        return True
    _, settings, _, backend = subject
    if settings == SHARE:  # tests/integration kills both under share groups
        return item.path.name == FEATURES_ALONE[0]
    further = bool({"queue_type", "mode"} & set(settings))
    alone = settings.get("mode") == "virtual-topics" or (further and backend == "docker")
    return not alone or item.path.name in FEATURES_ALONE


@pytest.fixture(scope="package")
def brokers() -> Iterator[dict[str, RunningBroker]]:
    """The one that runs, by its name and how it was had: the next one ends it."""
    running: dict[str, RunningBroker] = {}
    yield running
    for broker in running.values():
        broker.stop()


@pytest.fixture(params=_cases())
def subject(
    request: pytest.FixtureRequest, brokers: dict[str, RunningBroker], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    name, settings, broker, backend = request.param
    try:
        adapter = create_adapter(name, settings)
    except ModuleNotFoundError as missing:
        if os.environ.get("HARNESS_NO_SKIP"):
            raise
        pytest.skip(f"adapter {name} is not here: {missing}")
    place = f"{broker}-{backend}"
    if place not in brokers:
        while brokers:
            brokers.popitem()[1].stop()
        brokers[place] = start(broker, tmp_path_factory.mktemp(place), backend)
    subject = Subject(adapter, brokers[place], f"t{os.getpid()}x{next(_numbers)}")
    supports = {str(feature): str(row.support) for feature, row in adapter.capabilities(subject.broker).items()}
    told = {"adapter": name, "settings": settings, "broker": subject.broker.name, "supports": supports}
    told |= {"product": subject.broker.product, "version": subject.broker.version}
    request.node.user_properties.append(("subject", told))  # plain values: reports travel between processes
    yield subject
    subject.close()
    gc.collect()  # what a library left open is reported in the test that left it


@pytest.fixture
def probed(request: pytest.FixtureRequest, subject: Subject) -> Subject:
    """The subject, skipped where it declares the probed feature IMPOSSIBLE (another test holds it to that)."""
    feature = _feature_of(request.node.nodeid)
    assert feature is not None, "not a probe: name it in harness.adapters.probes"
    capability = subject.capability(feature)
    if capability.support is Support.IMPOSSIBLE:
        pytest.skip(f"declared impossible: {capability.why}")
    return subject


def _feature_of(node_id: str) -> Feature | None:
    bare = node_id.partition("[")[0]
    return next((feature for feature, probe in PROBES.items() if bare.endswith(probe)), None)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    feature = _feature_of(report.nodeid)
    subject = dict(dict(report.user_properties).get("subject") or {})
    if feature is None or not subject or (report.when != "call" and report.outcome == "passed"):
        return
    supports = subject.pop("supports")
    _probe_rows.append(
        {
            **subject,
            "feature": str(feature),
            "support": supports[str(feature)],
            "test": report.nodeid,
            "outcome": report.outcome,
            "seconds": round(report.duration, 3),
        }
    )


def pytest_sessionfinish() -> None:
    target = os.environ.get("HARNESS_PROBE_OUTPUT")
    if target and _probe_rows:
        Path(target).write_text(json.dumps({"probes": _probe_rows}, indent=1) + "\n")

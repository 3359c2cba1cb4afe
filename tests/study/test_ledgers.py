"""What stands beside a throughput, and which settings are not the products' own."""

import pytest

from harness.brokers.products.activemq import ActiveMQ
from harness.brokers.products.kafka import Kafka
from harness.brokers.products.pylog import Pylog
from harness.brokers.products.rabbitmq import RabbitMQ
from harness.model.result import BrokerColumn, Measure
from harness.plan.bundled import find_workload
from harness.plan.loader import load_workload
from harness.study.ceilings import measure_ceilings, stamp_client_bound
from harness.study.server_defaults import DEFAULTS, changed_settings, server_rows


@pytest.mark.parametrize("product", [Kafka(), Pylog(), RabbitMQ(), ActiveMQ()], ids=lambda one: one.name)
@pytest.mark.parametrize("tier", ["D0", "D1", "D2"])
def test_the_default_of_every_setting_is_known(product, tier):
    assert set(product.server_settings(tier)) <= set(DEFAULTS[product.name])


def column(label, **settings):
    return BrokerColumn(name=label, label=label, settings=settings)


def test_the_ledger_lists_what_is_not_as_shipped():
    kafka = column("kafka:client=kafka-python", **{"broker.session.timeout.ms": "2000", "jvm.heap": "1g", "new": "x"})
    assert changed_settings(kafka) == {
        "broker.session.timeout.ms": "2000 (default 9000)",
        "new": "x (default not known)",
    }
    absent = BrokerColumn(name="activemq", label="activemq", state="not_run", reason="missing")
    rows = {row.setting: row for row in server_rows("w", [kafka, column("rabbitmq"), absent])}
    assert list(rows) == ["server: broker.session.timeout.ms", "server: new"]
    row = rows["server: broker.session.timeout.ms"]
    assert row.values == {
        "kafka:client=kafka-python": "2000 (default 9000)",
        "rabbitmq": "as shipped, or does not apply",
    }
    assert row.differs


def rate(value, metric="throughput_acknowledged", **more):
    return Measure(
        workload="w", broker="b", repeat=0, metric=metric, value=value, unit="msg/s", better="higher", **more
    )  # fmt: skip


def test_a_rate_near_the_publishers_ceiling_is_a_lower_bound():
    near, far, other = rate(170.0), rate(150.0), rate(199.0, metric="throughput_delivered")
    known = rate(199.0, state="invalid", reason="why")
    stamp_client_bound([near, far, other, known], {"w: one publisher": 100.0}, {"w": 2})
    assert (near.state, near.reason) == (
        "lower_bound",
        "client-bound: 85% of what the publishers do against a broker that does nothing",
    )
    assert [one.state for one in (far, other, known)] == ["ok", "ok", "invalid"]
    stamp_client_bound([far], {}, {})
    assert far.state == "ok"


def test_ceilings_of_workloads_that_are_flooded():
    loaded = [load_workload(find_workload(name)).workload for name in ("clickstream_fanout", "password_reset")]
    found = measure_ceilings({one.name: one for one in loaded})
    assert set(found) == {"clickstream_fanout: one publisher", "clickstream_fanout: one consumer"}
    assert min(found.values()) > 100

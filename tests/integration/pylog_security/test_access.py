"""Access rules and quotas with real clients: denied by default, allowed by the file or over the protocol, slowed down when asked."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from harness.pylog_broker.protocol.generated.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntity,
    AlterClientQuotasRequestEntry,
    AlterClientQuotasRequestOp,
)
from harness.pylog_broker.protocol.generated.describe_client_quotas import DescribeClientQuotasRequest
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.wire import Wire

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python reads its schemas by an old function
    from kafka.admin import (
        ACLFilter,
        ACLOperation,
        ACLPermissionType,
        ACLResourcePatternType,
        KafkaAdminClient,
        ResourcePatternFilter,
    )
    from kafka.admin import ResourceType as KafkaPythonResourceType
    from kafka.errors import ClusterAuthorizationFailedError

ANY_TOPIC = ResourcePatternFilter(KafkaPythonResourceType.TOPIC, "*", ACLResourcePatternType.ANY)
pytestmark = pytest.mark.broker("pylog")
RULES = """
allow User:alice READ,WRITE topic orders
allow User:alice READ group alice-*
allow User:alice WRITE transactional-id alice-*
allow User:bob DESCRIBE topic *
"""
MIB = 1 << 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder: Path = tmp_path_factory.mktemp("pylog")
    users, rules = folder / "users", folder / "rules"
    users.write_text("admin = a\nalice = b\nbob = c\n")
    users.chmod(0o600)
    rules.write_text(RULES)
    with BrokerProcess(
        folder / "data",
        "listeners=SASL_PLAINTEXT://127.0.0.1:0",
        f"sasl.users.file={users}",
        f"acl.file={rules}",
        "super.users=User:admin",
        "group.initial.rebalance.delay.ms=0",
        "log.retention.check.interval.ms=100",
    ) as process:
        admin = AdminClient(settings(process, "admin", "a"))
        (created,) = admin.create_topics([NewTopic("orders", 1)]).values()
        created.result(10)
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def settings(broker: BrokerProcess, user: str, password: str, mechanism: str = "PLAIN") -> dict[str, Any]:
    return {
        "bootstrap.servers": broker.address,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
        "log_level": 0,
    }


def kafka_python_admin(broker: BrokerProcess, user: str, password: str) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=broker.address,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=user,
        sasl_plain_password=password,
    )


def produce(configuration: dict[str, Any], topic: str, value: bytes = b"x") -> KafkaError | None:
    """The error of one record's delivery, if any."""
    outcome: list[KafkaError | None] = []
    producer = Producer({**configuration, "message.timeout.ms": 5000})
    producer.produce(topic, value, on_delivery=lambda error, _: outcome.append(error))
    producer.flush(10)
    return outcome[0]


def read_one(configuration: dict[str, Any], topic: str, group: str) -> bytes | KafkaError:
    consumer = Consumer({**configuration, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None:
                return message.error() or message.value()
    except KafkaException as error:
        return error.args[0]
    finally:
        consumer.close()
    raise AssertionError("nothing came")


def code(outcome: object) -> object:
    return outcome.code() if isinstance(outcome, KafkaError) else outcome


def test_what_rules_allow_works_and_nothing_else(broker: BrokerProcess) -> None:
    alice, bob = settings(broker, "alice", "b"), settings(broker, "bob", "c")
    assert produce(alice, "orders") is None
    assert produce({**alice, "enable.idempotence": True}, "orders") is None
    assert read_one(alice, "orders", "alice-1") == b"x"
    assert code(produce(bob, "orders")) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert code(read_one(bob, "orders", "bob-1")) == KafkaError.GROUP_AUTHORIZATION_FAILED
    assert code(read_one(alice, "orders", "other")) == KafkaError.GROUP_AUTHORIZATION_FAILED
    assert code(produce(alice, "secrets")) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    admin = AdminClient(alice)
    assert set(admin.list_topics(timeout=5).topics) == {"orders"}
    (refused,) = admin.create_topics([NewTopic("mine", 1)]).values()
    with pytest.raises(KafkaException) as failure:
        refused.result(5)
    assert failure.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_transactional_id_is_a_resource(broker: BrokerProcess) -> None:
    alice = settings(broker, "alice", "b")
    allowed = Producer({**alice, "transactional.id": "alice-1"})
    allowed.init_transactions(10)
    allowed.begin_transaction()
    allowed.produce("orders", b"y")
    allowed.commit_transaction(10)
    with pytest.raises(KafkaException) as failure:
        Producer({**alice, "transactional.id": "bob-1"}).init_transactions(10)
    assert failure.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


def test_rules_over_the_protocol(broker: BrokerProcess) -> None:
    admin, bob = AdminClient(settings(broker, "admin", "a")), settings(broker, "bob", "c")
    rule = AclBinding(
        ResourceType.TOPIC,
        "orders",
        ResourcePatternType.LITERAL,
        "User:bob",
        "*",
        AclOperation.WRITE,
        AclPermissionType.ALLOW,
    )
    for _ in range(2):  # the second time changes nothing
        (made,) = admin.create_acls([rule]).values()
        made.result(10)
    assert produce(bob, "orders") is None
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    shown = admin.describe_acls(everything).result(10)
    assert len(shown) == 6
    assert rule in shown
    mine = AclBindingFilter(
        ResourceType.TOPIC,
        "orders",
        ResourcePatternType.MATCH,
        "User:bob",
        None,
        AclOperation.WRITE,
        AclPermissionType.ANY,
    )
    (gone,) = admin.delete_acls([mine]).values()
    assert gone.result(10) == [rule]
    assert code(produce(bob, "orders")) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    stranger = kafka_python_admin(broker, "bob", "c")
    with pytest.raises(ClusterAuthorizationFailedError):
        stranger.describe_acls(ACLFilter("User:bob", "*", ACLOperation.ANY, ACLPermissionType.ANY, ANY_TOPIC))
    stranger.close()


def test_the_file_of_rules_is_read_again_when_it_changes(broker: BrokerProcess) -> None:
    rules, bob = broker.data_dir.with_name("rules"), settings(broker, "bob", "c")
    rules.write_text(RULES + "allow User:bob WRITE topic orders\n")
    deadline = time.monotonic() + 10
    while produce(bob, "orders") is not None:
        assert time.monotonic() < deadline
    rules.write_text(RULES + "allow bob\n")
    while "the rules in force stay" not in broker.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert produce(bob, "orders") is None
    rules.write_text(RULES)


def test_scram_credentials_over_the_protocol_outlive_the_broker(broker: BrokerProcess) -> None:
    admin = AdminClient(settings(broker, "admin", "a"))
    information = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    (done,) = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion("alice", information, b"new secret")]
    ).values()
    done.result(10)
    described = admin.describe_user_scram_credentials(["alice"])["alice"].result(10)
    assert [row.iterations for row in described.scram_credential_infos] == [4096]
    everyone = admin.describe_user_scram_credentials().result(10)
    assert {user: [row.iterations for row in found.scram_credential_infos] for user, found in everyone.items()} == {
        "alice": [4096]
    }
    broker.kill()
    broker.start()
    assert produce(settings(broker, "alice", "new secret", "SCRAM-SHA-256"), "orders") is None
    wrong = produce(settings(broker, "alice", "b", "SCRAM-SHA-256"), "orders")
    assert wrong is not None
    admin = AdminClient(settings(broker, "admin", "a"))
    (removed,) = admin.alter_user_scram_credentials(
        [UserScramCredentialDeletion("alice", ScramMechanism.SCRAM_SHA_256)]
    ).values()
    removed.result(10)
    assert produce(settings(broker, "alice", "b", "SCRAM-SHA-256"), "orders") is None


def test_a_client_above_its_quota_is_slowed_down_and_told_so(tmp_path: Path) -> None:
    bounds = [
        AlterClientQuotasRequestOp("producer_byte_rate", float(MIB)),
        AlterClientQuotasRequestOp("consumer_byte_rate", float(MIB)),
    ]
    entry = AlterClientQuotasRequestEntry([AlterClientQuotasRequestEntity("client-id", "greedy")], bounds)
    with BrokerProcess(tmp_path / "data", "quota.window.num=2", "group.initial.rebalance.delay.ms=0") as broker:
        with Wire(broker.port) as wire:
            (row,) = wire.call(AlterClientQuotasRequest([entry], False), 1).entries
            (bound,) = wire.call(DescribeClientQuotasRequest([], False), 1).entries
        assert row.error_code == 0
        told: list[int] = []
        settings = {
            "bootstrap.servers": broker.address,
            "client.id": "greedy",
            "throttle_cb": lambda event: told.append(round(1000 * event.throttle_time)),
        }
        producer = Producer({**settings, "linger.ms": 5})
        started = time.monotonic()
        for _ in range(40):
            producer.produce("orders", b"x" * (100 << 10))
        assert producer.flush(30) == 0
        taken_s = time.monotonic() - started
        producer.poll(0)
        assert max(told) > 500, told
        assert taken_s > 1  # 4 MiB at 1 MiB/s, where two windows of a second may be used at once
        assert {value.key: value.value for value in bound.values} == {
            "producer_byte_rate": MIB,
            "consumer_byte_rate": MIB,
        }
        others = Producer({**settings, "client.id": "modest"})
        told.clear()
        others.produce("orders", b"x" * (900 << 10))
        assert others.flush(10) == 0
        assert told == []
        told.clear()
        consumer = Consumer({**settings, "group.id": "g", "auto.offset.reset": "earliest"})
        consumer.subscribe(["orders"])
        read = 0
        while read < 41:
            read += len(consumer.consume(10, 10))
        consumer.poll(0)
        consumer.close()
        assert max(told) > 100, told
        assert broker.stop() == 0

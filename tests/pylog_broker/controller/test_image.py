"""Records, the image they add up to, and the core that says what of them counts."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.pylog_broker.controller import quorum
from harness.pylog_broker.controller.decisions import config_records, topic_records
from harness.pylog_broker.controller.image import EMPTY_IMAGE, MetadataImage, apply, apply_all, snapshot_records
from harness.pylog_broker.controller.records import (
    TYPES,
    AclRecord,
    ClientQuotaRecord,
    ConfigRecord,
    FeatureLevelRecord,
    PartitionChangeRecord,
    PartitionRecord,
    ProducerIdsRecord,
    Record,
    RegisterBrokerRecord,
    RemoveAclRecord,
    RemoveScramCredentialRecord,
    RemoveTopicRecord,
    ScramCredentialRecord,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    TopicRecord,
    UnregisterBrokerRecord,
    decode_record,
    encode_record,
)
from harness.pylog_broker.storage.errors import CorruptLog, UnsupportedFormat

TOPIC, OTHER, ACL = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)

SAMPLES: list[Record] = [
    TopicRecord(TOPIC, "örders", False),
    PartitionRecord(TOPIC, 0, (1, 2), (1,), 1, 0, 0),
    PartitionChangeRecord(TOPIC, 0, None, (1, 2), 2),
    ConfigRecord(2, "örders", "retention.ms", "1"),
    ConfigRecord(4, "", "log.cleaner.backoff.ms", None),
    RegisterBrokerRecord(1, uuid.UUID(int=9), 7, "localhost", 9092, False),
    UnregisterBrokerRecord(1),
    ProducerIdsRecord(1, 1000),
    FeatureLevelRecord("metadata.version", 30),
    ScramCredentialRecord("alice", 1, "00", "11", "22", 4096),
    RemoveScramCredentialRecord("alice", 1),
    AclRecord(ACL, 2, "örders", 3, "User:alice", "*", 3, 3),
    RemoveAclRecord(ACL),
    ClientQuotaRecord((("client-id", None), ("user", "alice")), "producer_byte_rate", 1.5),
    ClientQuotaRecord((("client-id", None), ("user", "alice")), "producer_byte_rate", None),
    RemoveTopicRecord(TOPIC),
    SnapshotHeaderRecord(0),
    SnapshotFooterRecord(3),
]


def test_each_type_survives_its_bytes_and_its_application() -> None:
    assert {type(record) for record in SAMPLES} == set(TYPES.values())
    image = EMPTY_IMAGE
    for record in SAMPLES:
        assert decode_record(encode_record(record)) == record
        image = apply(image, record)
    assert image == apply_all(EMPTY_IMAGE, SAMPLES)
    assert not any((image.topics, image.configs, image.acls, image.scram, image.quotas))


def test_epochs_live_in_the_image() -> None:
    image = apply_all(EMPTY_IMAGE, SAMPLES[:2])
    shrunk = apply(image, PartitionChangeRecord(TOPIC, 0, isr=(2,)))
    led = apply(shrunk, PartitionChangeRecord(TOPIC, 0, leader=2))
    rows = [one.topics["örders"].partitions[0] for one in (image, shrunk, led)]
    assert [(row.leader, row.leader_epoch, row.partition_epoch, row.isr) for row in rows] == [
        (1, 0, 0, (1,)),
        (1, 0, 1, (2,)),
        (2, 1, 2, (2,)),
    ]


def test_an_image_never_changes_and_shares_what_did_not() -> None:
    before = apply_all(EMPTY_IMAGE, SAMPLES[:6])
    kept = (dict(before.topics), dict(before.configs), before.brokers)
    after = apply_all(before, [*topic_records(OTHER, "b", 3, (1,), {"retention.ms": "2"}, internal=False)])
    assert (dict(before.topics), dict(before.configs), before.brokers) == kept
    assert after.brokers is before.brokers
    assert len(after.topics["b"].partitions) == 3
    with pytest.raises(TypeError):
        after.topics["c"] = after.topics["b"]  # type: ignore[index]


@pytest.mark.parametrize(
    "record",
    [
        PartitionRecord(OTHER, 0, (1,), (1,), 1, 0, 0),
        PartitionRecord(TOPIC, 2, (1,), (1,), 1, 0, 0),
        PartitionChangeRecord(TOPIC, 5),
        RemoveTopicRecord(OTHER),
        UnregisterBrokerRecord(5),
    ],
)
def test_a_record_that_contradicts_the_image_is_refused(record: Record) -> None:
    with pytest.raises(CorruptLog):
        apply(apply_all(EMPTY_IMAGE, SAMPLES[:2]), record)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"type":"Topic"}', b'{"type":"Topic","version":0}', b"\xff"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptLog):
        decode_record(data)


def test_records_of_a_newer_broker_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedFormat, match="type Tomorrow"):
        decode_record(b'{"type":"Tomorrow","version":0}')
    with pytest.raises(UnsupportedFormat, match="version 1"):
        decode_record(b'{"type":"RemoveTopic","version":1}')


names = st.sampled_from(["a", "b", "c"])
values = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]))
changes = st.lists(
    st.one_of(
        st.tuples(st.just("create"), names, st.integers(1, 3), values),
        st.tuples(st.just("delete"), names, st.just(0), st.just({})),
        st.tuples(st.just("config"), names, st.just(0), values),
        st.tuples(st.just("ids"), names, st.integers(1, 9), st.just({})),
    ),
    max_size=12,
)


def _after(steps: list[tuple[str, str, int, dict[str, str]]]) -> MetadataImage:
    image = EMPTY_IMAGE
    for number, (kind, name, count, config) in enumerate(steps):
        if kind == "create" and name not in image.topics:
            image = apply_all(image, topic_records(uuid.UUID(int=number), name, count, (1,), config, internal=False))
        elif kind == "delete" and name in image.topics:
            image = apply(image, RemoveTopicRecord(image.topics[name].topic_id))
        elif kind == "config" and name in image.topics:
            image = apply_all(image, config_records(2, name, image.config(2, name), config))
            assert image.config(2, name) == config
        elif kind == "ids":
            image = apply(image, ProducerIdsRecord(1, image.next_producer_id + count))
    return image


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(changes)
def test_a_snapshot_builds_the_same_image(steps: list[tuple[str, str, int, dict[str, str]]]) -> None:
    image = _after(steps)
    rebuilt = apply_all(EMPTY_IMAGE, (decode_record(encode_record(row)) for row in snapshot_records(image)))
    assert rebuilt == image
    assert {topic.topic_id: name for name, topic in image.topics.items()} == image.names
    assert all(kind != 2 or name in image.topics for kind, name in image.configs), "settings go with their topic"


def test_a_quorum_of_one_leads_in_a_new_epoch_and_commits_what_it_persists() -> None:
    state = quorum.recovered(1, quorum.HardState(4, 1), end_offset=10, last_epoch=4)
    with pytest.raises(quorum.NotLeader):
        quorum.step(state, quorum.Propose((b"x",)))
    state, output = quorum.step(state, quorum.Elect())
    assert output == quorum.Output(persist_state=quorum.HardState(5, 1))
    after, output = quorum.step(state, quorum.Propose((b"x", b"y")))
    entry = quorum.Entry(10, 5, (b"x", b"y"))
    assert (output.persist, output.apply, output.send) == ((entry,), (entry,), ())
    assert (after.end_offset, after.high_watermark) == (12, 12)
    assert state.end_offset == 10, "the former state still stands, for the case that persisting fails"

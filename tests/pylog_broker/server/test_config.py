from __future__ import annotations

import pytest

from harness.pylog_broker.config import BrokerConfig, ConfigError, build_config, known_names, parse_assignments
from harness.pylog_broker.security.settings import TABLE as SECURITY_TABLE
from harness.pylog_broker.security.settings import any_text


def test_defaults() -> None:
    config = build_config({})
    assert config == BrokerConfig()
    assert config.topic.retention_ms == 7 * 24 * 3_600_000


def test_kafkas_names() -> None:
    given = parse_assignments(
        [
            "num.partitions=3",
            "auto.create.topics.enable=FALSE",
            "log.retention.hours=2",
            "log.segment.bytes=2000000",
            "message.max.bytes=5000",
            "log.flush.interval.messages=1",
            "log.message.timestamp.type=LogAppendTime",
            "group.initial.rebalance.delay.ms=0",
        ]
    )
    config = build_config(given)
    assert config.num_partitions == 3
    assert config.auto_create_topics_enable is False
    assert config.topic.retention_ms == 7_200_000
    assert config.topic.segment_bytes == 2_000_000
    assert config.topic.max_message_bytes == 5000
    assert config.topic.flush_messages == 1
    assert config.topic.log_append_time
    assert config.groups.initial_rebalance_delay_ms == 0


@pytest.mark.parametrize("order", [1, -1])
def test_the_finer_unit_wins(order: int) -> None:
    names = {"log.retention.hours": "1", "log.retention.ms": "5", "log.retention.minutes": "1"}
    assert build_config(dict(list(names.items())[::order])).topic.retention_ms == 5


def test_no_limit_stays_no_limit() -> None:
    assert build_config({"log.retention.hours": "-1"}).topic.retention_ms == -1


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("num.partition=3", r"did you mean --set num\.partitions=\.\.\.\?"),
        ("log.retention.m=3", r"log\.retention\.ms"),
        ("num.partitions", "name=value"),
        ("num.partitions=many", "whole number"),
        ("num.partitions=0", r"in 1 \.\. 10000"),
        ("auto.create.topics.enable=maybe", "'true' or 'false'"),
        ("log.retention.hours=x", "whole number"),
        ("log.message.timestamp.type=Never", "CreateTime"),
        ("group.min.session.timeout.ms=x", "whole number"),
        ("group.min.session.timeout.ms=99999999", r"group\.max\.session\.timeout\.ms"),
        ("log.segment.bytes=-5", "must be in"),
    ],
)
def test_mistakes(assignment: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        build_config(parse_assignments([assignment]))


def test_every_known_name_is_taken() -> None:
    takes_any_text = {"log.dirs", *(row.name for row in SECURITY_TABLE if row.parse is any_text)} - {"listeners"}
    assert build_config(dict.fromkeys(takes_any_text, ""))
    for name in set(known_names()) - takes_any_text:
        with pytest.raises(ConfigError):
            build_config({name: "certainly not a value of it"})

"""Settings by Kafka's names, and the tables of states."""

from __future__ import annotations

import pytest

from harness.pylog_broker.groups.assignors import ASSIGNORS
from harness.pylog_broker.groups.settings import ASSIGNOR_NAMES, GroupSettings
from harness.pylog_broker.groups.states import MEANINGS, TRANSITIONS, GroupState, transition_table_markdown


def test_settings_are_read_by_their_names() -> None:
    chosen = GroupSettings.from_names({"group.initial.rebalance.delay.ms": "0", "log.retention.ms": "5"})
    assert chosen.initial_rebalance_delay_ms == 0
    assert chosen.session_timeout_ms_min == GroupSettings().session_timeout_ms_min


def test_settings_know_the_assignors() -> None:
    assert set(ASSIGNORS) == set(ASSIGNOR_NAMES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("group.max.size", "0"),
        ("group.max.size", "many"),
        ("offsets.topic.num.partitions", "51"),
        ("offset.metadata.max.bytes", "40000"),
        ("group.min.session.timeout.ms", "9000000"),
    ],
)
def test_a_senseless_setting_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        GroupSettings.from_names({name: value})


def test_every_state_has_a_meaning_and_a_way_in() -> None:
    assert set(MEANINGS) == set(GroupState)
    assert {move.target for move in TRANSITIONS} == set(GroupState)
    assert len(transition_table_markdown().splitlines()) == len(TRANSITIONS) + 2

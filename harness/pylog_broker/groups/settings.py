"""Bounds and timeouts of the group coordinator, under Apache Kafka's names where Kafka has the setting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

ASSIGNOR_NAMES = ("uniform", "range")
"""Those of `assignors`, which a broker without consumer groups does without."""

KAFKA_NAMES: dict[str, str] = {
    "group.min.session.timeout.ms": "session_timeout_ms_min",
    "group.max.session.timeout.ms": "session_timeout_ms_max",
    "group.initial.rebalance.delay.ms": "initial_rebalance_delay_ms",
    "group.max.size": "members_max",
    "group.consumer.assignors": "consumer_assignors",
    "group.consumer.migration.policy": "consumer_migration_policy",
    "group.consumer.session.timeout.ms": "consumer_session_timeout_ms",
    "group.consumer.min.session.timeout.ms": "consumer_session_timeout_ms_min",
    "group.consumer.max.session.timeout.ms": "consumer_session_timeout_ms_max",
    "group.consumer.heartbeat.interval.ms": "consumer_heartbeat_interval_ms",
    "group.consumer.min.heartbeat.interval.ms": "consumer_heartbeat_interval_ms_min",
    "group.consumer.max.heartbeat.interval.ms": "consumer_heartbeat_interval_ms_max",
    "group.consumer.max.size": "consumer_members_max",
    "group.share.session.timeout.ms": "share_session_timeout_ms",
    "group.share.min.session.timeout.ms": "share_session_timeout_ms_min",
    "group.share.max.session.timeout.ms": "share_session_timeout_ms_max",
    "group.share.heartbeat.interval.ms": "share_heartbeat_interval_ms",
    "group.share.min.heartbeat.interval.ms": "share_heartbeat_interval_ms_min",
    "group.share.max.heartbeat.interval.ms": "share_heartbeat_interval_ms_max",
    "group.share.record.lock.duration.ms": "share_record_lock_duration_ms",
    "group.share.min.record.lock.duration.ms": "share_record_lock_duration_ms_min",
    "group.share.max.record.lock.duration.ms": "share_record_lock_duration_ms_max",
    "group.share.delivery.count.limit": "share_delivery_count_limit",
    "group.share.min.delivery.count.limit": "share_delivery_count_limit_min",
    "group.share.max.delivery.count.limit": "share_delivery_count_limit_max",
    "group.share.partition.max.record.locks": "share_record_locks",
    "group.share.min.partition.max.record.locks": "share_record_locks_min",
    "group.share.max.partition.max.record.locks": "share_record_locks_max",
    "group.share.max.share.sessions": "share_sessions_max",
    "group.share.max.size": "share_members_max",
    "group.share.partitions.max.count": "share_partitions_max",
    "share.coordinator.state.topic.num.partitions": "share_state_partitions",
    "share.coordinator.state.topic.compaction.min.bytes": "share_compaction_bytes_min",
    "group.max.count": "groups_max",
    "group.members.max.bytes": "member_bytes_total_max",
    "offset.metadata.max.bytes": "offset_metadata_bytes_max",
    "offsets.topic.num.partitions": "offsets_partitions",
    "offsets.topic.compaction.min.bytes": "compaction_bytes_min",
    "offsets.retention.minutes": "offsets_retention_minutes",
    "offsets.retention.check.interval.ms": "offsets_retention_check_interval_ms",
    "offsets.max.count": "offsets_max",
    "offsets.metadata.total.max.bytes": "offset_metadata_bytes_total_max",
}
"""Setting name -> field. The names with `max.count` or `max.bytes` are this broker's own bounds."""


TEXTS = frozenset({"consumer_assignors", "consumer_migration_policy"})
"""Fields that are no whole numbers."""

MIGRATIONS: dict[str, tuple[bool, bool]] = {
    "bidirectional": (True, True),
    "upgrade": (True, False),
    "downgrade": (False, True),
    "disabled": (False, False),
}
"""Migration policy -> whether groups with members go from the classic protocol to the consumer protocol, and back."""

GROUP_CONFIG = {
    "share.session.timeout.ms": "share_session_timeout_ms",
    "share.heartbeat.interval.ms": "share_heartbeat_interval_ms",
    "share.record.lock.duration.ms": "share_record_lock_duration_ms",
    "share.delivery.count.limit": "share_delivery_count_limit",
    "share.partition.max.record.locks": "share_record_locks",
    "consumer.session.timeout.ms": "consumer_session_timeout_ms",
    "consumer.heartbeat.interval.ms": "consumer_heartbeat_interval_ms",
}
"""Numbers that groups can have of their own (KIP-848, KIP-932); the broker's `group.` of the same name is the default."""

SHARE_OFFSET_RESET, SHARE_ISOLATION, SHARE_RENEW = (
    "share.auto.offset.reset",
    "share.isolation.level",
    "share.renew.acknowledge.enable",
)
"""What share groups can have of their own beside."""

_DURATION = r"by_duration:P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{0,9})?)S)?)?"
"""Compiled when it is first needed: a cold start does without it."""


class GroupSettings(NamedTuple):
    """Settings of the coordinator; times in the unit of the field's name.

    Kafka's defaults, but for: `members_max` (Kafka: unbounded), `offsets_partitions` (Kafka: 50), and the bounds
    that Kafka leaves to its heap. Six partitions spread the groups evenly over one, two, three or six brokers, and
    an unused partition costs a folder and an open segment; fifty of them would dominate the start of a small broker.
    """

    session_timeout_ms_min: int = 6_000
    session_timeout_ms_max: int = 1_800_000
    initial_rebalance_delay_ms: int = 3_000
    members_max: int = 1_000
    groups_max: int = 10_000
    member_bytes_total_max: int = 256 * 1024 * 1024
    offset_metadata_bytes_max: int = 4_096
    offsets_partitions: int = 6
    compaction_bytes_min: int = 1024 * 1024
    offsets_retention_minutes: int = 10_080
    offsets_retention_check_interval_ms: int = 600_000
    offsets_max: int = 500_000
    offset_metadata_bytes_total_max: int = 64 * 1024 * 1024
    new_member_join_timeout_ms: int = 300_000
    consumer_assignors: str = "uniform,range"
    consumer_migration_policy: str = "bidirectional"
    consumer_session_timeout_ms: int = 45_000
    consumer_session_timeout_ms_min: int = 45_000
    consumer_session_timeout_ms_max: int = 60_000
    consumer_heartbeat_interval_ms: int = 5_000
    consumer_heartbeat_interval_ms_min: int = 5_000
    consumer_heartbeat_interval_ms_max: int = 15_000
    consumer_members_max: int = 1_000
    share_session_timeout_ms: int = 45_000
    share_session_timeout_ms_min: int = 45_000
    share_session_timeout_ms_max: int = 60_000
    share_heartbeat_interval_ms: int = 5_000
    share_heartbeat_interval_ms_min: int = 5_000
    share_heartbeat_interval_ms_max: int = 15_000
    share_record_lock_duration_ms: int = 30_000
    share_record_lock_duration_ms_min: int = 15_000
    share_record_lock_duration_ms_max: int = 60_000
    share_delivery_count_limit: int = 5
    share_delivery_count_limit_min: int = 2
    share_delivery_count_limit_max: int = 10
    share_record_locks: int = 2_000
    share_record_locks_min: int = 100
    share_record_locks_max: int = 10_000
    share_sessions_max: int = 2_000
    share_members_max: int = 200
    share_partitions_max: int = 100_000
    share_state_partitions: int = 6
    share_compaction_bytes_min: int = 1024 * 1024

    def check(self) -> None:
        """Raise ValueError, naming the setting, where a value makes no sense."""
        names = {attribute: name for name, attribute in KAFKA_NAMES.items()}
        for field, value in self._asdict().items():
            if field in TEXTS:
                continue
            least = 0 if field == "initial_rebalance_delay_ms" else 1
            if value < least:
                raise ValueError(f"{names.get(field, field)} must be at least {least}, not {value}")
        if self.session_timeout_ms_min > self.session_timeout_ms_max:
            raise ValueError("group.min.session.timeout.ms is greater than group.max.session.timeout.ms")
        self._check_consumer_groups()
        if self.offset_metadata_bytes_max > 32_767:
            raise ValueError("offset.metadata.max.bytes must be at most 32767, what a record's string can carry")
        if self.offsets_partitions > 50:
            raise ValueError("offsets.topic.num.partitions must be at most 50")

    def _check_consumer_groups(self) -> None:
        for name, field in GROUP_CONFIG.items():
            value, least, most = (getattr(self, field + suffix) for suffix in ("", "_min", "_max"))
            if not least <= value <= most:
                raise ValueError(f"group.{name} must be in {least} .. {most}, not {value}")
        for kind in ("consumer", "share"):
            if getattr(self, f"{kind}_heartbeat_interval_ms") >= getattr(self, f"{kind}_session_timeout_ms"):
                raise ValueError(
                    f"group.{kind}.heartbeat.interval.ms must be less than group.{kind}.session.timeout.ms"
                )
        if self.share_state_partitions > 50:
            raise ValueError("share.coordinator.state.topic.num.partitions must be at most 50")
        unknown = [name for name in self.consumer_assignor_names if name not in ASSIGNOR_NAMES]
        if unknown or not self.consumer_assignor_names:
            raise ValueError(f"group.consumer.assignors must name some of {', '.join(ASSIGNOR_NAMES)}")
        if self.consumer_migration_policy.lower() not in MIGRATIONS:
            raise ValueError(f"group.consumer.migration.policy must be one of {', '.join(MIGRATIONS)}")

    @property
    def may_upgrade(self) -> bool:
        """Whether a classic group with members becomes one of the consumer protocol when such a member joins."""
        return MIGRATIONS[self.consumer_migration_policy.lower()][0]

    @property
    def may_downgrade(self) -> bool:
        """Whether a group becomes classic again when the last member of the consumer protocol has gone."""
        return MIGRATIONS[self.consumer_migration_policy.lower()][1]

    @property
    def consumer_assignor_names(self) -> tuple[str, ...]:
        """The server-side assignors, the default first."""
        return tuple(name.strip() for name in self.consumer_assignors.split(",") if name.strip())

    def check_group_config(self, own: Mapping[str, str]) -> None:
        """Raise ValueError unless a group may have these settings of its own: within the broker's bounds, and sensible together."""
        for name, field in GROUP_CONFIG.items():
            if name in own:
                least, most = (getattr(self, field + suffix) for suffix in ("_min", "_max"))
                if not least <= int(own[name]) <= most:
                    raise ValueError(f"{name} must be in {least} .. {most}, as group.{name} is bound, not {own[name]}")
        for kind in ("consumer", "share"):
            heartbeat, session = f"{kind}.heartbeat.interval.ms", f"{kind}.session.timeout.ms"
            if self.of_group(heartbeat, own) >= self.of_group(session, own):
                raise ValueError(f"{heartbeat} must be less than {session}")
        reset = own.get(SHARE_OFFSET_RESET, "latest")
        if reset not in ("latest", "earliest") and duration_ms(reset) is None:
            raise ValueError(f"{SHARE_OFFSET_RESET} must be latest, earliest or by_duration:PnDTnHnMn.nS, not {reset}")
        if own.get(SHARE_ISOLATION, "read_committed") not in ("read_committed", "read_uncommitted"):
            raise ValueError(f"{SHARE_ISOLATION} must be read_committed or read_uncommitted")
        if own.get(SHARE_RENEW, "true").lower() not in ("true", "false"):
            raise ValueError(f"{SHARE_RENEW} must be true or false")

    def of_group(self, name: str, own: Mapping[str, str]) -> int:
        """One of `GROUP_CONFIG` for a group with these settings of its own; bounds that were set later count."""
        field = GROUP_CONFIG[name]
        value = int(own.get(name, getattr(self, field)))
        return int(min(max(value, getattr(self, field + "_min")), getattr(self, field + "_max")))

    def group_session_timeout_ms(self, own: Mapping[str, str]) -> int:
        """The session timeout of a consumer-protocol group with these settings of its own."""
        return self.of_group("consumer.session.timeout.ms", own)

    def group_heartbeat_interval_ms(self, own: Mapping[str, str]) -> int:
        """How often members of such a group are told to report."""
        return self.of_group("consumer.heartbeat.interval.ms", own)

    @classmethod
    def from_names(cls, values: Mapping[str, str]) -> GroupSettings:
        """Build from Kafka's setting names; names that are not the coordinator's are left alone.

        Raises ValueError for a value that is not a whole number or is out of bounds.
        """
        chosen: dict[str, Any] = {}
        for name, attribute in KAFKA_NAMES.items():
            if name not in values:
                continue
            if attribute in TEXTS:
                chosen[attribute] = values[name]
                continue
            try:
                chosen[attribute] = int(values[name])
            except ValueError:
                raise ValueError(f"{name} must be a whole number, not {values[name]!r}") from None
        settings = cls(**chosen)
        settings.check()
        return settings


def duration_ms(reset: str) -> int | None:
    """The time in ms that `by_duration:` with an ISO 8601 duration says; None for anything else."""
    match = re.fullmatch(_DURATION, reset, re.IGNORECASE)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return int((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)

"""The broker: the one owner of catalog, groups, timers and parked requests, without sockets.

Handlers reach everything through it; the server drives it (`timers`, `run_ready`) and gives it bytes through
`dispatch.Dispatcher`. It is laid out as a cluster of one: the node has an id and an advertised address, a partition
has a leader epoch and a high watermark.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

from harness.pylog_broker.config import MIN_INSYNC_REPLICAS, BrokerConfig, ConfigError, with_dynamic
from harness.pylog_broker.controller.image import BROKER_RESOURCE, MetadataImage
from harness.pylog_broker.group_commit import GroupCommit
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.security.service import Security
from harness.pylog_broker.storage.catalog import Catalog, Topic
from harness.pylog_broker.storage.compaction.cleaner import CleanerSettings
from harness.pylog_broker.storage.topic import CONSUMER_OFFSETS, SHARE_STATE, TRANSACTION_STATE
from harness.pylog_broker.timers import Timers
from harness.pylog_broker.waiters import Waiters

if TYPE_CHECKING:
    from harness.pylog_broker.groups.service import GroupService
    from harness.pylog_broker.handlers.api import Api
    from harness.pylog_broker.share.service import ShareService
    from harness.pylog_broker.storage.control import Marker
    from harness.pylog_broker.storage.log import PartitionLog
    from harness.pylog_broker.transactions.service import TransactionService

logger = logging.getLogger(__name__)

NO_EPOCH = -1
METADATA_CACHE_ENTRIES_MAX = 256
METADATA_CACHE_KEY_BYTES_MAX = 4096
LOOKUP_ENTRIES_MAX = 20_000
UPKEEP_S = 1.0  # between two rounds of upkeep, at most
CLEANER_STEP_S = 0.02  # between two looks at a compaction that is under way


def leader_epoch_error(epoch: int, current: int) -> int:
    """The error for a client that believes in this leader epoch (KIP-320); 0 for the right one and for -1, none."""
    if epoch in (NO_EPOCH, current):
        return 0
    return ErrorCode.FENCED_LEADER_EPOCH if epoch < current else ErrorCode.UNKNOWN_LEADER_EPOCH


class Endpoint(NamedTuple):
    """Where clients reach this broker: what Metadata tells them."""

    host: str
    port: int


class Broker:
    """One running broker on one data folder."""

    def __init__(
        self,
        config: BrokerConfig,
        catalog: Catalog,
        endpoint: Endpoint,
        apis: Mapping[int, Api],
        *,
        security: Security | None = None,
        wall_clock_s: Callable[[], float] = time.time,
        monotonic_clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start_config = config
        self.config = config
        """What is in force: the settings given at start, with the dynamic ones over them."""
        self.catalog = catalog
        self._configs = catalog.image.configs
        self._apply_dynamic_config()
        catalog.image_followers.append(self._follow_configs)
        catalog.controller.register_broker(endpoint.host, endpoint.port)
        self.endpoint = endpoint
        """Where clients of the first listener reach this broker."""
        self.security = security or Security(config.security)
        self.security.follow(catalog.image)
        catalog.image_followers.append(self.security.follow)
        self.apis = apis
        self.node_id = config.node_id
        self._wall_clock_s = wall_clock_s
        self._monotonic_clock_s = monotonic_clock_s
        self.timers = Timers()
        self.waiters = Waiters(self.timers)
        self.commits = GroupCommit(self.waiters.appended)
        self._groups: GroupService | None = None
        self._transactions: TransactionService | None = None
        self._share: ShareService | None = None
        catalog.producer_id_expiration_ms = config.transactions.producer_id_expiration_ms
        self._cleaner_is_watched = False
        self.api_versions_cache: dict[int, bytes] = {}
        self.metadata_cache: dict[tuple[int, str, bytes], bytes] = {}
        self._image_version = catalog.image_version
        self._topics_by_wire_name: dict[bytes, Topic] = {}
        self._restore_coordinators()

    # --- coordinators ----------------------------------------------------------------------------------------------

    @property
    def groups(self) -> GroupService:
        """The coordinator of groups; loaded when it is first asked for."""
        if self._groups is None:
            from harness.pylog_broker.groups.service import GroupService

            self._groups = GroupService(
                self.catalog,
                self.config.groups,
                timers=self.timers,
                monotonic_s=self.now_s,
                wall_ms=self.now_ms,
                new_uuid=uuid4,
                on_append=self.waiters.appended,
            )
        return self._groups

    @property
    def transactions(self) -> TransactionService:
        """The coordinator of transactions; loaded when it is first asked for."""
        if self._transactions is None:
            from harness.pylog_broker.transactions.service import TransactionService

            self._transactions = TransactionService(
                self.catalog,
                self.config.transactions,
                timers=self.timers,
                monotonic_s=self.now_s,
                wall_ms=self.now_ms,
                on_append=self.waiters.appended,
                on_end=self._transaction_ended,
            )
        return self._transactions

    @property
    def share(self) -> ShareService:
        """The deliveries of share groups; loaded when it is first asked for."""
        if self._share is None:
            from harness.pylog_broker.share.service import ShareService

            self._share = ShareService(
                self.catalog,
                self.config.groups,
                self.groups.coordinator,
                timers=self.timers,
                waiters=self.waiters,
                monotonic_s=self.now_s,
                wall_ms=self.now_ms,
            )
        return self._share

    def _restore_coordinators(self) -> None:
        """Load at start those that have something to take up again; for the others no client has to wait."""
        topics = self.catalog.topics
        if CONSUMER_OFFSETS in topics:
            self.groups  # noqa: B018
        if SHARE_STATE in topics:
            self.share  # noqa: B018
        is_open = any(log.producers.ongoing for topic in topics.values() for log in topic.partitions)
        if is_open or TRANSACTION_STATE in topics:
            self.transactions  # noqa: B018

    def _transaction_ended(self, log: PartitionLog, marker: Marker) -> None:
        if log.topic == CONSUMER_OFFSETS:
            self.groups.transaction_ended(log, marker.producer_id, committed=marker.committed)
        self.waiters.stable_moved(log)

    # --- settings --------------------------------------------------------------------------------------------------

    def dynamic_layers(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The dynamic settings of all brokers, and those of this one.

        `min.insync.replicas` is among those of all brokers always, as in a cluster of Apache Kafka with eligible leader
        replicas (KIP-966), whose controller writes it there first of all.
        """
        image = self.catalog.controller.image
        first = {MIN_INSYNC_REPLICAS: str(self._start_config.topic.min_insync_replicas)}
        everywhere = {**first, **image.config(BROKER_RESOURCE, "")}
        return everywhere, image.config(BROKER_RESOURCE, str(self._start_config.node_id))

    def check_dynamic_config(self, everywhere: Mapping[str, str], here: Mapping[str, str]) -> None:
        """Raise ConfigError unless these dynamic settings could be put in force."""
        with_dynamic(self._start_config, everywhere, here)

    def _follow_configs(self, image: MetadataImage) -> None:
        if image.configs is not self._configs:
            self._configs = image.configs
            self._apply_dynamic_config()

    def _apply_dynamic_config(self) -> None:
        try:
            config = with_dynamic(self._start_config, *self.dynamic_layers())
        except ConfigError as error:  # of another version: a broker that does not start would be worse
            logger.error("dynamic settings are left alone: %s", error)
            return
        self.config, before = config, self.config
        self.catalog.cleaner.settings = CleanerSettings(
            config.log_cleaner_enable,
            config.log_cleaner_backoff_ms,
            config.log_cleaner_dedupe_buffer_size,
            config.log_cleaner_io_max_bytes_per_second,
        )
        self.catalog.retention_interval_ms = config.log_retention_check_interval_ms
        if config.topic != before.topic:
            self.catalog.set_defaults(config.topic)

    # --- clocks ----------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Wall-clock time in ms since the epoch: what timestamps and retention go by."""
        return int(self._wall_clock_s() * 1000)

    def now_s(self) -> float:
        """Monotonic time in seconds: what deadlines and timers go by."""
        return self._monotonic_clock_s()

    # --- topics ----------------------------------------------------------------------------------------------------

    def topic_by_wire_name(self, wire_name: bytes) -> Topic | None:
        """The topic whose UTF-8 name, or whose sixteen-byte id, is `wire_name`; remembered until the image changes."""
        if self._image_version != self.catalog.image_version:
            self._image_changed()
        topic = self._topics_by_wire_name.get(wire_name)
        return topic if topic is not None else self._find(wire_name, by_id=False)

    def topic_by_wire_id(self, wire_id: bytes) -> Topic | None:
        """The topic with this id of sixteen bytes, or None."""
        if self._image_version != self.catalog.image_version:
            self._image_changed()
        topic = self._topics_by_wire_name.get(b"\0" + wire_id)
        return topic if topic is not None else self._find(wire_id, by_id=True)

    def has_partition(self, name: str, index: int) -> bool:
        """Return whether there is such a partition."""
        topic = self.catalog.topics.get(name)
        return topic is not None and 0 <= index < len(topic.partitions)

    def _find(self, key: bytes, *, by_id: bool) -> Topic | None:
        if by_id:
            topic = self.catalog.by_id(UUID(bytes=key))
            key = b"\0" + key
        else:
            topic = self.catalog.topics.get(key.decode("utf-8", "replace"))
        if topic is not None and len(self._topics_by_wire_name) < LOOKUP_ENTRIES_MAX:
            self._topics_by_wire_name[key] = topic
        return topic

    def _image_changed(self) -> None:
        self._image_version = self.catalog.image_version
        self._topics_by_wire_name.clear()
        self.metadata_cache.clear()

    def cached_metadata(self, version: int, listener: str, body: memoryview) -> bytes | None:
        """The response to the same Metadata request on the same listener, if no metadata has changed since."""
        if self._image_version != self.catalog.image_version:
            self._image_changed()
        if len(body) > METADATA_CACHE_KEY_BYTES_MAX:
            return None
        return self.metadata_cache.get((version, listener, bytes(body)))

    def cache_metadata(self, version: int, listener: str, body: memoryview, response: bytes) -> None:
        """Keep a response for `cached_metadata`; a full cache is emptied."""
        if len(body) > METADATA_CACHE_KEY_BYTES_MAX:
            return
        if len(self.metadata_cache) >= METADATA_CACHE_ENTRIES_MAX:
            self.metadata_cache.clear()
        self.metadata_cache[version, listener, bytes(body)] = response

    def delete_topic(self, topic: Topic) -> None:
        """Delete a topic and answer the fetches that wait for it. Raises what `Catalog.delete_topic` raises."""
        logs = list(topic.partitions)
        self.catalog.delete_topic(topic.name)
        for log in logs:
            self.waiters.wake(log)
        if self._groups is not None:
            self._groups.forget_topic(topic.name)
        if self._share is not None:
            self._share.forget_topic(topic.topic_id)

    def delete_group(self, group_id: str) -> ErrorCode:
        """Delete a group without members, and all that is kept for it."""
        error = self.groups.delete(group_id)
        if error is ErrorCode.NONE and self._share is not None:
            self._share.forget_group(group_id)
        return error

    # --- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Arm the periodic upkeep."""
        self._schedule_upkeep()

    def _schedule_upkeep(self) -> None:
        interval_s = min(UPKEEP_S, self.config.log_retention_check_interval_ms / 1000)
        self.timers.schedule(self.now_s() + interval_s, self._upkeep)

    def _upkeep(self) -> None:
        try:
            self.catalog.maintain(self.now_ms())
            self.security.reload_if_changed()
        except Exception:
            logger.exception("upkeep failed; it is tried again in the next round")
        self._schedule_upkeep()
        self._watch_cleaner()

    def _watch_cleaner(self) -> None:
        if self.catalog.cleaner.busy and not self._cleaner_is_watched:
            self._cleaner_is_watched = True
            self.timers.schedule(self.now_s() + CLEANER_STEP_S, self._step_cleaner)

    def _step_cleaner(self) -> None:
        self._cleaner_is_watched = False
        self.catalog.step_cleaner(self.now_ms())
        self._watch_cleaner()

    def close(self) -> None:
        """Make everything durable and let go of the data folder."""
        if self._transactions is not None:
            self._transactions.close()
        if self._groups is not None:
            self._groups.close()
        self.catalog.close()

"""The partition logs of a data folder: those of the topics that the metadata image names.

    <data dir>/.lock                       held by the process that runs on this folder
    <data dir>/meta/cluster.json           cluster id
    <data dir>/meta/*.log, *.checkpoint    the metadata log, see `controller`
    <data dir>/meta/checkpoint.json        how far each log was known to be sound; the clean-shutdown marker
    <data dir>/meta/log_starts.json        log starts that DeleteRecords has moved
    <data dir>/meta/cleaner.json           up to where compaction has cleaned each log
    <data dir>/<topic>-<partition>/        segments, as Apache Kafka names them, and the topic's id

FORMAT.md, next to this file, describes each. One thread owns a catalog and its logs. Topics, ids and settings belong to the
metadata log; the catalog asks the controller to change them, and follows the image that comes of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from harness.pylog_broker.controller import decisions, migration
from harness.pylog_broker.controller.controller import Controller
from harness.pylog_broker.controller.image import EMPTY_IMAGE, TOPIC_RESOURCE, MetadataImage, TopicImage
from harness.pylog_broker.controller.node import MetadataNode
from harness.pylog_broker.storage import ownership
from harness.pylog_broker.storage.compaction.cleaner import Cleaner, CleanerSettings
from harness.pylog_broker.storage.disk_worker import Job, ThreadWorker, Worker
from harness.pylog_broker.storage.documents import current_boot_id, read_document, write_document
from harness.pylog_broker.storage.errors import CorruptLog, StorageError, StorageFailed
from harness.pylog_broker.storage.filesystem import FileSystem, OsFileSystem, sync_directory
from harness.pylog_broker.storage.lock import FolderLock
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.producer_state import EXPIRATION_MS
from harness.pylog_broker.storage.recovery import Report, Shutdown, recover
from harness.pylog_broker.storage.segment import OpenSegments
from harness.pylog_broker.storage.topic import CONSUMER_OFFSETS, SHARE_STATE, TRANSACTION_STATE, Topic, check_topic_name
from harness.pylog_broker.storage.topic_config import TopicConfig

__all__ = ["Catalog", "Topic", "check_topic_name"]

logger = logging.getLogger(__name__)

CHECKPOINT_INTERVAL_MS = 60_000  # between two checkpoints of logs that changed too little to need one earlier
RETENTION_INTERVAL_MS = 5_000  # between two looks at what is expired
SELF_COMPACTED_TOPICS = frozenset(
    {CONSUMER_OFFSETS, SHARE_STATE, TRANSACTION_STATE}
)  # their owner knows better what is alive


class Catalog:
    """All topics of one data folder. `image_version` grows with each change that clients can see in Metadata."""

    controller: Controller

    def __init__(
        self,
        data_dir: str,
        *,
        defaults: TopicConfig,
        clock: Callable[[], int],
        file_system: FileSystem,
        worker: Worker,
        cleaner_worker: Worker,
        cleaner: CleanerSettings,
        boot_id: str,
        new_uuid: Callable[[], uuid.UUID],
    ) -> None:
        """Use `Catalog.open`."""
        self.data_dir = os.path.abspath(data_dir)
        self.defaults = defaults
        self.cluster_id = ""
        self.image_version = 0
        self.image: MetadataImage = EMPTY_IMAGE
        self.image_followers: list[Callable[[MetadataImage], None]] = []
        """Called with each new image, once the logs are those of it."""
        self.producer_id_expiration_ms = EXPIRATION_MS
        self.recovery_reports: dict[str, Report] = {}
        self._meta = os.path.join(self.data_dir, "meta")
        self._clock = clock
        self._fs = file_system
        self._worker = worker
        self._boot_id = boot_id
        self._new_uuid = new_uuid
        self._open_segments = OpenSegments()
        self._topics: dict[str, Topic] = {}
        self._topics_by_id: dict[uuid.UUID, Topic] = {}
        self.topics: Mapping[str, Topic] = MappingProxyType(self._topics)
        self._prepared: dict[uuid.UUID, list[PartitionLog]] = {}
        self._rows: dict[str, dict[str, int]] = {}
        self._starts: dict[str, int] = {}
        self._keys: dict[PartitionLog, str] = {}
        self._progress: dict[str, list[int]] = {}
        self._cleaner_worker = cleaner_worker
        self.cleaner = Cleaner(file_system, cleaner_worker, cleaner, save_progress=self._save_progress)
        self.retention_interval_ms = RETENTION_INTERVAL_MS
        self._checkpointed_ms = self._retained_ms = clock()
        self._discarded: list[tuple[int, Job]] = []
        self._closed = False
        file_system.mkdir(self._meta)
        self._lock = FolderLock(self.data_dir)

    @classmethod
    def open(
        cls,
        data_dir: str | os.PathLike[str],
        *,
        defaults: TopicConfig | None = None,
        clock: Callable[[], int],
        node_id: int = 1,
        file_system: FileSystem | None = None,
        worker: Worker | None = None,
        cleaner: CleanerSettings | None = None,
        boot_id: str | None = None,
        new_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> Catalog:
        """Lock a data folder, made when it is missing, read its metadata and recover every partition in it.

        `clock` gives ms since the epoch. Raises FolderLocked, UnsupportedFormat, CorruptLog (a damaged file under meta/),
        WrongNode or StorageFailed.
        """
        catalog = cls(
            os.fspath(data_dir),
            defaults=defaults or TopicConfig(),
            clock=clock,
            file_system=file_system or OsFileSystem(),
            worker=worker or ThreadWorker(),
            cleaner_worker=worker or ThreadWorker("pylog-cleaner"),
            cleaner=cleaner or CleanerSettings(),
            boot_id=current_boot_id() if boot_id is None else boot_id,
            new_uuid=new_uuid,
        )
        try:
            catalog._load(node_id)
        except OSError as error:
            catalog._lock.release()
            raise StorageFailed(f"cannot open the data folder {catalog.data_dir}: {error}") from error
        except BaseException:
            catalog._lock.release()
            raise
        return catalog

    # --- loading ----------------------------------------------------------------------------------------------------

    def _load(self, node_id: int) -> None:
        doomed = migration.doomed_folders(self._fs, self._meta)
        self.cluster_id = migration.prepare(
            self._fs, self.data_dir, self._meta, node_id=node_id, new_uuid=self._new_uuid
        )
        node = MetadataNode(self._fs, self._meta, node_id=node_id, clock=self._clock, worker=self._worker)
        self.controller = Controller(node, node_id, new_uuid=self._new_uuid)
        checkpoint = self._read_checkpoint()
        self._rows = dict(checkpoint["partitions"])
        self._starts = dict(self._read("log_starts") or {})
        self._progress = dict(self._read("cleaner") or {})
        shutdown = self._shutdown(checkpoint)
        image = node.image
        live = {
            f"{topic.name}-{n}": topic.topic_id for topic in image.topics.values() for n in range(len(topic.partitions))
        }
        ownership.remove_strays(self._fs, self.data_dir, live, doomed)
        migration.forget_documents(self._fs, self._meta)
        for row in image.topics.values():
            topic = Topic(row.name, row.topic_id, [], dict(image.config(TOPIC_RESOURCE, row.name)), row.internal)
            config = self.defaults.with_overrides(topic.config_overrides)
            for partition in range(len(row.partitions)):
                topic.partitions.append(self._open_partition(topic, partition, config, shutdown))
            self._add(topic)
        self._rows = {key: log.recovery_row() for log, key in self._keys.items()}
        self._write_checkpoint(self._rows, clean=False)
        self.controller.lead(
            {
                (topic.topic_id, log.partition): log.leader_epoch
                for topic in self._topics.values()
                for log in topic.partitions
            }
        )
        self.image = node.image
        node.follow = self._follow

    def _read_checkpoint(self) -> Any:
        try:
            body = self._read("checkpoint")
        except CorruptLog as error:
            logger.warning("%s; every log is scanned", error)
            body = None
        return body or {"clean": False, "boot_id": "", "partitions": {}}

    def _shutdown(self, checkpoint: Any) -> Shutdown:
        if checkpoint["clean"]:
            return Shutdown.CLEAN
        same_boot = self._boot_id != "" and checkpoint["boot_id"] == self._boot_id
        return Shutdown.KILLED if same_boot else Shutdown.UNKNOWN

    def _directory(self, name: str, partition: int) -> str:
        return os.path.join(self.data_dir, f"{name}-{partition}")

    def _open_partition(self, topic: Topic, partition: int, config: TopicConfig, shutdown: Shutdown) -> PartitionLog:
        directory = self._directory(topic.name, partition)
        self._fs.mkdir(directory)
        ownership.claim(self._fs, directory, topic.topic_id)
        key = f"{topic.topic_id}/{partition}"
        clean_to, gaps_to = self._progress.get(key, (0, 0))
        state, report = recover(
            self._fs,
            directory,
            row=self._rows.get(key),
            log_start=self._starts.get(key, 0),
            shutdown=shutdown,
            gaps_to=gaps_to,
        )
        if report.scanned_bytes or report.truncated_bytes or report.damage:
            self.recovery_reports[f"{topic.name}-{partition}"] = report
        log = PartitionLog(
            self._fs,
            directory,
            topic=topic.name,
            partition=partition,
            config=config,
            state=state,
            open_segments=self._open_segments,
            worker=self._worker,
            persist_start=self._persist_start,
            discard=self._discard,
        )
        log.sync_closed()
        self._keys[log] = key
        self.cleaner.resume(log, clean_to)
        return log

    def _add(self, topic: Topic) -> None:
        self._topics[topic.name] = topic
        self._topics_by_id[topic.topic_id] = topic
        self.image_version += 1

    # --- documents --------------------------------------------------------------------------------------------------

    def _path(self, kind: str) -> str:
        return os.path.join(self._meta, kind + ".json")

    def _read(self, kind: str) -> Any:
        return read_document(self._fs, self._path(kind), kind)

    def _save(self, kind: str, body: object) -> None:
        try:
            write_document(self._fs, self._path(kind), kind, body)
        except OSError as error:
            raise StorageFailed(f"cannot write {self._path(kind)}: {error}") from error

    def _write_checkpoint(self, rows: Mapping[str, dict[str, int]], *, clean: bool) -> None:
        self._save("checkpoint", {"clean": clean, "boot_id": self._boot_id, "partitions": rows})

    def _persist_start(self, log: PartitionLog) -> None:
        """Make a new log start durable at once. It has a document of its own: the checkpoint is the worker's to write."""
        self._starts[self._keys[log]] = log.log_start_offset
        self._save("log_starts", {key: start for key, start in self._starts.items() if key in self._rows})

    def _save_progress(self, log: PartitionLog, clean_to: int, gaps_to: int) -> None:
        """On the cleaner's worker, the only one that writes this document."""
        key = self._keys.get(log)
        if key is not None:
            self._progress = {name: row for name, row in self._progress.items() if name in self._rows}
            self._progress[key] = [clean_to, gaps_to]
            self._save("cleaner", self._progress)

    # --- following the image ----------------------------------------------------------------------------------------

    def _follow(self, image: MetadataImage) -> None:
        """Open, extend, configure and drop logs until they are those of the image."""
        before, self.image = self.image, image
        if image.topics is not before.topics:
            for name, topic in list(self._topics.items()):
                row = image.topics.get(name)
                if row is None or row.topic_id != topic.topic_id:
                    self._drop(topic)
            for name, row in image.topics.items():
                if before.topics.get(name) is not row:
                    self._adopt(row)
        if image.configs is not before.configs:
            for name, topic in self._topics.items():
                values = image.config(TOPIC_RESOURCE, name)
                if values != topic.config_overrides:
                    self._configure(topic, values)
        self.image_version += 1
        for follower in self.image_followers:
            follower(image)

    def _adopt(self, row: TopicImage) -> None:
        """Take over a new or extended topic; its logs were prepared by whoever asked for it."""
        topic = self._topics.get(row.name)
        if topic is None:
            overrides = dict(self.image.config(TOPIC_RESOURCE, row.name))
            topic = Topic(row.name, row.topic_id, [], overrides, row.internal)
            self._add(topic)
        for log in self._prepared.pop(row.topic_id, []):
            topic.partitions.append(log)
            self._rows[self._keys[log]] = log.recovery_row()

    def _configure(self, topic: Topic, overrides: Mapping[str, str]) -> None:
        topic.config_overrides = dict(overrides)
        config = self.defaults.with_overrides(overrides)
        for log in topic.partitions:
            log.set_config(config)

    def _drop(self, topic: Topic) -> None:
        """Forget a deleted topic at once and delete its folders in the background."""
        del self._topics[topic.name], self._topics_by_id[topic.topic_id]
        folders = [log.directory for log in topic.partitions]
        self._abandon(topic.partitions)
        doomed = [ownership.doom(self._fs, folder, topic.topic_id) for folder in folders]

        def remove() -> None:
            for folder in doomed:
                ownership.remove_folder(self._fs, folder)

        self._discard(remove, self.defaults.with_overrides(topic.config_overrides).file_delete_delay_ms)

    def _discard(self, job: Job, delay_ms: int) -> None:
        """Have the worker free the bytes of what was renamed away, `delay_ms` from now; a start that comes first does it."""
        if delay_ms <= 0:
            self._worker.submit(job)
        else:
            self._discarded.append((self._clock() + delay_ms, job))

    def set_defaults(self, defaults: TopicConfig) -> None:
        """Put other broker-wide settings under those of the topics."""
        self.defaults = defaults
        for topic in self._topics.values():
            self._configure(topic, topic.config_overrides)
        self.image_version += 1

    # --- topics -----------------------------------------------------------------------------------------------------

    def by_id(self, topic_id: uuid.UUID) -> Topic | None:
        """The topic with this id, or None."""
        return self._topics_by_id.get(topic_id)

    def check_new_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None, *, internal: bool = False
    ) -> TopicConfig:
        """Raise what `create_topic` would raise, and change nothing (validate_only of CreateTopics)."""
        decisions.check_new_topic(self.image, name, partitions, internal=internal)
        return self.defaults.with_overrides(config or {})

    def create_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None, *, internal: bool = False
    ) -> Topic:
        """Make a topic; it is on disk when this returns.

        Raises TopicExists, InvalidTopicName, InvalidPartitions, InvalidConfig or StorageFailed.
        """
        overrides = dict(config or {})
        typed = self.check_new_topic(name, partitions, overrides, internal=internal)
        topic = Topic(name, self._new_uuid(), [], overrides, internal)
        self._prepare(topic, range(partitions), typed)
        try:
            self.controller.create_topic(topic.topic_id, name, partitions, overrides, internal=internal)
        except StorageError:
            self._abandon(self._prepared.pop(topic.topic_id, []))
            raise
        return self._topics[name]

    def _prepare(self, topic: Topic, numbers: range, config: TopicConfig) -> None:
        """Make the logs of partitions that the image does not have yet, all or none; raises StorageFailed.

        A folder that the disk refuses must fail the request, and a power cut must leave it there. Should the broker die before
        the image has them, the next start removes them as strays.
        """
        logs = self._prepared.setdefault(topic.topic_id, [])
        try:
            for partition in numbers:
                ownership.refuse_foreign_data(self._fs, self._directory(topic.name, partition), topic.topic_id)
                logs.append(self._open_partition(topic, partition, config, Shutdown.UNKNOWN))
            sync_directory(self._fs, self.data_dir)
        except (OSError, StorageError) as error:
            self._abandon(self._prepared.pop(topic.topic_id))
            raise StorageFailed(f"cannot make topic '{topic.name}': {error}") from error

    def _abandon(self, logs: list[PartitionLog]) -> None:
        for log in logs:
            self._rows.pop(self._keys.pop(log), None)
            self.cleaner.forget(log)
            log.abandon()

    def delete_topic(self, name: str) -> None:
        """Forget a topic at once and delete its folders in the background; raises UnknownTopic, StorageFailed."""
        self.controller.delete_topic(name)

    def add_partitions(self, name: str, total: int) -> None:
        """Extend a topic to `total` partitions; raises UnknownTopic, InvalidPartitions or StorageFailed."""
        decisions.check_more_partitions(self.image, name, total)
        topic = self._topics[name]
        config = self.defaults.with_overrides(topic.config_overrides)
        self._prepare(topic, range(len(topic.partitions), total), config)
        try:
            self.controller.create_partitions(name, total)
        except StorageError:
            self._abandon(self._prepared.pop(topic.topic_id, []))
            raise

    def set_topic_config(self, name: str, overrides: Mapping[str, str]) -> None:
        """Replace a topic's settings; raises UnknownTopic, InvalidConfig or StorageFailed."""
        self.defaults.with_overrides(overrides)
        self.controller.set_config(TOPIC_RESOURCE, name, overrides)

    def next_producer_id(self) -> int:
        """A producer id that was never handed out by this folder; raises StorageFailed."""
        return self.controller.next_producer_id()

    # --- upkeep and shutdown ----------------------------------------------------------------------------------------

    def maintain(self, now_ms: int) -> None:
        """Periodic work, to be called about once a second: retention, `flush.ms`, `file.delete.delay.ms`, checkpoints."""
        retention_due = now_ms - self._retained_ms >= self.retention_interval_ms
        if retention_due:
            self._retained_ms = now_ms
        for log in self._keys:
            try:
                log.flush_if_due(now_ms)
                if retention_due:
                    log.apply_retention(now_ms)
                    log.producers.expire(now_ms, expiration_ms=self.producer_id_expiration_ms)
            except (StorageError, OSError) as error:
                logger.error("upkeep of %s-%d: %s", log.topic, log.partition, error)
        if now_ms - self._checkpointed_ms >= CHECKPOINT_INTERVAL_MS:
            self._checkpointed_ms = now_ms
            dirty = [log for log in self._keys if log.changed_since_checkpoint]
        else:
            dirty = [log for log in self._keys if log.needs_checkpoint]
        if dirty:
            self.checkpoint(dirty)
        for due in [row for row in self._discarded if row[0] <= now_ms]:
            self._discarded.remove(due)
            self._worker.submit(due[1])
        self.controller.node.maintain()
        self.step_cleaner(now_ms)

    def step_cleaner(self, now_ms: int) -> None:
        """Go on with compaction; to be called more often than `maintain` while `cleaner.busy`."""
        self.cleaner.step((log for log in self._keys if log.topic not in SELF_COMPACTED_TOPICS), now_ms)

    def checkpoint(self, logs: list[PartitionLog]) -> None:
        """Have the worker write down how far these logs are sound, so that recovery after a kill starts from here."""
        jobs: list[Job] = []
        for log in logs:
            self._rows[self._keys[log]], job = log.checkpoint()
            jobs.append(job)
        rows = dict(self._rows)

        def write() -> None:
            try:
                for job in jobs:
                    with contextlib.suppress(FileNotFoundError):  # its topic was deleted meanwhile
                        job()
                self._write_checkpoint(rows, clean=False)
            except (OSError, StorageError) as error:
                logger.error("checkpoint: %s", error)  # an older checkpoint makes recovery slower, not wrong

        self._worker.submit(write)

    def close(self) -> None:
        """Make everything durable, write the clean-shutdown marker and release the folder.

        A log that cannot be made durable keeps the marker from being written; the next start then scans.
        """
        if self._closed:
            return
        self._closed = True
        self.cleaner.close()
        self._cleaner_worker.close()
        self._worker.close()
        clean = True
        for log, key in self._keys.items():
            try:
                changed = log.changed_since_checkpoint
                self._rows[key], write = log.checkpoint()
                if changed:
                    write()
                log.close()
                clean = clean and log.failure is None
            except (OSError, StorageError) as error:
                logger.error("closing %s-%d: %s", log.topic, log.partition, error)
                clean = False
        try:
            self._write_checkpoint(self._rows, clean=clean)
        except StorageError as error:
            logger.error("closing: %s", error)
        finally:
            self.controller.node.close()
            self._lock.release()

"""The topics of a broker on disk: which there are, their ids and settings, and the logs of their partitions.

    <data dir>/.lock                       held by the process that runs on this folder
    <data dir>/meta/cluster.json           cluster id
    <data dir>/meta/topics.json            topics: id, partitions, settings; and folders still to be deleted
    <data dir>/meta/checkpoint.json        how far each log was known to be sound; the clean-shutdown marker
    <data dir>/meta/log_starts.json        log starts that DeleteRecords has moved
    <data dir>/meta/producer_ids.json      the end of the block of producer ids that is handed out
    <data dir>/<topic>-<partition>/        segments, as Apache Kafka names them

FORMAT.md, next to this file, describes each. One thread owns a catalog and its logs.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from harness.pylog_broker.storage.disk_worker import Job, ThreadWorker, Worker
from harness.pylog_broker.storage.documents import current_boot_id, read_document, write_document
from harness.pylog_broker.storage.errors import (
    CorruptLog,
    InvalidPartitions,
    InvalidTopicName,
    StorageError,
    StorageFailed,
    TopicExists,
    UnknownTopic,
)
from harness.pylog_broker.storage.filesystem import FileSystem, OsFileSystem
from harness.pylog_broker.storage.lock import FolderLock
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.recovery import Report, Shutdown, recover
from harness.pylog_broker.storage.segment import OpenSegments
from harness.pylog_broker.storage.topic import Topic, check_topic_name
from harness.pylog_broker.storage.topic_config import TopicConfig

__all__ = ["Catalog", "Topic", "check_topic_name"]

logger = logging.getLogger(__name__)

PARTITIONS_MAX = 10_000  # over all topics: each costs a folder, a descriptor and about 3 kB
PRODUCER_ID_BLOCK = 1000
CHECKPOINT_INTERVAL_MS = 60_000  # between two checkpoints of logs that changed too little to need one earlier
RETENTION_INTERVAL_MS = 5_000  # between two looks at what is expired
DELETED_SUFFIX = "-delete"
INTERNAL_TOPIC_NAMES = frozenset({"__consumer_offsets", "__transaction_state"})
"""Made by the broker alone: a topic of that name with a client's settings would lose what it keeps there."""


class Catalog:
    """All topics of one data folder. `image_version` grows with each change that clients can see in Metadata."""

    def __init__(
        self,
        data_dir: str,
        *,
        defaults: TopicConfig,
        clock: Callable[[], int],
        file_system: FileSystem,
        worker: Worker,
        boot_id: str,
        new_uuid: Callable[[], uuid.UUID],
    ) -> None:
        """Use `Catalog.open`."""
        self.data_dir = os.path.abspath(data_dir)
        self.defaults = defaults
        self.cluster_id = ""
        self.image_version = 0
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
        self._rows: dict[str, dict[str, int]] = {}
        self._starts: dict[str, int] = {}
        self._keys: dict[PartitionLog, str] = {}
        self._doomed: list[str] = []
        self._next_producer_id = self._producer_id_end = 0
        self._checkpointed_ms = self._retained_ms = clock()
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
        file_system: FileSystem | None = None,
        worker: Worker | None = None,
        boot_id: str | None = None,
        new_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> Catalog:
        """Lock a data folder, made when it is missing, and recover every partition in it.

        `clock` gives ms since the epoch. Raises FolderLocked, UnsupportedFormat, CorruptLog (a damaged file under meta/) or
        StorageFailed.
        """
        catalog = cls(
            os.fspath(data_dir),
            defaults=defaults or TopicConfig(),
            clock=clock,
            file_system=file_system or OsFileSystem(),
            worker=worker or ThreadWorker(),
            boot_id=current_boot_id() if boot_id is None else boot_id,
            new_uuid=new_uuid,
        )
        try:
            catalog._load()
        except OSError as error:
            catalog._lock.release()
            raise StorageFailed(f"cannot open the data folder {catalog.data_dir}: {error}") from error
        except BaseException:
            catalog._lock.release()
            raise
        return catalog

    # --- loading ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        self._load_cluster()
        body = self._read("topics") or {"topics": [], "doomed": []}
        checkpoint = self._read_checkpoint()
        self._rows = dict(checkpoint["partitions"])
        self._starts = dict(self._read("log_starts") or {})
        shutdown = self._shutdown(checkpoint)
        live = {f"{row['name']}-{n}" for row in body["topics"] for n in range(row["partitions"])}
        self._finish_deletions(body["doomed"], live)
        for row in body["topics"]:
            config = self.defaults.with_overrides(row["config"])
            topic = Topic(row["name"], uuid.UUID(row["id"]), [], dict(row["config"]), row["internal"])
            for partition in range(row["partitions"]):
                topic.partitions.append(self._open_partition(topic, partition, config, shutdown))
            self._add(topic)
        block = self._read("producer_ids")
        self._next_producer_id = self._producer_id_end = block["end"] if block else 0
        self._rows = {key: log.recovery_row() for log, key in self._keys.items()}
        self._write_checkpoint(self._rows, clean=False)

    def _load_cluster(self) -> None:
        body = self._read("cluster")
        if body is None:
            present = [name for name in self._fs.listdir(self.data_dir) if name not in (".lock", "meta")]
            if self._fs.listdir(self._meta) or any(name.endswith("-0") for name in present):
                raise CorruptLog(
                    f"{self.data_dir} holds data but no meta/cluster.json: restore that file, or choose another --data-dir"
                )
            cluster_id = base64.urlsafe_b64encode(self._new_uuid().bytes).rstrip(b"=").decode()
            body = {"cluster_id": cluster_id}
            self._save("cluster", body)
        self.cluster_id = body["cluster_id"]

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
        key = f"{topic.topic_id}/{partition}"
        state, report = recover(
            self._fs, directory, row=self._rows.get(key), log_start=self._starts.get(key, 0), shutdown=shutdown
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
        )
        log.sync_closed()
        self._keys[log] = key
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

    def _save_topics(self) -> None:
        rows = [
            {
                "name": topic.name,
                "id": str(topic.topic_id),
                "partitions": len(topic.partitions),
                "config": topic.config_overrides,
                "internal": topic.internal,
            }
            for topic in self._topics.values()
        ]
        self._save("topics", {"topics": rows, "doomed": self._doomed})

    def _write_checkpoint(self, rows: Mapping[str, dict[str, int]], *, clean: bool) -> None:
        self._save("checkpoint", {"clean": clean, "boot_id": self._boot_id, "partitions": rows})

    def _persist_start(self, log: PartitionLog) -> None:
        """Make a new log start durable at once. It has a document of its own: the checkpoint is the worker's to write."""
        self._starts[self._keys[log]] = log.log_start_offset
        self._save("log_starts", {key: start for key, start in self._starts.items() if key in self._rows})

    # --- topics -----------------------------------------------------------------------------------------------------

    def by_id(self, topic_id: uuid.UUID) -> Topic | None:
        """The topic with this id, or None."""
        return self._topics_by_id.get(topic_id)

    def check_new_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None, *, internal: bool = False
    ) -> TopicConfig:
        """Raise what `create_topic` would raise, and change nothing (validate_only of CreateTopics)."""
        check_topic_name(name)
        if name in INTERNAL_TOPIC_NAMES and not internal:
            raise InvalidTopicName(f"'{name}' is internal: the broker makes it when it is first needed")
        if name in self._topics:
            raise TopicExists(f"topic '{name}' exists already")
        squashed = name.replace(".", "_")
        for other in self._topics:
            if other.replace(".", "_") == squashed:
                raise InvalidTopicName(f"topic '{name}' collides with '{other}': '.' and '_' count as the same")
        self._check_partitions(partitions, added=partitions)
        return self.defaults.with_overrides(config or {})

    def _check_partitions(self, total: int, *, added: int) -> None:
        if total <= 0:
            raise InvalidPartitions(f"a topic has at least one partition, not {total}")
        if len(self._keys) + added > PARTITIONS_MAX:
            raise InvalidPartitions(
                f"{added} more partitions would exceed the limit of {PARTITIONS_MAX} over all topics"
            )

    def create_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None, *, internal: bool = False
    ) -> Topic:
        """Make a topic; it is on disk when this returns.

        Raises TopicExists, InvalidTopicName, InvalidPartitions, InvalidConfig or StorageFailed.
        """
        typed = self.check_new_topic(name, partitions, config, internal=internal)
        topic = Topic(name, self._new_uuid(), [], dict(config or {}), internal)
        self._make_partitions(topic, partitions, typed)
        self._add(topic)
        try:
            self._save_topics()
        except StorageFailed:
            self._unlist(topic)
            self._abandon(topic.partitions)
            raise
        return topic

    def _make_partitions(self, topic: Topic, total: int, config: TopicConfig) -> None:
        """Extend a topic to `total` partitions, all or none; raises StorageFailed."""
        before = len(topic.partitions)
        try:
            for partition in range(before, total):
                self._refuse_foreign_data(self._directory(topic.name, partition))
                log = self._open_partition(topic, partition, config, Shutdown.UNKNOWN)
                topic.partitions.append(log)
                self._rows[self._keys[log]] = log.recovery_row()
        except (OSError, StorageError) as error:
            self._drop_partitions(topic, before)
            raise StorageFailed(f"cannot make topic '{topic.name}': {error}") from error

    def _refuse_foreign_data(self, directory: str) -> None:
        """A folder with segments that no topic owns is somebody's data: never write into it."""
        try:
            names = self._fs.listdir(directory)
        except FileNotFoundError:
            return
        if any(name.endswith(".log") and self._fs.stat(os.path.join(directory, name)).st_size for name in names):
            raise StorageFailed(f"{directory} holds segments that belong to no topic; move that folder away")

    def _abandon(self, logs: list[PartitionLog]) -> None:
        for log in logs:
            self._rows.pop(self._keys.pop(log), None)
            log.abandon()

    def _drop_partitions(self, topic: Topic, keep: int) -> None:
        self._abandon(topic.partitions[keep:])
        del topic.partitions[keep:]

    def _unlist(self, topic: Topic) -> None:
        del self._topics[topic.name], self._topics_by_id[topic.topic_id]
        self.image_version += 1

    def delete_topic(self, name: str) -> None:
        """Forget a topic at once and delete its folders in the background; raises UnknownTopic, StorageFailed."""
        topic = self._topic(name)
        suffix = f".{topic.topic_id.hex}{DELETED_SUFFIX}"
        sources = [log.directory for log in topic.partitions]
        doomed = [source + suffix for source in sources]
        self._doomed = [folder for folder in self._doomed if self._exists(os.path.join(self.data_dir, folder))]
        self._doomed += [os.path.basename(folder) for folder in doomed]
        self._unlist(topic)
        try:
            self._save_topics()
        except StorageFailed:
            self._add(topic)
            raise
        self._abandon(topic.partitions)
        for source, target in zip(sources, doomed, strict=True):
            try:
                self._fs.rename(source, target)
            except OSError as error:
                logger.error("cannot delete %s: %s", source, error)

        def remove() -> None:
            for folder in doomed:
                self._remove_folder(folder)

        self._worker.submit(remove)

    def _exists(self, path: str) -> bool:
        try:
            self._fs.stat(path)
        except FileNotFoundError:
            return False
        return True

    def _finish_deletions(self, doomed: list[str], live: set[str]) -> None:
        """Delete folders of deleted topics that a crash left behind, also those that were not renamed yet."""
        for folder in doomed:
            self._remove_folder(os.path.join(self.data_dir, folder))
            former = folder.rpartition(".")[0]
            if former not in live:
                self._remove_folder(os.path.join(self.data_dir, former))

    def _remove_folder(self, path: str) -> None:
        try:
            for name in self._fs.listdir(path):
                self._fs.unlink(os.path.join(path, name))
            self._fs.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.error("cannot delete %s: %s", path, error)

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            raise UnknownTopic(f"there is no topic '{name}'")
        return topic

    def add_partitions(self, name: str, total: int) -> None:
        """Extend a topic to `total` partitions; raises UnknownTopic, InvalidPartitions or StorageFailed."""
        topic = self._topic(name)
        before = len(topic.partitions)
        if total <= before:
            raise InvalidPartitions(f"topic '{name}' has {before} partitions already; {total} would not add any")
        self._check_partitions(total, added=total - before)
        self._make_partitions(topic, total, self.defaults.with_overrides(topic.config_overrides))
        try:
            self._save_topics()
        except StorageFailed:
            self._drop_partitions(topic, before)
            raise
        self.image_version += 1

    def set_topic_config(self, name: str, overrides: Mapping[str, str]) -> None:
        """Replace a topic's settings; raises UnknownTopic, InvalidConfig or StorageFailed."""
        topic = self._topic(name)
        config = self.defaults.with_overrides(overrides)
        before = topic.config_overrides
        topic.config_overrides = dict(overrides)
        try:
            self._save_topics()
        except StorageFailed:
            topic.config_overrides = before
            raise
        for log in topic.partitions:
            log.set_config(config)
        self.image_version += 1

    # --- producer ids -----------------------------------------------------------------------------------------------

    def next_producer_id(self) -> int:
        """A producer id that was never handed out by this folder; raises StorageFailed."""
        if self._next_producer_id >= self._producer_id_end:
            end = self._next_producer_id + PRODUCER_ID_BLOCK
            self._save("producer_ids", {"end": end})
            self._producer_id_end = end
        self._next_producer_id += 1
        return self._next_producer_id - 1

    # --- upkeep and shutdown ----------------------------------------------------------------------------------------

    def maintain(self, now_ms: int) -> None:
        """Periodic work, to be called about once a second: retention, `flush.ms`, expiry of producers, checkpoints."""
        retention_due = now_ms - self._retained_ms >= RETENTION_INTERVAL_MS
        if retention_due:
            self._retained_ms = now_ms
        for log in self._keys:
            try:
                log.flush_if_due(now_ms)
                if retention_due:
                    log.apply_retention(now_ms)
                    log.producers.expire(now_ms)
            except (StorageError, OSError) as error:
                logger.error("upkeep of %s-%d: %s", log.topic, log.partition, error)
        if now_ms - self._checkpointed_ms >= CHECKPOINT_INTERVAL_MS:
            self._checkpointed_ms = now_ms
            dirty = [log for log in self._keys if log.changed_since_checkpoint]
        else:
            dirty = [log for log in self._keys if log.needs_checkpoint]
        if dirty:
            self.checkpoint(dirty)

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
            self._lock.release()

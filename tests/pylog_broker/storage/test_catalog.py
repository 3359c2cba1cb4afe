"""Topics on disk, ids, settings, lock, cluster id, producer ids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.disk_worker import ThreadWorker
from harness.pylog_broker.storage.documents import encode_document
from harness.pylog_broker.storage.errors import (
    CorruptLog,
    FolderLocked,
    InvalidConfig,
    InvalidPartitions,
    InvalidTopicName,
    StorageFailed,
    TopicExists,
    UnknownTopic,
    UnsupportedFormat,
    WrongNode,
)

from .batches import append, read_records, values
from .disk import Clock, FaultyFileSystem, PowerCut, kill, open_catalog


def test_topics_survive_a_restart(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    topic = catalog.create_topic("orders", 3, {"retention.ms": "99"})
    internal = catalog.create_topic("__consumer_offsets", 1, internal=True)
    cluster_id = catalog.cluster_id
    append(topic.partitions[2], b"x")
    kill(catalog)
    again = open_catalog(tmp_path)
    assert again.cluster_id == cluster_id
    assert len(cluster_id) == 22
    found = again.topics["orders"]
    assert (found.topic_id, len(found.partitions), found.config_overrides) == (
        topic.topic_id,
        3,
        {"retention.ms": "99"},
    )
    assert found.partitions[2].config.retention_ms == 99
    assert again.by_id(topic.topic_id) is found
    assert again.by_id(uuid.uuid4()) is None
    assert again.topics["__consumer_offsets"].internal
    assert internal.topic_id in {topic.topic_id for topic in again.topics.values()}
    assert values(read_records(found.partitions[2])) == [b"x"]
    assert sorted(os.listdir(tmp_path)) == [".lock", "__consumer_offsets-0", "meta", "orders-0", "orders-1", "orders-2"]
    again.close()


def test_each_change_gives_a_new_image(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    versions = [catalog.image_version]
    for change in (
        lambda: catalog.create_topic("a", 1),
        lambda: catalog.add_partitions("a", 2),
        lambda: catalog.set_topic_config("a", {"retention.ms": "5"}),
        lambda: catalog.delete_topic("a"),
    ):
        change()
        versions.append(catalog.image_version)
    assert versions == sorted(set(versions))
    catalog.close()


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "ä", "a" * 250, "a\n"])
def test_bad_names_are_refused(tmp_path: Path, name: str) -> None:
    catalog = open_catalog(tmp_path)
    with pytest.raises(InvalidTopicName):
        catalog.create_topic(name, 1)
    catalog.close()


def test_what_cannot_be_created(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create_topic("a.b", 1)
    with pytest.raises(TopicExists):
        catalog.create_topic("a.b", 1)
    with pytest.raises(InvalidTopicName, match="collides"):
        catalog.create_topic("a_b", 1)
    with pytest.raises(InvalidPartitions):
        catalog.create_topic("c", 0)
    with pytest.raises(InvalidPartitions, match="limit"):
        catalog.create_topic("c", 10_000)
    with pytest.raises(InvalidConfig, match=r"retention\.ms"):
        catalog.create_topic("c", 1, {"retention.mss": "1"})
    assert list(catalog.topics) == ["a.b"]
    assert not (tmp_path / "c-0").exists()
    catalog.close()


def test_partitions_only_grow(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.create_topic("a", 2, {"segment.bytes": "777"})
    for total in (0, 1, 2):
        with pytest.raises(InvalidPartitions):
            catalog.add_partitions("a", total)
    with pytest.raises(UnknownTopic):
        catalog.add_partitions("b", 2)
    catalog.add_partitions("a", 4)
    assert [log.partition for log in catalog.topics["a"].partitions] == [0, 1, 2, 3]
    assert catalog.topics["a"].partitions[3].config.segment_bytes == 777
    catalog.close()
    assert len(open_catalog(tmp_path).topics["a"].partitions) == 4


def test_settings_apply_at_once_and_after_restart(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("a", 1).partitions[0]
    catalog.set_topic_config("a", {"max.message.bytes": "100"})
    assert log.config.max_message_bytes == 100
    with pytest.raises(InvalidConfig):
        catalog.set_topic_config("a", {"max.message.bytes": "many"})
    assert log.config.max_message_bytes == 100
    kill(catalog)
    catalog = open_catalog(tmp_path)
    assert catalog.topics["a"].partitions[0].config.max_message_bytes == 100
    catalog.close()


def test_a_deleted_topic_is_gone_and_its_successor_is_another(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    first = catalog.create_topic("a.b", 2, {"file.delete.delay.ms": "0"})
    append(first.partitions[1], b"old")
    catalog.delete_topic("a.b")
    assert catalog.by_id(first.topic_id) is None
    with pytest.raises(UnknownTopic):
        catalog.delete_topic("a.b")
    assert sorted(os.listdir(tmp_path)) == [".lock", "meta"]
    with pytest.raises(StorageFailed):
        append(first.partitions[1], b"late")
    second = catalog.create_topic("a.b", 2)
    assert second.topic_id != first.topic_id
    assert second.partitions[1].log_end_offset == 0
    kill(catalog)
    catalog = open_catalog(tmp_path)
    assert catalog.topics["a.b"].partitions[1].log_end_offset == 0
    catalog.close()


def test_changes_of_topics_are_all_or_nothing_at_every_crash(tmp_path: Path) -> None:
    """Create, extend, delete and create again, dying before each write in turn; then look."""
    for step in range(1, 400):
        directory = tmp_path / str(step)
        disk = FaultyFileSystem()
        catalog = open_catalog(directory, file_system=disk)
        disk.calls, disk.die_at = 0, step
        done: list[str] = []
        try:
            catalog.create_topic("a", 1)
            done.append("created")
            append(catalog.topics["a"].partitions[0], b"first")
            catalog.add_partitions("a", 3)
            done.append("extended")
            catalog.delete_topic("a")
            done.append("deleted")
            append(catalog.create_topic("a", 2).partitions[0], b"second")
            done.append("recreated")
        except PowerCut:
            pass
        kill(catalog)
        again = open_catalog(directory)
        topic = again.topics.get("a")
        stages = {
            0: (None, 1),
            1: (1, 3),
            2: (3, None),
            3: (None, 2),
            4: (2,),
        }[len(done)]
        assert (len(topic.partitions) if topic else None) in stages
        if done[-1:] == ["recreated"]:
            assert topic is not None
            assert values(read_records(topic.partitions[0])) == [b"second"]
        folders = {name for name in os.listdir(directory) if name not in ("meta", ".lock")}
        if topic is not None:
            assert {f"a-{n}" for n in range(len(topic.partitions))} <= folders
        else:
            again.create_topic("a", 1)  # nothing of the old one is in the way
        assert not [name for name in folders if name.endswith("-delete")]
        again.close()
        if not disk.dead:
            break
    assert disk.dead is False, "the last round has to run through"
    assert step > 10


def test_foreign_data_is_never_written_into(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    (tmp_path / "a-0").mkdir()
    (tmp_path / "a-0" / f"{0:020d}.log").write_bytes(b"somebody's")
    with pytest.raises(StorageFailed, match="move that folder away"):
        catalog.create_topic("a", 1)
    assert "a" not in catalog.topics
    catalog.close()


def test_a_full_disk_makes_no_half_topic(tmp_path: Path) -> None:
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk)
    disk.space_bytes = 0
    with pytest.raises(StorageFailed, match="No space"):
        catalog.create_topic("a", 1)
    assert dict(catalog.topics) == {}
    disk.space_bytes = None
    catalog.create_topic("a", 1)
    catalog.close()


def test_the_folder_is_locked_by_name(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    with pytest.raises(FolderLocked, match=rf"process {os.getpid()}\b.*--data-dir"):
        open_catalog(tmp_path)
    catalog.close()
    open_catalog(tmp_path).close()


def test_the_lock_ends_with_the_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from harness.pylog_broker.storage.catalog import Catalog;"
        "Catalog.open(sys.argv[1], clock=lambda: 0); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    open_catalog(tmp_path).close()


@pytest.mark.parametrize("kind", ["cluster", "checkpoint", "quorum", "log_starts"])
def test_a_newer_format_is_refused(tmp_path: Path, kind: str) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("a", 1).partitions[0]
    append(log, b"x")
    log.delete_records_before(1)
    catalog.close()
    path = tmp_path / "meta" / f"{kind}.json"
    path.write_text(path.read_text().replace('"format":2', '"format":3'))
    with pytest.raises(UnsupportedFormat, match="format 3"):
        open_catalog(tmp_path)
    path.write_text(path.read_text().replace('"format":3', '"format":2'))
    open_catalog(tmp_path).close()


@pytest.mark.parametrize("kind", ["cluster", "quorum", "log_starts"])
def test_damaged_metadata_is_refused(tmp_path: Path, kind: str) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("a", 1).partitions[0]
    append(log, b"x")
    log.delete_records_before(1)
    catalog.close()
    path = tmp_path / "meta" / f"{kind}.json"
    document = json.loads(path.read_text())
    document["crc32c"] ^= 1
    path.write_text(json.dumps(document))
    with pytest.raises(CorruptLog, match=kind):
        open_catalog(tmp_path)


def test_another_node_id_is_refused_by_name(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    catalog.controller.register_broker("127.0.0.1", 9092)
    catalog.close()
    with pytest.raises(WrongNode, match=r"--set node\.id=1"):
        Catalog.open(tmp_path, clock=Clock(), node_id=2)
    open_catalog(tmp_path).close()


def test_a_damaged_checkpoint_only_costs_a_scan(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    append(catalog.create_topic("a", 1).partitions[0], b"x")
    catalog.close()
    (tmp_path / "meta" / "checkpoint.json").write_text("{")
    catalog = open_catalog(tmp_path)
    assert catalog.recovery_reports["a-0"].scanned_bytes > 0
    assert values(read_records(catalog.topics["a"].partitions[0])) == [b"x"]
    catalog.close()


def test_data_without_metadata_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a-0").mkdir()
    with pytest.raises(CorruptLog, match=r"cluster\.json"):
        open_catalog(tmp_path)


def test_producer_ids_are_never_reused(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    seen = [catalog.next_producer_id() for _ in range(1001)]
    kill(catalog)
    catalog = open_catalog(tmp_path)
    seen.append(catalog.next_producer_id())
    assert len(set(seen)) == len(seen)
    catalog.close()


def test_upkeep_checkpoints_and_forgets(tmp_path: Path) -> None:
    clock = Clock()
    catalog = open_catalog(tmp_path, clock=clock)
    log = catalog.create_topic("a", 1, {"segment.bytes": "100", "retention.ms": "1000"}).partitions[0]
    for _ in range(3):
        append(log, b"x" * 100)
    catalog.maintain(clock.now_ms + 60_000)
    assert log.log_start_offset == 3
    document = json.loads((tmp_path / "meta" / "checkpoint.json").read_text())
    (row,) = document["body"]["partitions"].values()
    assert (row["start"], row["end"]) == (3, 3)
    catalog.close()


def test_with_the_real_worker_thread(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path, clock=Clock(), worker=ThreadWorker())
    log = catalog.create_topic("a", 1, {"segment.bytes": "100", "file.delete.delay.ms": "0"}).partitions[0]
    for _ in range(20):
        append(log, b"x" * 100)
    log.delete_records_before(10)
    catalog.close()
    assert all(segment.synced for segment in log.segments[:-1])
    assert not list((tmp_path / "a-0").glob("*.deleted"))
    document = encode_document("x", {"b": 1, "a": 2})
    assert json.loads(document)["body"] == {"a": 2, "b": 1}


def test_a_topic_whose_deletion_cannot_be_written_down_stays(tmp_path: Path) -> None:
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk)
    log = catalog.create_topic("a", 1).partitions[0]
    append(log, b"x")
    disk.space_bytes = 0
    with pytest.raises(StorageFailed):
        catalog.delete_topic("a")
    disk.space_bytes = None
    assert values(read_records(catalog.topics["a"].partitions[0])) == [b"x"]
    catalog.close()


def _named(folder: Path, suffix: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"*{suffix}"))


def test_deleted_segments_are_kept_for_a_while_and_then_freed(tmp_path: Path) -> None:
    clock = Clock()
    catalog = open_catalog(tmp_path, clock=clock)
    settings = {"segment.bytes": "100", "file.delete.delay.ms": "30000"}
    log = catalog.create_topic("t", 1, settings).partitions[0]
    for number in range(4):
        append(log, b"%d" % number, now_ms=clock.now_ms)
    log.delete_records_before(2)
    folder = tmp_path / "t-0"
    assert set(_named(folder, ".log.deleted")) == {f"{base:020d}.log.deleted" for base in (0, 1)}
    assert not set(_named(folder, "index")) & {
        f"{base:020d}.{kind}" for base in (0, 1) for kind in ("index", "timeindex")
    }
    clock.now_ms += 29_999
    catalog.maintain(clock.now_ms)
    assert len(_named(folder, ".log.deleted")) == 2
    clock.now_ms += 1
    catalog.maintain(clock.now_ms)
    assert not _named(folder, ".deleted")
    assert len(_named(folder, ".log")) == 2
    catalog.close()


def test_a_start_frees_what_is_waiting_to_be_freed(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("t", 1, {"segment.bytes": "100"}).partitions[0]
    catalog.create_topic("gone", 1)
    for number in range(4):
        append(log, b"%d" % number)
    log.delete_records_before(2)
    catalog.delete_topic("gone")
    assert _named(tmp_path / "t-0", ".deleted")
    assert _named(tmp_path, "-delete")
    catalog.close()
    with_fresh = open_catalog(tmp_path)
    assert not _named(tmp_path / "t-0", ".deleted")
    assert not _named(tmp_path, "-delete")
    assert with_fresh.topics["t"].partitions[0].log_start_offset == 2
    with_fresh.close()


def test_a_deleted_topics_folder_is_freed_after_the_delay_and_its_name_is_free_at_once(tmp_path: Path) -> None:
    clock = Clock()
    catalog = open_catalog(tmp_path, clock=clock)
    catalog.create_topic("t", 1, {"file.delete.delay.ms": "5000"})
    catalog.delete_topic("t")
    catalog.create_topic("t", 1)
    assert len(_named(tmp_path, "-delete")) == 1
    clock.now_ms += 5000
    catalog.maintain(clock.now_ms)
    assert not _named(tmp_path, "-delete")
    assert (tmp_path / "t-0").is_dir()
    catalog.close()

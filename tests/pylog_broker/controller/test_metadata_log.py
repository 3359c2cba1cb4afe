"""The metadata log on disk: torn, flipped and killed at every point, it is recovered or refused, never believed wrongly."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from pathlib import Path

import pytest

from harness.pylog_broker.controller import node as node_module
from harness.pylog_broker.controller.image import MetadataImage
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.documents import encode_document
from harness.pylog_broker.storage.errors import CorruptLog, StorageError, StorageFailed
from tests.pylog_broker.storage.batches import append, read_records, values
from tests.pylog_broker.storage.disk import FaultyFileSystem, PowerCut, kill, open_catalog


def log_file(directory: Path) -> Path:
    (path,) = (directory / "meta").glob("*.log")
    return path


def image_of(directory: Path) -> MetadataImage:
    catalog = open_catalog(directory)
    image = catalog.controller.image
    kill(catalog)
    return image


def changed_folder(directory: Path) -> list[MetadataImage]:
    """A folder after a few changes; the image after each."""
    catalog = open_catalog(directory)
    images = [catalog.image]
    catalog.create_topic("a", 2, {"retention.ms": "7"})
    images.append(catalog.image)
    catalog.controller.set_config(4, "", {"log.cleaner.backoff.ms": "50"})
    images.append(catalog.image)
    catalog.create_topic("b", 1)
    images.append(catalog.image)
    kill(catalog)
    return images


def test_a_torn_tail_is_cut_off_at_whatever_byte(tmp_path: Path) -> None:
    images = changed_folder(tmp_path / "whole")
    data = log_file(tmp_path / "whole").read_bytes()
    seen = []
    for size in range(0, len(data), 7):
        shutil.rmtree(tmp_path / "torn", ignore_errors=True)
        shutil.copytree(tmp_path / "whole" / "meta", tmp_path / "torn" / "meta")
        log_file(tmp_path / "torn").write_bytes(data[:size] + b"\0" * (size % 3))
        image = image_of(tmp_path / "torn")
        assert image in images
        seen.append(images.index(image))
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}, "all but the last change, which is never whole here"


def test_a_flipped_bit_is_recovered_or_refused(tmp_path: Path) -> None:
    images = changed_folder(tmp_path / "whole")
    path = log_file(tmp_path / "whole")
    data = path.read_bytes()
    refused = recovered = 0
    for position in range(0, len(data), 5):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            image = image_of(tmp_path / "whole")
        except CorruptLog:
            refused += 1
        else:
            # The epoch of an entry is not covered by a CRC; nothing but the last entry may be missing.
            assert image in images[2:]
            recovered += 1
    assert refused > recovered > 0


def test_a_damaged_or_missing_snapshot_is_refused(tmp_path: Path) -> None:
    changed_folder(tmp_path)
    (snapshot,) = (tmp_path / "meta").glob("*.checkpoint")
    data = snapshot.read_bytes()
    for damaged in (data[:-1], data[:-20], b"", data[:80] + bytes([data[80] ^ 1]) + data[81:]):
        snapshot.write_bytes(damaged)
        with pytest.raises(CorruptLog, match="checkpoint"):
            open_catalog(tmp_path)
    snapshot.unlink()
    with pytest.raises(CorruptLog, match="no snapshot"):
        open_catalog(tmp_path)


def test_a_missing_log_behind_a_snapshot_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "SNAPSHOT_LOG_BYTES", 200)
    catalog = open_catalog(tmp_path)
    for number in range(6):
        catalog.create_topic(f"t{number}", 1)
        catalog.maintain(0)
    image = catalog.image
    kill(catalog)
    assert len(list((tmp_path / "meta").glob("*.checkpoint"))) == 1
    assert image_of(tmp_path) == image
    path = log_file(tmp_path)
    path.rename(path.with_name(f"{int(path.stem) + 3:020d}.log"))
    with pytest.raises(StorageError):
        open_catalog(tmp_path)


def test_every_change_is_there_or_not_at_every_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots and appends, dying before each write in turn, with some of its bytes arriving."""
    monkeypatch.setattr(node_module, "SNAPSHOT_LOG_BYTES", 300)
    for step in range(1, 400):
        directory = tmp_path / str(step)
        disk = FaultyFileSystem()
        catalog = open_catalog(directory, file_system=disk)
        disk.calls, disk.die_at, disk.torn_bytes = 0, step, step * 11 % 90
        done = 0
        try:
            for number in range(4):
                catalog.controller.set_config(4, "", {"log.cleaner.backoff.ms": str(number), "x": "y" * 200})
                done = number + 1
                catalog.controller.node.maintain()
        except PowerCut:
            pass
        kill(catalog)
        found = image_of(directory).config(4, "").get("log.cleaner.backoff.ms", "-1")
        assert int(found) in (done - 1, done), "the change under way, or the one before"
        if not disk.dead:
            break
    assert not disk.dead
    assert step > 10


def test_the_image_knows_the_epoch_in_which_a_partition_is_led(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("a", 1).partitions[0]
    append(log, b"x")
    seen = [(catalog.image.topics["a"].partitions[0].leader_epoch, log.leader_epoch)]
    for end in (kill, Catalog.close, kill):
        end(catalog)
        catalog = open_catalog(tmp_path)
        log = catalog.topics["a"].partitions[0]
        append(log, b"x")
        seen.append((catalog.image.topics["a"].partitions[0].leader_epoch, log.leader_epoch))
    assert seen == [(0, 0), (1, 1), (1, 1), (2, 2)], "a clean shutdown keeps the epoch"
    kill(catalog)


def test_after_a_failed_fsync_metadata_does_not_change_any_more(tmp_path: Path) -> None:
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk)
    disk.sync_error = True
    with pytest.raises(StorageFailed, match="fsync"):
        catalog.controller.set_config(4, "", {"a": "b"})
    disk.sync_error = False
    with pytest.raises(StorageFailed, match="restart the broker"):
        catalog.create_topic("a", 1)
    assert (dict(catalog.image.configs), dict(catalog.topics)) == ({}, {})
    kill(catalog)


# --- folders of format 1 -------------------------------------------------------------------------------------------

TOPIC_ID = "6f7e1f43-5f1a-4a3c-8f57-0d7d0bb8a111"


def old_folder(directory: Path) -> None:
    """A data folder as a broker of format 1 left it: a topic with a record, a deletion half done, used producer ids."""
    catalog = open_catalog(directory, boot_id="other")
    catalog._new_uuid = lambda: uuid.UUID(TOPIC_ID)
    append(catalog.create_topic("orders", 2, {"retention.ms": "-1"}).partitions[1], b"old")
    kill(catalog)
    meta = directory / "meta"
    for path in (*meta.glob("*.log"), *meta.glob("*.checkpoint"), *directory.glob("*/partition.metadata")):
        path.unlink()
    (meta / "quorum.json").unlink()
    row = {"name": "orders", "id": TOPIC_ID, "partitions": 2, "config": {"retention.ms": "-1"}, "internal": False}
    (directory / "gone-0").mkdir()
    (directory / "gone-0" / f"{0:020d}.log").write_bytes(b"of a deleted topic")
    doomed = [f"gone-0.{'a' * 32}-delete"]
    documents = {
        "cluster": {"cluster_id": "abcdefghijklmnopqrstuv"},
        "topics": {"topics": [row], "doomed": doomed},
        "producer_ids": {"end": 3000},
    }
    for kind, body in documents.items():
        data = encode_document(kind, body).replace(b'"format":2', b'"format":1')
        (meta / f"{kind}.json").write_bytes(data)


def check_migrated(catalog: Catalog) -> None:
    assert catalog.cluster_id == "abcdefghijklmnopqrstuv"
    topic = catalog.topics["orders"]
    assert (str(topic.topic_id), topic.config_overrides) == (TOPIC_ID, {"retention.ms": "-1"})
    assert values(read_records(topic.partitions[1])) == [b"old"]
    assert catalog.next_producer_id() >= 3000
    assert not os.path.exists(os.path.join(catalog.data_dir, "gone-0"))


def test_a_folder_of_format_1_is_migrated(tmp_path: Path) -> None:
    old_folder(tmp_path)
    catalog = open_catalog(tmp_path)
    check_migrated(catalog)
    catalog.close()
    meta = tmp_path / "meta"
    assert not (meta / "topics.json").exists()
    assert json.loads((meta / "cluster.json").read_text())["format"] == 2, "an older broker refuses the folder"
    catalog = open_catalog(tmp_path)
    check_migrated(catalog)
    catalog.close()


def test_a_migration_can_die_anywhere(tmp_path: Path) -> None:
    old_folder(tmp_path / "old")
    for step in range(1, 100):
        directory = tmp_path / str(step)
        shutil.copytree(tmp_path / "old", directory)
        disk = FaultyFileSystem()
        disk.die_at = step
        with contextlib.suppress(PowerCut):
            kill(open_catalog(directory, file_system=disk))
        catalog = open_catalog(directory)
        check_migrated(catalog)
        catalog.close()
        if not disk.dead:
            break
    assert not disk.dead
    assert step > 10

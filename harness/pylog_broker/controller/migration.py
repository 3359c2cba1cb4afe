"""A data folder's first metadata log: of a new cluster, or from the documents of on-disk format 1.

Format 1 kept topics in `meta/topics.json` and producer ids in `meta/producer_ids.json`, each rewritten as a whole. The order of
steps lets a crash at any point be repeated: the snapshot first, then `cluster.json` in format 2, which is what says that the
log counts, then the old documents go. A broker that knows only format 1 refuses the folder from the second step on.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

from harness.pylog_broker.controller.decisions import topic_records
from harness.pylog_broker.controller.features import INITIAL_LEVELS
from harness.pylog_broker.controller.metadata_log import MetadataLog
from harness.pylog_broker.controller.records import FeatureLevelRecord, ProducerIdsRecord, Record
from harness.pylog_broker.storage.documents import document_format, read_document, write_document
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory

METADATA_LOG_FORMAT = 2
"""The on-disk format from which the metadata is a log."""


def prepare(file_system: FileSystem, data_dir: str, meta: str, *, node_id: int, new_uuid: Callable[[], UUID]) -> str:
    """Make sure that `meta` holds a metadata log; the cluster id.

    Raises CorruptLog for a folder with data but without a cluster id, UnsupportedFormat for a newer one.
    """
    path = os.path.join(meta, "cluster.json")
    body = read_document(file_system, path, "cluster")
    if body is not None and document_format(file_system, path) >= METADATA_LOG_FORMAT:
        return str(body["cluster_id"])
    log = MetadataLog(file_system, meta)
    if body is None:
        _refuse_data(file_system, data_dir, meta)
        cluster_id = base64.urlsafe_b64encode(new_uuid().bytes).rstrip(b"=").decode()
        body = {"cluster_id": cluster_id}
    log.clear()
    log.write_snapshot(_records_of_documents(file_system, meta, node_id), 0, 0)
    sync_directory(file_system, data_dir)  # or a power cut takes the whole folder of the metadata
    write_document(file_system, path, "cluster", body)
    return str(body["cluster_id"])


def _refuse_data(file_system: FileSystem, data_dir: str, meta: str) -> None:
    """Without a cluster id, only a first start that was interrupted may have left something behind."""
    strange = [name for name in file_system.listdir(meta) if not name.endswith((".checkpoint", ".tmp"))]
    present = [name for name in file_system.listdir(data_dir) if name not in (".lock", "meta")]
    if strange or any(name.endswith("-0") for name in present):
        raise CorruptLog(
            f"{data_dir} holds data but no meta/cluster.json: restore that file, or choose another --data-dir"
        )


def _records_of_documents(file_system: FileSystem, meta: str, node_id: int) -> list[Record]:
    records: list[Record] = [FeatureLevelRecord(name, level) for name, level in INITIAL_LEVELS.items()]
    topics = _read(file_system, meta, "topics") or {"topics": []}
    for row in topics["topics"]:
        records += topic_records(
            UUID(row["id"]), row["name"], row["partitions"], (node_id,), row["config"], internal=row["internal"]
        )
    block = _read(file_system, meta, "producer_ids") or {"end": 0}
    records.append(ProducerIdsRecord(node_id, block["end"]))
    return records


def _read(file_system: FileSystem, meta: str, kind: str) -> Any:
    return read_document(file_system, os.path.join(meta, kind + ".json"), kind)


def doomed_folders(file_system: FileSystem, meta: str) -> list[str]:
    """Folders that a broker of format 1 had still to delete; until `forget_documents`."""
    body = _read(file_system, meta, "topics")
    return list(body["doomed"]) if body else []


def forget_documents(file_system: FileSystem, meta: str) -> None:
    """Delete what format 1 kept, once nothing of it is needed any more."""
    for kind in ("topics", "producer_ids"):
        with contextlib.suppress(FileNotFoundError):
            file_system.unlink(os.path.join(meta, kind + ".json"))

"""Jobs for the disk worker: a closed segment made durable, the bytes of a deleted one freed, a checkpoint's files written."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from harness.pylog_broker.storage.documents import write_document
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory, write_file
from harness.pylog_broker.storage.index import SparseIndex
from harness.pylog_broker.storage.leader_epochs import FILE_NAME
from harness.pylog_broker.storage.producer_state import SNAPSHOT_KIND
from harness.pylog_broker.storage.segment import Segment
from harness.pylog_broker.storage.transaction_index import SUFFIX

logger = logging.getLogger(__name__)

DELETED = ".deleted"
"""Behind the names of files that are not the log's any more (`file.delete.delay.ms`)."""


def finish_closed_segment(
    file_system: FileSystem, segment: Segment, *, on_failure: Callable[[str], None]
) -> Callable[[], None]:
    """A job that fsyncs a closed segment and writes its index, after which recovery need not look at it."""
    file, index = segment.open()

    def finish() -> None:
        if segment.deleted:
            return
        try:
            file_system.sync(file.fd)
            segment.transactions.sync()
            sync_directory(file_system, os.path.dirname(segment.path))
            segment.save_index(index)
            segment.synced = True
        except FileNotFoundError:
            pass  # deleted meanwhile
        except OSError as error:
            logger.error("cannot finish %s: %s", segment.log_path, error)
            on_failure(f"fsync of {segment.log_path} failed: {error}")

    return finish


def delete_segment_files(file_system: FileSystem, segment: Segment) -> Callable[[], None]:
    """Take a segment out of the log at once (rename); the job that is returned frees its bytes (unlink).

    What is renamed and not unlinked is unlinked by the next start.
    """
    paths = [segment.path + suffix for suffix in (".log", ".index", ".timeindex", SUFFIX)]
    for path in paths:
        try:
            file_system.rename(path, path + DELETED)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.error("cannot delete %s: %s", path, error)

    def unlink() -> None:
        for path in (*(path + DELETED for path in paths), *paths[1:]):  # an index may have been written meanwhile
            try:
                file_system.unlink(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                logger.error("cannot unlink %s: %s", path, error)

    return unlink


def write_recovery_aids(
    file_system: FileSystem,
    segment: Segment,
    index: SparseIndex | None,
    producers: list[list[Any]],
    offset: int,
    leader_epochs: bytes,
) -> None:
    """Write a copy of the active segment's index, the leader epochs, and the producers as of `offset`; raises OSError.

    Without an fsync: all can be rebuilt. Only aborted transactions are synced, and that before the snapshot is there:
    recovery takes what a snapshot covers as known.
    """
    segment.save_index(index)
    segment.transactions.sync()
    directory = os.path.dirname(segment.path)
    write_file(file_system, os.path.join(directory, FILE_NAME), leader_epochs, durable=False)
    name = f"{offset:020d}.snapshot"
    if producers:
        write_document(file_system, os.path.join(directory, name), SNAPSHOT_KIND, producers, durable=False)
    for other in file_system.listdir(directory):
        if other.endswith(".snapshot") and other != name:
            file_system.unlink(os.path.join(directory, other))

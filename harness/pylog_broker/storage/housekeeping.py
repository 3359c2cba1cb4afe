"""Jobs for the disk worker: a closed segment made durable, the bytes of a deleted one freed, a checkpoint's files written."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from harness.pylog_broker.storage.documents import write_document
from harness.pylog_broker.storage.filesystem import FileSystem, sync_directory
from harness.pylog_broker.storage.index import SparseIndex
from harness.pylog_broker.storage.producer_state import SNAPSHOT_KIND
from harness.pylog_broker.storage.segment import Segment

logger = logging.getLogger(__name__)


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
    """Take a segment out of the log at once (rename); the job that is returned frees its bytes (unlink)."""
    doomed = segment.log_path + ".deleted"
    try:
        file_system.rename(segment.log_path, doomed)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.error("cannot delete %s: %s", segment.log_path, error)

    def unlink() -> None:
        for path in (doomed, segment.path + ".index", segment.path + ".timeindex"):
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
) -> None:
    """Write a copy of the active segment's index, and the producers as of `offset`; raises OSError.

    Without an fsync: both can be rebuilt.
    """
    segment.save_index(index)
    directory = os.path.dirname(segment.path)
    name = f"{offset:020d}.snapshot"
    if producers:
        write_document(file_system, os.path.join(directory, name), SNAPSHOT_KIND, producers, durable=False)
    for other in file_system.listdir(directory):
        if other.endswith(".snapshot") and other != name:
            file_system.unlink(os.path.join(directory, other))

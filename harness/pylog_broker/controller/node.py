"""One node of the metadata quorum: asks the core, persists, then lets the image move on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from harness.pylog_broker.controller import quorum
from harness.pylog_broker.controller.image import EMPTY_IMAGE, MetadataImage, apply_all, snapshot_records
from harness.pylog_broker.controller.metadata_log import MetadataLog
from harness.pylog_broker.controller.records import Record, decode_record, encode_record
from harness.pylog_broker.storage.disk_worker import Worker
from harness.pylog_broker.storage.errors import StorageFailed
from harness.pylog_broker.storage.filesystem import FileSystem

logger = logging.getLogger(__name__)

SNAPSHOT_LOG_BYTES = 1 << 20  # appended since the last snapshot, at least, before the next one


class MetadataNode:
    """The owner of the image. `follow` hears of each new one, after the records that made it are on disk."""

    def __init__(
        self, file_system: FileSystem, folder: str, *, node_id: int, clock: Callable[[], int], worker: Worker
    ) -> None:
        """Read the log and take the lead of the quorum of one.

        Raises CorruptLog, UnsupportedFormat or StorageFailed.
        """
        self._log = MetadataLog(file_system, folder)
        self._clock = clock
        self._worker = worker
        loaded = self._log.load()
        image = apply_all(EMPTY_IMAGE, loaded.records)
        values = (value for entry in loaded.entries for value in entry.values)
        self.image: MetadataImage = apply_all(image, map(decode_record, values))
        self.follow: Callable[[MetadataImage], None] = lambda _image: None
        self._snapshot_bytes = 0
        self._state = quorum.recovered(node_id, loaded.hard, loaded.end_offset, loaded.last_epoch)
        self._take(quorum.Elect())

    @property
    def epoch(self) -> int:
        """The leader epoch of the metadata log."""
        return self._state.hard.epoch

    @property
    def end_offset(self) -> int:
        """Where the next record goes."""
        return self._state.end_offset

    @property
    def high_watermark(self) -> int:
        """The offset below which records are committed."""
        return self._state.high_watermark

    def propose(self, records: Sequence[Record]) -> None:
        """Commit records as one; the image has them, on disk, when this returns. Raises StorageFailed: nothing happened."""
        if records:
            # A record that contradicts the image must fail here: once it is in the log, it would fail each start.
            apply_all(self.image, records)
            self._take(quorum.Propose(tuple(map(encode_record, records))))

    def _take(self, message: quorum.Message) -> None:
        state, output = quorum.step(self._state, message)
        if output.persist_state is not None:
            self._log.save_state(output.persist_state)
        if output.persist:
            self._log.append(output.persist, self._clock())
        self._state = state
        for entry in output.apply:
            self.image = apply_all(self.image, map(decode_record, entry.values))
        if output.apply:
            self.follow(self.image)

    def maintain(self) -> None:
        """Begin a snapshot when the log has grown enough; it is written by the disk worker."""
        if self._log.size_bytes < max(SNAPSHOT_LOG_BYTES, self._snapshot_bytes):
            return
        image, end_offset, epoch = self.image, self.end_offset, self.epoch
        self._snapshot_bytes = self._log.size_bytes
        try:
            self._log.roll(end_offset)
        except OSError as error:
            logger.error("cannot begin a snapshot of the metadata: %s", error)
            return

        def write() -> None:
            try:
                self._log.write_snapshot(snapshot_records(image), end_offset, epoch)
            except (OSError, StorageFailed) as error:
                logger.error("cannot write a snapshot of the metadata: %s", error)

        self._worker.submit(write)

    def close(self) -> None:
        """Let go of the log; everything in it is on disk already."""
        self._log.close()

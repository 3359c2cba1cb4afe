"""`pylog log dump|verify`: what stands in the files of a log, batch by batch, and whether all of it is sound.

Reads only, and needs no broker; of a log that a broker writes just now, the last batch may look torn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.pylog_broker.storage.batch import (
    CODEC_MASK,
    CONTROL_BIT,
    LOG_APPEND_TIME_BIT,
    TRANSACTIONAL_BIT,
    BatchHeader,
    iterate_records,
)
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.filesystem import OsFileSystem
from harness.pylog_broker.storage.segment import BadBatch, check_batches
from harness.pylog_broker.tools import ToolFailed

EXIT_UNSOUND, EXIT_USAGE = 1, 2
VALUE_BYTES_SHOWN = 60
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    log = commands.add_parser("log", help="log files, without a broker: dump, verify")
    actions = log.add_subparsers(dest="action", metavar="ACTION", required=True)
    dump = actions.add_parser("dump", help="print the batches of a segment file, or of a partition's folder")
    dump.add_argument("path", type=Path, help="a .log file, or a folder such as DATA/orders-0")
    dump.add_argument("--records", action="store_true", help="the records of each batch too")
    dump.add_argument("--from", type=int, default=0, dest="from_offset", metavar="OFFSET")
    dump.add_argument("--limit", type=int, default=1000, help="batches at most (default: %(default)s)")
    dump.add_argument("--json", action="store_true", help="one JSON document a batch")
    verify = actions.add_parser(
        "verify", help="check every checksum and offset of a file, a partition or a data folder"
    )
    verify.add_argument("path", type=Path)
    verify.add_argument("--json", action="store_true", help="one JSON document on stdout")


class _File(NamedTuple):
    path: Path
    base_offset: int


def run(options: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code: 1 when something is unsound. Raises ToolFailed."""
    files = list(_files(options.path))
    if not files:
        raise ToolFailed(
            f"{options.path} holds no log: name a .log file, a partition's folder or a broker's data folder", EXIT_USAGE
        )
    return _dump(files, options) if options.action == "dump" else _verify(files, options)


def _files(path: Path) -> Iterator[_File]:
    candidates = [path] if path.is_file() else sorted(path.glob("*.log")) or sorted(path.glob("*/*.log"))
    for file in candidates:
        if file.suffix == ".log" and file.stem.isdecimal():
            yield _File(file, int(file.stem))


def _batches(file: _File) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header); each batch's checksum and place are checked. Raises BadBatch.

    Offsets may have gaps, where a log was compacted, but never go back.
    """
    system = OsFileSystem()
    fd = system.open(str(file.path), os.O_RDONLY, 0)
    try:
        size = os.fstat(fd).st_size
        least = file.base_offset
        for position, header in check_batches(system, fd, 0, size, expected_offset=None):
            if header.base_offset < least:
                raise BadBatch(position, f"offset {header.base_offset} after {least - 1}")
            least = header.next_offset
            yield position, header
    finally:
        system.close(fd)


def _dump(files: list[_File], options: argparse.Namespace) -> int:
    left = options.limit
    for file in files:
        try:
            for position, header in _batches(file):
                if header.last_offset < options.from_offset:
                    continue
                if left <= 0:
                    sys.stderr.write(f"pylog: stopped after --limit {options.limit} batches\n")
                    return 0
                left -= 1
                _print_batch(file, position, header, options)
        except BadBatch as error:
            raise ToolFailed(f"{file.path}: {error}", EXIT_UNSOUND) from None
    return 0


def _print_batch(file: _File, position: int, header: BatchHeader, options: argparse.Namespace) -> None:
    document = _describe(file, position, header)
    if options.records:
        document["records"] = _records(file, position, header)
    if options.json:
        sys.stdout.write(json.dumps(document) + "\n")
        return
    flags = "".join(
        f" {word}"
        for word, on in (("transactional", document["transactional"]), ("control", document["control"]))
        if on
    )
    producer = (
        f" producer {header.producer_id}/{header.producer_epoch} from {header.base_sequence}"
        if header.producer_id >= 0
        else ""
    )
    sys.stdout.write(
        f"{file.path.parent.name} {header.base_offset}..{header.last_offset} at byte {position}: {header.record_count} records, "
        f"{header.length} bytes, {document['codec']}, epoch {header.leader_epoch}, newest {header.max_timestamp}{producer}{flags}\n"
    )
    for record in document.get("records", ()):
        sys.stdout.write(f"    {record['offset']} @{record['timestamp']} {record['key']!r}: {record['value']!r}\n")


def _describe(file: _File, position: int, header: BatchHeader) -> dict[str, Any]:
    codec = header.attributes & CODEC_MASK
    return {
        "partition": file.path.parent.name,
        "position": position,
        **header._asdict(),
        "last_offset": header.last_offset,
        "codec": CODECS[codec] if codec < len(CODECS) else str(codec),
        "timestamp_type": "LogAppendTime" if header.attributes & LOG_APPEND_TIME_BIT else "CreateTime",
        "transactional": bool(header.attributes & TRANSACTIONAL_BIT),
        "control": bool(header.attributes & CONTROL_BIT),
    }


def _records(file: _File, position: int, header: BatchHeader) -> list[dict[str, Any]]:
    with file.path.open("rb") as source:
        source.seek(position)
        batch = source.read(header.length)
    try:
        return [
            {
                "offset": record.offset,
                "timestamp": record.timestamp,
                "key": _text(record.key),
                "value": _text(record.value),
            }
            for record in iterate_records(batch)
        ]
    except StorageError as error:
        raise ToolFailed(
            f"{file.path}: the records of the batch at byte {position} cannot be read: {error}", EXIT_UNSOUND
        ) from None


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    shown = bytes(data[:VALUE_BYTES_SHOWN]).decode("utf-8", "backslashreplace")
    return shown if len(data) <= VALUE_BYTES_SHOWN else f"{shown}… ({len(data)} bytes)"


def _verify(files: list[_File], options: argparse.Namespace) -> int:
    batches = records = size = 0
    problems: list[dict[str, str]] = []
    expected: dict[Path, int] = {}
    for file in files:
        next_offset = file.base_offset
        if expected.get(file.path.parent, next_offset) > next_offset:
            problems.append({"file": str(file.path), "problem": "begins before the end of the segment before it"})
        try:
            for _, header in _batches(file):
                batches += 1
                records += header.record_count
                size += header.length
                next_offset = header.next_offset
        except BadBatch as error:
            problems.append({"file": str(file.path), "problem": str(error)})
        expected[file.path.parent] = next_offset
    document = {"files": len(files), "batches": batches, "records": records, "bytes": size, "problems": problems}
    if options.json:
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        for row in problems:
            sys.stdout.write(f"UNSOUND {row['file']}: {row['problem']}\n")
        verdict = "sound" if not problems else f"{len(problems)} of {len(files)} files are not sound"
        sys.stdout.write(f"{len(files)} files, {batches} batches, {records} records, {size} bytes: {verdict}\n")
    return EXIT_UNSOUND if problems else 0

"""Small JSON files with a checksum, and what tells a killed process from a machine that went down.

`{"format": 1, "kind": ..., "crc32c": ..., "body": {...}}`: the checksum covers the body in its canonical form (sorted keys,
no spaces), so a file that was edited by hand or half written is refused instead of believed.
"""

from __future__ import annotations

import json
from typing import Any

from harness.pylog_broker.storage.batch import checksum
from harness.pylog_broker.storage.errors import CorruptLog, UnsupportedFormat
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, write_file

FORMAT_VERSION = 2
"""Of every file of the data folder; FORMAT.md says what changed. Documents of earlier formats are still read."""
BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"


def _canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def encode_document(kind: str, body: object) -> bytes:
    """The bytes of a document."""
    data = _canonical(body)
    head = f'{{"format":{FORMAT_VERSION},"kind":"{kind}","crc32c":{checksum(data, 0, len(data))},"body":'
    return head.encode() + data + b"}\n"


def decode_document(kind: str, data: bytes, *, path: str) -> Any:
    """The body of a document.

    Raises UnsupportedFormat when a newer version wrote it, CorruptLog when it is damaged or of another kind.
    """
    try:
        document = json.loads(data)
        version, found, crc, body = (document[name] for name in ("format", "kind", "crc32c", "body"))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptLog(f"{path} is not a {kind} file: {error}") from error
    if version > FORMAT_VERSION:
        raise UnsupportedFormat(
            f"{path} has format {version}; this version reads up to {FORMAT_VERSION}. "
            f"Start the newer version that wrote it, or choose another --data-dir"
        )
    canonical = _canonical(body)
    if found != kind or crc != checksum(canonical, 0, len(canonical)):
        raise CorruptLog(f"{path} is damaged or was edited: its checksum does not match")
    return body


def write_document(file_system: FileSystem, path: str, kind: str, body: object, *, durable: bool = True) -> None:
    """Replace a document as a whole (temporary file, fsync, rename)."""
    write_file(file_system, path, encode_document(kind, body), durable=durable)


def read_document(file_system: FileSystem, path: str, kind: str) -> Any:
    """The body of a document, or None when there is no such file; raises as `decode_document`."""
    try:
        data = read_file(file_system, path)
    except FileNotFoundError:
        return None
    return decode_document(kind, data, path=path)


def document_format(file_system: FileSystem, path: str) -> int:
    """The format of a document that `read_document` has read."""
    return int(json.loads(read_file(file_system, path))["format"])


def current_boot_id() -> str:
    """An id that changes when the machine restarts, or "" where there is none.

    While it stays the same, whatever a killed process wrote is still there, synced or not.
    """
    try:
        with open(BOOT_ID_PATH, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""

"""Decompression of record batches, for the cold paths only: the hot path never opens a batch.

Codec numbers are those of message format v2, attribute bits 0-2. Modules beyond the standard library are optional; a
batch whose module is missing raises `CodecMissing`, and callers fall back to what the batch header says.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import Any

from harness.pylog_broker.storage.errors import CorruptBatch, StorageError

# A batch of at most `max.message.bytes` may still expand a thousandfold; more than this is refused.
DECOMPRESSED_BYTES_MAX = 256 << 20

XERIAL_MAGIC = b"\x82SNAPPY\x00"
XERIAL_HEADER_SIZE = 16


class CodecMissing(StorageError):
    """The Python module of a compression codec is not installed."""

    error_code = 76  # UNSUPPORTED_COMPRESSION_TYPE
    fault = "environment"


def _module(name: str, package: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise CodecMissing(f"cannot read this batch: install the package '{package}'") from error


def _gzip(data: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return inflater.decompress(data, DECOMPRESSED_BYTES_MAX)


def _snappy(data: bytes) -> bytes:
    """Snappy as Java clients frame it (xerial: length-prefixed blocks) or a single raw block."""
    snappy = _module("snappy", "python-snappy")
    if not data.startswith(XERIAL_MAGIC):
        return bytes(snappy.decompress(data))
    blocks: list[bytes] = []
    position, total = XERIAL_HEADER_SIZE, 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        block = bytes(snappy.decompress(data[position + 4 : position + 4 + length]))
        total += len(block)
        if total > DECOMPRESSED_BYTES_MAX:
            raise CorruptBatch(f"a batch expands to more than {DECOMPRESSED_BYTES_MAX} bytes")
        blocks.append(block)
        position += 4 + length
    return b"".join(blocks)


def _lz4(data: bytes) -> bytes:
    decompressor = _module("lz4.frame", "lz4").LZ4FrameDecompressor()
    return bytes(decompressor.decompress(data, DECOMPRESSED_BYTES_MAX))


def _zstd(data: bytes) -> bytes:
    zstandard = _module("zstandard", "zstandard")
    reader = zstandard.ZstdDecompressor().stream_reader(data)
    return bytes(reader.read(DECOMPRESSED_BYTES_MAX))


_CODECS = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}


def decompress(codec: int, data: bytes) -> bytes:
    """The records section of a batch, decompressed.

    Raises CodecMissing when the module is not installed, CorruptBatch when the bytes are damaged or the codec unknown.
    """
    if codec == 0:
        return data
    if codec not in _CODECS:
        raise CorruptBatch(f"unknown compression codec {codec}")
    try:
        return _CODECS[codec](data)
    except StorageError:
        raise
    except Exception as error:
        raise CorruptBatch(f"cannot decompress a batch with codec {codec}: {error}") from error

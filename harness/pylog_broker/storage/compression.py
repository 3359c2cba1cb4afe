"""Compression of record batches, for the cold paths only: the hot path never opens a batch.

Codec numbers are those of message format v2, attribute bits 0-2. Modules are imported at the first use, which keeps a cold
start light. Where one is missing, `CodecMissing` is raised, and a look-up by time falls back to what the batch header says.
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
    if not data.startswith(XERIAL_MAGIC):
        return _snappy_block(data, DECOMPRESSED_BYTES_MAX)
    blocks: list[bytes] = []
    position, left = XERIAL_HEADER_SIZE, DECOMPRESSED_BYTES_MAX
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        block = _snappy_block(data[position + 4 : position + 4 + length], left)
        left -= len(block)
        blocks.append(block)
        position += 4 + length
    return b"".join(blocks)


def _snappy_block(data: bytes, bytes_max: int) -> bytes:
    """A raw block; it begins with its size, a plain varint, so that nothing large is made for a small lie."""
    size = shift = 0
    for byte in data[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > bytes_max:
        raise CorruptBatch(f"a batch expands to more than {DECOMPRESSED_BYTES_MAX} bytes")
    return bytes(_module("snappy", "python-snappy").decompress(data))


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


# --- Compression: compaction, and topics whose `compression.type` is not the producer's ------------------------------

CODEC_NUMBERS = {"uncompressed": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""The values of `compression.type`, but for `producer`."""

XERIAL_VERSIONS = b"\0\0\0\1\0\0\0\1"
XERIAL_BLOCK_BYTES = 32 << 10


def _to_gzip(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return deflater.compress(data) + deflater.flush()


def _to_snappy(data: bytes) -> bytes:
    """Framed as Java clients do it."""
    snappy = _module("snappy", "python-snappy")
    parts = [XERIAL_MAGIC, XERIAL_VERSIONS]
    for start in range(0, len(data), XERIAL_BLOCK_BYTES):
        block = bytes(snappy.compress(data[start : start + XERIAL_BLOCK_BYTES]))
        parts += [len(block).to_bytes(4, "big"), block]
    return b"".join(parts)


def _to_lz4(data: bytes) -> bytes:
    """One frame of independent blocks: Java clients read no others."""
    frame = _module("lz4.frame", "lz4")
    return bytes(frame.compress(data, block_size=frame.BLOCKSIZE_MAX64KB, block_linked=False, store_size=False))


def _to_zstd(data: bytes) -> bytes:
    return bytes(_module("zstandard", "zstandard").ZstdCompressor().compress(data))


_COMPRESSORS = {1: _to_gzip, 2: _to_snappy, 3: _to_lz4, 4: _to_zstd}


def compress(codec: int, data: bytes) -> bytes:
    """A records section, compressed; raises CodecMissing."""
    return _COMPRESSORS[codec](data) if codec else data

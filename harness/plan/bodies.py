"""Payload bodies of realistic entropy, cheap to make: a small JSON head of its own for each message, and filler text.

A body is ``{head fields ..., "<filler key>": "<filler>"}`` cut to the wanted size; heads come from a pool of ``POOL`` documents and the
filler is a window into ``FILLER_BYTES`` of generated text, both drawn from the seed. ``compressed_share`` states the entropy:
what zlib leaves of a sample of bodies taken together.
"""

from __future__ import annotations

import json
import zlib
from itertools import islice
from typing import Final

import numpy as np

POOL: Final = 256
FILLER_BYTES: Final = 1 << 18
_BLOCK: Final = 8192  # words drawn at a time

_PAGES = ("/home", "/search", "/product", "/cart", "/checkout", "/help", "/account", "/offers")
_AGENTS = ("Firefox/143.0 (X11; Linux x86_64)", "Chrome/142.0 (Windows NT 10.0)", "Safari/19.1 (iPhone; iOS 19)")
_SYLLABLES = ("ka", "lo", "mi", "ter", "ron", "sa", "ve", "du", "pri", "nal", "go", "shi", "ben", "qu", "ex", "or")
_FILLER_KEY = {"click_json": "referrer", "order_json": "note", "mail_json": "body", "telemetry_json": "trace"}


class Bodies:
    """All bodies of one workload. ``get(number, size_bytes)`` is pure: the same arguments give the same bytes."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind = kind
        generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(kind.encode())]))
        if kind == "zeros":
            self._heads: list[bytes] = [b""]
            self._filler = bytes(FILLER_BYTES)
        elif kind == "random":
            self._heads = [b""]
            self._filler = generator.bytes(FILLER_BYTES)
        else:
            self._heads = [_head(kind, generator) for _ in range(POOL)]
            self._filler = _text(generator)
        self._tail = b'"}' if self.kind.endswith("_json") else b""

    def get(self, number: int, size_bytes: int) -> bytes:
        """Body number ``number`` of exactly ``size_bytes``. JSON kinds are valid JSON from about 200 bytes upwards."""
        head = self._heads[number % len(self._heads)]
        room = size_bytes - len(head) - len(self._tail)
        if room < 0:
            return self._slice(number, size_bytes)
        return head + self._slice(number, room) + self._tail

    def _slice(self, number: int, length: int) -> bytes:
        start = (number * 7919) % (FILLER_BYTES - 1)
        piece = self._filler[start : start + length]
        while len(piece) < length:
            piece += self._filler[: length - len(piece)]
        return piece

    def compressed_share(self, size_bytes: int, sample: int = 64) -> float:
        """zlib level 6 size divided by plain size, over ``sample`` bodies in one stream: 1.0 is incompressible."""
        joined = b"".join(self.get(number, size_bytes) for number in range(sample))
        return len(zlib.compress(joined, 6)) / max(1, len(joined))


def _text(generator: np.random.Generator) -> bytes:
    """Words of one to four random syllables, every seventh a hexadecimal id; free of quotes and backslashes."""
    words: list[str] = []
    length = 0
    while length < FILLER_BYTES:
        counts = np.where(generator.random(_BLOCK) < 0.15, 0, generator.integers(1, 5, _BLOCK)).tolist()
        syllables = iter([_SYLLABLES[index] for index in generator.integers(0, len(_SYLLABLES), sum(counts))])
        ids = generator.bytes(6 * _BLOCK).hex()
        words += [
            "".join(islice(syllables, count)) if count else ids[12 * place : 12 * place + 12]
            for place, count in enumerate(counts)
        ]
        length = sum(map(len, words)) + len(words)
    return " ".join(words).encode()[:FILLER_BYTES]


def _head(kind: str, generator: np.random.Generator) -> bytes:
    def pick(options: tuple[str, ...]) -> str:
        return options[int(generator.integers(0, len(options)))]

    identifier = generator.bytes(8).hex()
    fields: dict[str, object]
    if kind == "click_json":
        fields = {
            "event": "click", "session": identifier, "page": pick(_PAGES), "x": int(generator.integers(0, 1920)),
            "y": int(generator.integers(0, 1080)), "agent": pick(_AGENTS), "consent": bool(generator.random() < 0.8),
        }  # fmt: skip
    elif kind == "order_json":
        fields = {
            "order": identifier, "items": [{"sku": generator.bytes(4).hex(), "quantity": int(generator.integers(1, 5))}],
            "total_cents": int(generator.integers(100, 100_000)), "currency": "EUR",
        }  # fmt: skip
    elif kind == "mail_json":
        fields = {"template": "password_reset", "recipient": f"user-{identifier}", "token": generator.bytes(16).hex()}
    else:
        fields = {
            "device": identifier,
            "celsius": round(float(generator.normal(21, 4)), 2),
            "volts": round(float(generator.normal(3.3, 0.1)), 3),
        }
    return (json.dumps(fields, separators=(",", ":"))[:-1] + f',"{_FILLER_KEY[kind]}":"').encode()

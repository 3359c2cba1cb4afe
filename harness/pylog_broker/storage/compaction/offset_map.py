"""Key -> last offset, for as many keys as fit into the memory that was granted."""

from __future__ import annotations

BYTES_PER_KEY = 160  # a dict entry, sixteen bytes of digest and an integer, as CPython keeps them
DIGEST_BYTES = 16


class OffsetMap:
    """Holds digests of keys, not keys, so that its size does not depend on them; two keys never meet in practice."""

    __slots__ = ("_blake2b", "_offsets", "keys_max")

    def __init__(self, memory_bytes: int) -> None:
        from hashlib import blake2b  # loads OpenSSL: a cold start does without it

        self._blake2b = blake2b
        self.keys_max = max(1, memory_bytes // BYTES_PER_KEY)
        self._offsets: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._offsets)

    def room_for(self, keys: int) -> bool:
        """Whether this many more keys fit, all new."""
        return len(self._offsets) + keys <= self.keys_max

    def put(self, key: bytes, offset: int) -> None:
        """Note a later record of `key`."""
        self._offsets[self._digest(key)] = offset

    def last_offset(self, key: bytes) -> int:
        """The last offset noted for `key`, or -1."""
        return self._offsets.get(self._digest(key), -1)

    def _digest(self, key: bytes) -> bytes:
        return self._blake2b(key, digest_size=DIGEST_BYTES).digest()

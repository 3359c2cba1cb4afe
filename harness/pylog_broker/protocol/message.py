"""The base of every generated message: a flat record with slots, and decoding that maps every fault to one error."""

from __future__ import annotations

import struct
from typing import ClassVar, Self

from harness.pylog_broker.protocol.primitives import Buffer, MalformedMessage


class Structure:
    """A record of the protocol: fields are its slots; equal when all fields are equal."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        """Read one structure at `position`; return it and the position after it."""
        raise NotImplementedError

    def write(self, out: bytearray, version: int) -> None:
        """Append the structure; fields that `version` does not have are left out."""
        raise NotImplementedError


class Message(Structure):
    """A whole request or response body."""

    __slots__ = ()

    API_KEY: ClassVar[int]
    MIN_VERSION: ClassVar[int]
    MAX_VERSION: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]
    """The first flexible version (KIP-482); one past `MAX_VERSION` where there is none."""

    @classmethod
    def decode(cls, data: Buffer, version: int, position: int = 0) -> Self:
        """Decode a body that begins at `position`. Raises `MalformedMessage` whatever is wrong with the bytes."""
        try:
            message, _ = cls.read(data, position, version)
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise MalformedMessage(f"{cls.__name__} version {version}: {error}") from None
        return message

    def encode(self, version: int) -> bytearray:
        """Encode the body for `version`."""
        out = bytearray()
        self.write(out, version)
        return out

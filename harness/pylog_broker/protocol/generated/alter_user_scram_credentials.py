"""Generated from schema/alter_user_scram_credentials.txt by protocol/generate.py: change the table, not this file."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, unpack_from
from typing import ClassVar, Self
from uuid import UUID

from harness.pylog_broker.protocol.message import Message, Structure
from harness.pylog_broker.protocol.primitives import (
    CLASSIC,
    COMPACT,
    ZERO_UUID,
    Buffer,
    read_tag,
    read_unsigned_varint,
    read_uuid,
    skip_tags,
    write_tags,
)

_STRUCT_b = Struct(">b")
_STRUCT_bi = Struct(">bi")
_STRUCT_h = Struct(">h")
_STRUCT_i = Struct(">i")


class AlterUserScramCredentialsRequestDeletion(Structure):
    """Part of AlterUserScramCredentials."""

    __slots__ = ("name", "mechanism")

    def __init__(
        self,
        name: str = "",
        mechanism: int = 0,
    ) -> None:
        self.name = name
        self.mechanism = mechanism

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        mechanism, = _STRUCT_b.unpack_from(data, position)
        position += 1
        position = skip_tags(data, position)
        return cls(name, mechanism), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        out += _STRUCT_b.pack(self.mechanism)
        out.append(0)


class AlterUserScramCredentialsRequestUpsertion(Structure):
    """Part of AlterUserScramCredentials."""

    __slots__ = ("name", "mechanism", "iterations", "salt", "salted_password")

    def __init__(
        self,
        name: str = "",
        mechanism: int = 0,
        iterations: int = 0,
        salt: bytes = b"",
        salted_password: bytes = b"",
    ) -> None:
        self.name = name
        self.mechanism = mechanism
        self.iterations = iterations
        self.salt = salt
        self.salted_password = salted_password

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        mechanism, iterations = _STRUCT_bi.unpack_from(data, position)
        position += 5
        salt: bytes
        salt, position = encoding.read_bytes(data, position)
        salted_password: bytes
        salted_password, position = encoding.read_bytes(data, position)
        position = skip_tags(data, position)
        return cls(name, mechanism, iterations, salt, salted_password), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        out += _STRUCT_bi.pack(self.mechanism, self.iterations)
        encoding.write_bytes(out, self.salt)
        encoding.write_bytes(out, self.salted_password)
        out.append(0)


class AlterUserScramCredentialsRequest(Message):
    """AlterUserScramCredentialsRequest, versions 0 to 0."""

    __slots__ = ("deletions", "upsertions")

    API_KEY: ClassVar[int] = 51
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        deletions: Sequence[AlterUserScramCredentialsRequestDeletion] = (),
        upsertions: Sequence[AlterUserScramCredentialsRequestUpsertion] = (),
    ) -> None:
        self.deletions = deletions
        self.upsertions = upsertions

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        deletions: Sequence[AlterUserScramCredentialsRequestDeletion]
        element_count, position = encoding.read_count(data, position, 3)
        deletions_elements: list[AlterUserScramCredentialsRequestDeletion] = []
        for _ in range(element_count):
            deletions_element, position = AlterUserScramCredentialsRequestDeletion.read(data, position, version)
            deletions_elements.append(deletions_element)
        deletions = deletions_elements
        upsertions: Sequence[AlterUserScramCredentialsRequestUpsertion]
        element_count, position = encoding.read_count(data, position, 9)
        upsertions_elements: list[AlterUserScramCredentialsRequestUpsertion] = []
        for _ in range(element_count):
            upsertions_element, position = AlterUserScramCredentialsRequestUpsertion.read(data, position, version)
            upsertions_elements.append(upsertions_element)
        upsertions = upsertions_elements
        position = skip_tags(data, position)
        return cls(deletions, upsertions), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.deletions)
        for deletions_element in self.deletions:
            deletions_element.write(out, version)
        encoding.write_count(out, self.upsertions)
        for upsertions_element in self.upsertions:
            upsertions_element.write(out, version)
        out.append(0)


class AlterUserScramCredentialsResponseResult(Structure):
    """Part of AlterUserScramCredentials."""

    __slots__ = ("user", "error_code", "error_message")

    def __init__(
        self,
        user: str = "",
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        user: str
        user, position = encoding.read_string(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        position = skip_tags(data, position)
        return cls(user, error_code, error_message), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.user)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        out.append(0)


class AlterUserScramCredentialsResponse(Message):
    """AlterUserScramCredentialsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "results")

    API_KEY: ClassVar[int] = 51
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        results: Sequence[AlterUserScramCredentialsResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, = _STRUCT_i.unpack_from(data, position)
        position += 4
        results: Sequence[AlterUserScramCredentialsResponseResult]
        element_count, position = encoding.read_count(data, position, 5)
        results_elements: list[AlterUserScramCredentialsResponseResult] = []
        for _ in range(element_count):
            results_element, position = AlterUserScramCredentialsResponseResult.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.throttle_time_ms)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        out.append(0)

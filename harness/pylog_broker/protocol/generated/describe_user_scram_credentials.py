"""Generated from schema/describe_user_scram_credentials.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_bi = Struct(">bi")
_STRUCT_h = Struct(">h")
_STRUCT_ih = Struct(">ih")


class DescribeUserScramCredentialsRequestUser(Structure):
    """Part of DescribeUserScramCredentials."""

    __slots__ = ("name",)

    def __init__(
        self,
        name: str = "",
    ) -> None:
        self.name = name

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        name: str
        name, position = encoding.read_string(data, position)
        position = skip_tags(data, position)
        return cls(name), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.name)
        out.append(0)


class DescribeUserScramCredentialsRequest(Message):
    """DescribeUserScramCredentialsRequest, versions 0 to 0."""

    __slots__ = ("users",)

    API_KEY: ClassVar[int] = 50
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        users: Sequence[DescribeUserScramCredentialsRequestUser] | None = (),
    ) -> None:
        self.users = users

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        users: Sequence[DescribeUserScramCredentialsRequestUser] | None
        element_count, position = encoding.read_nullable_count(data, position, 2)
        users = None
        if element_count >= 0:
            users_elements: list[DescribeUserScramCredentialsRequestUser] = []
            for _ in range(element_count):
                users_element, position = DescribeUserScramCredentialsRequestUser.read(data, position, version)
                users_elements.append(users_element)
            users = users_elements
        position = skip_tags(data, position)
        return cls(users), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_count(out, self.users)
        for users_element in self.users or ():
            users_element.write(out, version)
        out.append(0)


class DescribeUserScramCredentialsResponseCredentialInfo(Structure):
    """Part of DescribeUserScramCredentials."""

    __slots__ = ("mechanism", "iterations")

    def __init__(
        self,
        mechanism: int = 0,
        iterations: int = 0,
    ) -> None:
        self.mechanism = mechanism
        self.iterations = iterations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        mechanism, iterations = _STRUCT_bi.unpack_from(data, position)
        position += 5
        position = skip_tags(data, position)
        return cls(mechanism, iterations), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_bi.pack(self.mechanism, self.iterations)
        out.append(0)


class DescribeUserScramCredentialsResponseResult(Structure):
    """Part of DescribeUserScramCredentials."""

    __slots__ = ("user", "error_code", "error_message", "credential_infos")

    def __init__(
        self,
        user: str = "",
        error_code: int = 0,
        error_message: str | None = None,
        credential_infos: Sequence[DescribeUserScramCredentialsResponseCredentialInfo] = (),
    ) -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message
        self.credential_infos = credential_infos

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        user: str
        user, position = encoding.read_string(data, position)
        error_code, = _STRUCT_h.unpack_from(data, position)
        position += 2
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        credential_infos: Sequence[DescribeUserScramCredentialsResponseCredentialInfo]
        element_count, position = encoding.read_count(data, position, 6)
        credential_infos_elements: list[DescribeUserScramCredentialsResponseCredentialInfo] = []
        for _ in range(element_count):
            credential_infos_element, position = DescribeUserScramCredentialsResponseCredentialInfo.read(data, position, version)
            credential_infos_elements.append(credential_infos_element)
        credential_infos = credential_infos_elements
        position = skip_tags(data, position)
        return cls(user, error_code, error_message, credential_infos), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        encoding.write_string(out, self.user)
        out += _STRUCT_h.pack(self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.credential_infos)
        for credential_infos_element in self.credential_infos:
            credential_infos_element.write(out, version)
        out.append(0)


class DescribeUserScramCredentialsResponse(Message):
    """DescribeUserScramCredentialsResponse, versions 0 to 0."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "results")

    API_KEY: ClassVar[int] = 50
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        results: Sequence[DescribeUserScramCredentialsResponseResult] = (),
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results = results

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        results: Sequence[DescribeUserScramCredentialsResponseResult]
        element_count, position = encoding.read_count(data, position, 6)
        results_elements: list[DescribeUserScramCredentialsResponseResult] = []
        for _ in range(element_count):
            results_element, position = DescribeUserScramCredentialsResponseResult.read(data, position, version)
            results_elements.append(results_element)
        results = results_elements
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, results), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        encoding.write_count(out, self.results)
        for results_element in self.results:
            results_element.write(out, version)
        out.append(0)

"""Generated from schema/describe_cluster.txt by protocol/generate.py: change the table, not this file."""

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

_STRUCT_o = Struct(">?")
_STRUCT_b = Struct(">b")
_STRUCT_i = Struct(">i")
_STRUCT_ih = Struct(">ih")


class DescribeClusterRequest(Message):
    """DescribeClusterRequest, versions 0 to 2."""

    __slots__ = ("include_cluster_authorized_operations", "endpoint_type", "include_fenced_brokers")

    API_KEY: ClassVar[int] = 60
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        include_cluster_authorized_operations: bool = False,
        endpoint_type: int = 1,
        include_fenced_brokers: bool = False,
    ) -> None:
        self.include_cluster_authorized_operations = include_cluster_authorized_operations
        self.endpoint_type = endpoint_type
        self.include_fenced_brokers = include_fenced_brokers

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        include_cluster_authorized_operations, = _STRUCT_o.unpack_from(data, position)
        position += 1
        endpoint_type: int = 1
        if version >= 1:
            endpoint_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        include_fenced_brokers: bool = False
        if version >= 2:
            include_fenced_brokers, = _STRUCT_o.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(include_cluster_authorized_operations, endpoint_type, include_fenced_brokers), position

    def write(self, out: bytearray, version: int) -> None:
        out += _STRUCT_o.pack(self.include_cluster_authorized_operations)
        if version >= 1:
            out += _STRUCT_b.pack(self.endpoint_type)
        if version >= 2:
            out += _STRUCT_o.pack(self.include_fenced_brokers)
        out.append(0)


class DescribeClusterResponseBroker(Structure):
    """Part of DescribeCluster."""

    __slots__ = ("broker_id", "host", "port", "rack", "is_fenced")

    def __init__(
        self,
        broker_id: int = 0,
        host: str = "",
        port: int = 0,
        rack: str | None = None,
        is_fenced: bool = False,
    ) -> None:
        self.broker_id = broker_id
        self.host = host
        self.port = port
        self.rack = rack
        self.is_fenced = is_fenced

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        broker_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        host: str
        host, position = encoding.read_string(data, position)
        port, = _STRUCT_i.unpack_from(data, position)
        position += 4
        rack: str | None
        rack, position = encoding.read_nullable_string(data, position)
        is_fenced: bool = False
        if version >= 2:
            is_fenced, = _STRUCT_o.unpack_from(data, position)
            position += 1
        position = skip_tags(data, position)
        return cls(broker_id, host, port, rack, is_fenced), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_i.pack(self.broker_id)
        encoding.write_string(out, self.host)
        out += _STRUCT_i.pack(self.port)
        encoding.write_string(out, self.rack)
        if version >= 2:
            out += _STRUCT_o.pack(self.is_fenced)
        out.append(0)


class DescribeClusterResponse(Message):
    """DescribeClusterResponse, versions 0 to 2."""

    __slots__ = ("throttle_time_ms", "error_code", "error_message", "endpoint_type", "cluster_id", "controller_id", "brokers", "cluster_authorized_operations")

    API_KEY: ClassVar[int] = 60
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 0

    def __init__(
        self,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        endpoint_type: int = 1,
        cluster_id: str = "",
        controller_id: int = -1,
        brokers: Sequence[DescribeClusterResponseBroker] = (),
        cluster_authorized_operations: int = -2147483648,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.endpoint_type = endpoint_type
        self.cluster_id = cluster_id
        self.controller_id = controller_id
        self.brokers = brokers
        self.cluster_authorized_operations = cluster_authorized_operations

    @classmethod
    def read(cls, data: Buffer, position: int, version: int) -> tuple[Self, int]:
        encoding = COMPACT
        throttle_time_ms, error_code = _STRUCT_ih.unpack_from(data, position)
        position += 6
        error_message: str | None
        error_message, position = encoding.read_nullable_string(data, position)
        endpoint_type: int = 1
        if version >= 1:
            endpoint_type, = _STRUCT_b.unpack_from(data, position)
            position += 1
        cluster_id: str
        cluster_id, position = encoding.read_string(data, position)
        controller_id, = _STRUCT_i.unpack_from(data, position)
        position += 4
        brokers: Sequence[DescribeClusterResponseBroker]
        element_count, position = encoding.read_count(data, position, 11)
        brokers_elements: list[DescribeClusterResponseBroker] = []
        for _ in range(element_count):
            brokers_element, position = DescribeClusterResponseBroker.read(data, position, version)
            brokers_elements.append(brokers_element)
        brokers = brokers_elements
        cluster_authorized_operations, = _STRUCT_i.unpack_from(data, position)
        position += 4
        position = skip_tags(data, position)
        return cls(throttle_time_ms, error_code, error_message, endpoint_type, cluster_id, controller_id, brokers, cluster_authorized_operations), position

    def write(self, out: bytearray, version: int) -> None:
        encoding = COMPACT
        out += _STRUCT_ih.pack(self.throttle_time_ms, self.error_code)
        encoding.write_string(out, self.error_message)
        if version >= 1:
            out += _STRUCT_b.pack(self.endpoint_type)
        encoding.write_string(out, self.cluster_id)
        out += _STRUCT_i.pack(self.controller_id)
        encoding.write_count(out, self.brokers)
        for brokers_element in self.brokers:
            brokers_element.write(out, version)
        out += _STRUCT_i.pack(self.cluster_authorized_operations)
        out.append(0)

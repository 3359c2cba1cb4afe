"""A member of a share group that is one call a request, on a broker without sockets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.pylog_broker.controller.image import GROUP_RESOURCE
from harness.pylog_broker.dispatch import Parked
from harness.pylog_broker.protocol.generated import share_acknowledge as acknowledge
from harness.pylog_broker.protocol.generated import share_fetch as fetch
from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.protocol.generated.share_group_heartbeat import ShareGroupHeartbeatRequest
from harness.pylog_broker.storage.batch import build_batch, parse_header
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker, decode

ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4
Said = tuple[int, int, int]


def configure(local: LocalBroker, group: str = "g", **values: str) -> None:
    settings = {"share.auto.offset.reset": "earliest"} | {
        name.replace("_", "."): value for name, value in values.items()
    }
    local.catalog.controller.set_config(GROUP_RESOURCE, group, settings)


def produce(local: LocalBroker, topic: str, *sizes: int, partition: int = 0) -> None:
    """Append batches of so many records each."""
    for size in sizes:
        records = bytes(build_batch([(b"k", b"v")] * size, timestamp_ms=NOW_MS))
        rows = [ProduceRequestTopic(name=topic, partition_data=[ProduceRequestPartition(partition, records)])]
        answer = local.call(ProduceRequest(acks=1, timeout_ms=1000, topic_data=rows), 9)
        assert answer.responses[0].partition_responses[0].error_code == 0


def heartbeat(local: LocalBroker, member: str = "m1", epoch: int = 0, *topics: str, group: str = "g") -> Any:
    names = list(topics) if topics else None
    return local.call(
        ShareGroupHeartbeatRequest(group_id=group, member_id=member, member_epoch=epoch, subscribed_topic_names=names),
        1,
    )


class Member:
    """A share session over one topic; `epoch` is what its next request says."""

    def __init__(self, local: LocalBroker, topic: str, name: str = "m1", group: str = "g") -> None:
        self.local = local
        self.topic_id = local.catalog.topics[topic].topic_id
        self.who = {"group_id": group, "member_id": name}
        self.epoch = 0
        self._parked: Any = None

    def fetch(self, *said: Said, epoch: int | None = None, version: int = 2, **how: Any) -> Any:
        """The decoded answer; None when the request is parked."""
        request = self.fetch_request(*said, epoch=epoch, **how)
        output = self.local.send(request, version)
        if isinstance(output, Parked):
            self._parked = (output, request, version)
            return None
        return decode(output, request, version)

    def fetch_request(
        self, *said: Said, epoch: int | None = None, partitions: tuple[int, ...] = (0,), **how: Any
    ) -> fetch.ShareFetchRequest:
        batches = [fetch.ShareFetchRequestBatch(first, last, [kind]) for first, last, kind in said]
        rows = [fetch.ShareFetchRequestPartition(number, batches) for number in partitions]
        topic_id: UUID = how.pop("topic_id", self.topic_id)
        fields = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": 1 << 20, "max_records": 500, "batch_size": 500} | how
        request = fetch.ShareFetchRequest(
            **self.who,
            share_session_epoch=self.epoch if epoch is None else epoch,
            topics=[fetch.ShareFetchRequestTopic(topic_id, rows)],
            **fields,
        )
        self.epoch += epoch is None
        return request

    def parked_answer(self) -> Any:
        """The answer to the request that was parked; None while it still is."""
        parked, request, version = self._parked
        if not parked.deferred.done:
            return None
        return decode(parked.encode(), request, version)

    def acknowledge(self, *said: Said, epoch: int | None = None, renews: bool = False, **how: Any) -> Any:
        batches = [
            acknowledge.ShareAcknowledgeRequestBatch(first, last, how.get("types", [kind]))
            for first, last, kind in said
        ]
        rows = [acknowledge.ShareAcknowledgeRequestPartition(how.get("partition", 0), batches)]
        request = acknowledge.ShareAcknowledgeRequest(
            **self.who,
            share_session_epoch=self.epoch if epoch is None else epoch,
            is_renew_ack=renews,
            topics=[acknowledge.ShareAcknowledgeRequestTopic(how.get("topic_id", self.topic_id), rows)],
        )
        self.epoch += epoch is None
        return self.local.call(request, 2)


def acquired(answer: Any) -> list[tuple[int, int, int]]:
    """(first, last offset, deliveries) of everything that an answer hands out."""
    return [
        (row.first_offset, row.last_offset, row.delivery_count)
        for topic in answer.responses
        for partition in topic.partitions
        for row in partition.acquired_records
    ]


def batches_in(answer: Any) -> list[tuple[int, int]]:
    """(first, last offset) of the batches that an answer carries."""
    found = []
    for topic in answer.responses:
        for partition in topic.partitions:
            position, data = 0, partition.records or b""
            while position < len(data):
                header = parse_header(data, position)
                found.append((header.base_offset, header.last_offset))
                position += header.length
    return found


def codes(answer: Any) -> list[int]:
    """The error of each partition of an answer to ShareAcknowledge."""
    return [partition.error_code for topic in answer.responses for partition in topic.partitions]

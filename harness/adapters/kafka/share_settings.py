"""What a share group is told: the client's settings, the group's own on the broker, and the rows of the parity ledger on both."""

from __future__ import annotations

from typing import Any, Final

from harness.adapters.kafka import settings

LOCK_MS: Final = 30_000  # Kafka's default: for so long a message belongs to the member that read it
STALE_S: Final = LOCK_MS / 1000 - 5.0  # older than this, what lies in a buffer is not handed out any more
READ_MAX: Final = 500  # messages of one poll
ASSIGNMENT_LOOK_MS: Final = 200  # how often the library says what it is assigned

# Dynamic settings of a group (kafka-configs --entity-type groups): without the first a new group begins at the end of the log.
GROUP_SETTINGS: Final = {
    "share.auto.offset.reset": "earliest",
    "share.isolation.level": "read_committed",
    "share.record.lock.duration.ms": str(LOCK_MS),
}


def share_consumer(address: str, group_id: str, limit: int) -> dict[str, Any]:
    return {
        "bootstrap.servers": address,
        "group.id": group_id,
        "share.acknowledgement.mode": "explicit",
        "max.poll.records": limit,
        "max.poll.interval.ms": settings.MAX_POLL_MS,
        "fetch.wait.max.ms": settings.FETCH_WAIT_MS,
        "fetch.min.bytes": 1,
        "statistics.interval.ms": ASSIGNMENT_LOOK_MS,
        **settings.confluent_common(),
    }


def share_parity(prefetch: int) -> dict[str, str]:
    """In the place of what is said of consumer groups."""
    every = f"{settings.COMMIT_EVERY_S * 1000:g} ms or {settings.COMMIT_EVERY_MESSAGES} messages"
    return {
        "consumption": "share groups: the members of a group share every partition",
        "consumer acknowledgement": f"each message, explicitly; sent with the next poll, and every {every}",
        "prefetch": (
            f"{prefetch} unsettled; a poll acquires whole batches as they were published, and none before all of it is acknowledged"
        ),
        "fetch": f"min 1 byte, wait up to {settings.FETCH_WAIT_MS} ms, max.poll.records {min(prefetch, READ_MAX)}",
        "acquisition lock": f"{LOCK_MS} ms (Kafka's default)",
        "session timeout": "the broker's: group.share.session.timeout.ms, group.share.heartbeat.interval.ms",
        "membership": "of a share group, which knows no static members; retries and dead letters are read by static ones",
    }

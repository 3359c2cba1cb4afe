"""Client settings, compiled from tier and plan: the same work for both libraries, and a row of the parity ledger for each choice.

Where a value differs from a library's default, the reason is recovery (a broker that comes back is found at once, not after a
back-off of ten seconds) or honesty (nothing is sent twice behind the harness's back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.adapters.kafka.layout import CONSUMPTION, CONSUMPTIONS, GROUPS, SHARE
from harness.errors import UsageError
from harness.model.broker import Access, Tier

CONFLUENT: Final = "confluent"
KAFKA_PYTHON: Final = "kafka-python"
CLIENTS: Final = (CONFLUENT, KAFKA_PYTHON)

DYNAMIC: Final = "dynamic"
STATIC: Final = "static"
MEMBERSHIPS: Final = (DYNAMIC, STATIC)

CONNECT_TIMEOUT_S: Final = 5.0
COPY_TIMEOUT_S: Final = 10.0
REQUEST_TIMEOUT_MS: Final = 10_000  # a broker that is paused, not dead: longer than any fault we inject
DELIVERY_TIMEOUT_MS: Final = 30_000  # a message that waits for a broker to come back
RECONNECT_MS: Final = 100
RECONNECT_MS_MAX: Final = 250
SESSION_TIMEOUT_MS: Final = 6_000  # the least that Apache Kafka's group.min.session.timeout.ms allows
HEARTBEAT_MS: Final = 500  # members learn of a rebalance with a heartbeat
MAX_POLL_MS: Final = 300_000
BATCH_BYTES_MAX: Final = 1_000_000
IN_FLIGHT_REQUESTS: Final = 5
FETCH_WAIT_MS: Final = 100
FETCH_BYTES_MAX: Final = 1 << 20  # per partition and fetch
QUEUED_KIB_MAX: Final = 16_384  # fetched ahead per partition: bounds a consumer's memory
QUEUE_KIB_MAX: Final = 2**31 - 1  # the window bounds what waits, not the library
COMMIT_EVERY_S: Final = 0.1
COMMIT_EVERY_MESSAGES: Final = 500


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a person may set: the library, how long a publisher waits for a batch to fill, and how members are told apart.

    Nothing waits by default, as with the other brokers' clients: batches form while five requests are in flight. Workers that crash
    here come back under their old names, as a supervisor restarts them, so they are ``static`` members: one that comes back takes its
    partitions over at once, and one that stays away keeps them until its session is over, even after an orderly close.
    ``dynamic`` is Kafka's own default: there whoever crashes keeps its partitions that long, though it is back.

    ``consumption`` says who reads the messages: consumer ``groups``, or ``share`` groups (Apache Kafka from 4.2 on), in which members
    share partitions and acknowledge one by one, as with a queue. kafka-python has no share groups.
    """

    client: str = CONFLUENT
    linger_ms: float = 0.0
    membership: str = STATIC
    consumption: str = GROUPS

    @staticmethod
    def of(settings: Mapping[str, str]) -> ClientSettings:
        known = {"client", "linger_ms", "membership", CONSUMPTION}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise UsageError(f"the kafka adapter has no setting {unknown[0]!r}; it knows {', '.join(sorted(known))}")
        client = settings.get("client", CONFLUENT)
        if client not in CLIENTS:
            raise UsageError(f"client must be one of {', '.join(CLIENTS)}, not {client!r}")
        try:
            linger_ms = float(settings.get("linger_ms", "0"))
        except ValueError as problem:
            raise UsageError(f"linger_ms must be a number, not {settings['linger_ms']!r}") from problem
        if not 0 <= linger_ms <= 10_000:
            raise UsageError(f"linger_ms must be within 0..10000, not {linger_ms:g}")
        membership = settings.get("membership", STATIC)
        if membership not in MEMBERSHIPS:
            raise UsageError(f"membership must be one of {', '.join(MEMBERSHIPS)}, not {membership!r}")
        consumption = settings.get(CONSUMPTION, GROUPS)
        if consumption not in CONSUMPTIONS:
            raise UsageError(f"{CONSUMPTION} must be one of {', '.join(CONSUMPTIONS)}, not {consumption!r}")
        if consumption == SHARE and client != CONFLUENT:
            raise UsageError(f"{client} has no share groups; {CONSUMPTION}={SHARE} needs client={CONFLUENT}")
        return ClientSettings(client, linger_ms, membership, consumption)

    @property
    def shared(self) -> bool:
        return self.consumption == SHARE

    def instance(self, group_id: str, member: int) -> str | None:
        """The name by which a static member is known."""
        return f"{group_id}-{member}" if self.membership == STATIC else None


def acks_for(tier: Tier) -> str:
    """0 for D0: the client hears nothing back. On one node 1 and all are the same; all is right with replicas too."""
    return "0" if tier is Tier.D0 else "all"


def topic_settings(tier: Tier) -> dict[str, str]:
    settings: dict[str, str] = {}
    if tier in (Tier.D2, Tier.D4):
        settings["flush.messages"] = "1"
    if tier in (Tier.D3, Tier.D4):
        settings["min.insync.replicas"] = "2"
    return settings


def replication_for(tier: Tier) -> int:
    return 3 if tier in (Tier.D3, Tier.D4) else 1


def confluent_producer(address: str, acks: str, linger_ms: float, window: int) -> dict[str, Any]:
    return {
        "bootstrap.servers": address,
        "acks": acks,
        "retries": 0,
        "enable.idempotence": False,
        "linger.ms": linger_ms,
        "batch.size": BATCH_BYTES_MAX,
        "batch.num.messages": 10_000,
        "max.in.flight.requests.per.connection": IN_FLIGHT_REQUESTS,
        "queue.buffering.max.messages": max(1000, 2 * window),
        "queue.buffering.max.kbytes": QUEUE_KIB_MAX,
        "message.max.bytes": 16 << 20,
        "partitioner": "murmur2_random",
        "sticky.partitioning.linger.ms": 0,
        "request.timeout.ms": REQUEST_TIMEOUT_MS,
        "message.timeout.ms": DELIVERY_TIMEOUT_MS,
        **confluent_common(),
    }


def confluent_consumer(address: str, group_id: str, instance: str | None = None) -> dict[str, Any]:
    return {
        **({"group.instance.id": instance} if instance else {}),
        "bootstrap.servers": address,
        "group.id": group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": HEARTBEAT_MS,
        "max.poll.interval.ms": MAX_POLL_MS,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": FETCH_WAIT_MS,
        "fetch.min.bytes": 1,
        "max.partition.fetch.bytes": FETCH_BYTES_MAX,
        "queued.max.messages.kbytes": QUEUED_KIB_MAX,
        "fetch.queue.backoff.ms": 10,
        "fetch.error.backoff.ms": 50,
        "allow.auto.create.topics": False,
        **confluent_common(),
    }


def security_protocol(access: Access) -> str:
    """Kafka's name for how a connection is protected."""
    if access.mechanism:
        return "SASL_SSL" if access.tls else "SASL_PLAINTEXT"
    return "SSL" if access.tls else "PLAINTEXT"


def confluent_access(access: Access) -> dict[str, Any]:
    """TLS and SASL for librdkafka; nothing for a plain listener."""
    conf: dict[str, Any] = {}
    if access.tls:
        files = {
            "ssl.ca.location": access.ca_file,
            "ssl.certificate.location": access.cert_file,
            "ssl.key.location": access.key_file or access.cert_file,
        }
        conf |= {name: file for name, file in files.items() if file}
        conf["enable.ssl.certificate.verification"] = access.verify
        if not access.verify:
            conf["ssl.endpoint.identification.algorithm"] = "none"
    if access.mechanism:
        conf |= {
            "sasl.mechanism": access.mechanism,
            "sasl.username": access.username,
            "sasl.password": access.password,
        }
    return conf | {"security.protocol": security_protocol(access)} if conf else {}


def python_access(access: Access) -> dict[str, Any]:
    """The same for kafka-python."""
    conf: dict[str, Any] = {}
    if access.tls:
        conf["ssl_context"] = access.tls_context()
        conf["ssl_check_hostname"] = access.verify
    if access.mechanism:
        conf |= {
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.username,
            "sasl_plain_password": access.password,
        }
    return conf | {"security_protocol": security_protocol(access)} if conf else {}


def confluent_common() -> dict[str, Any]:
    return {
        "reconnect.backoff.ms": RECONNECT_MS,
        "reconnect.backoff.max.ms": RECONNECT_MS_MAX,
        # the default forgets a broker that is away and asks for metadata on a timer of one second before it sends again
        "metadata.recovery.strategy": "none",
        "socket.timeout.ms": REQUEST_TIMEOUT_MS,
        "socket.connection.setup.timeout.ms": 1_000,
        "topic.metadata.refresh.fast.interval.ms": 50,
        "socket.nagle.disable": True,
        "client.dns.lookup": "use_all_dns_ips",
        "broker.address.family": "v4",
    }


def python_producer(address: str, acks: str, linger_ms: float) -> dict[str, Any]:
    return {
        "bootstrap_servers": address,
        "acks": 0 if acks == "0" else "all",
        "retries": 0,
        "enable_idempotence": False,
        "linger_ms": linger_ms,
        "batch_size": BATCH_BYTES_MAX,
        "max_in_flight_requests_per_connection": IN_FLIGHT_REQUESTS,
        "max_request_size": 16 << 20,
        "max_block_ms": int(CONNECT_TIMEOUT_S * 1000),
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "delivery_timeout_ms": DELIVERY_TIMEOUT_MS,
        "allow_auto_create_topics": False,
        **_python_common(),
    }


def python_consumer(address: str, group_id: str, instance: str | None = None) -> dict[str, Any]:
    return {
        **({"group_instance_id": instance} if instance else {}),
        "bootstrap_servers": address,
        "group_id": group_id,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "max_poll_interval_ms": MAX_POLL_MS,
        "isolation_level": "read_committed",
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "fetch_min_bytes": 1,
        "max_partition_fetch_bytes": FETCH_BYTES_MAX,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "allow_auto_create_topics": False,
        "retry_backoff_ms": RECONNECT_MS,
        **_python_common(),
    }


def _python_common() -> dict[str, Any]:
    return {
        "reconnect_backoff_ms": RECONNECT_MS,
        "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
        "bootstrap_timeout_ms": int(CONNECT_TIMEOUT_S * 1000),
        "metrics_enabled": False,
    }


def parity(settings: ClientSettings, tier: Tier, prefetch: int, partitions: int) -> dict[str, str]:
    """What decides whether two brokers did the same work, in words."""
    fsync = "flush.messages=1: before the acknowledgement" if tier in (Tier.D2, Tier.D4) else "left to the kernel"
    return {
        "client": settings.client,
        "acknowledgement": f"acks={acks_for(tier)}",
        "fsync": fsync,
        "replicas": str(replication_for(tier)),
        "partitions": str(partitions),
        "publisher retries": "none (retries=0, idempotence off): a lost connection is INFO",
        "publisher waits for a broker that is away": f"{DELIVERY_TIMEOUT_MS} ms",
        "batching": f"linger {settings.linger_ms:g} ms, batches up to {BATCH_BYTES_MAX} bytes, {IN_FLIGHT_REQUESTS} requests in flight",
        "partitioner": "murmur2 of the key, random without one",
        "consumer acknowledgement": (
            f"offsets committed after settling, every {COMMIT_EVERY_S * 1000:g} ms or {COMMIT_EVERY_MESSAGES} messages"
        ),
        "prefetch": f"{prefetch} unsettled; the client reads ahead up to {QUEUED_KIB_MAX} KiB a partition",
        "fetch": f"min 1 byte, wait up to {FETCH_WAIT_MS} ms, {FETCH_BYTES_MAX} bytes a partition",
        "session timeout": f"{SESSION_TIMEOUT_MS} ms (least that a broker allows by default), heartbeat {HEARTBEAT_MS} ms",
        "membership": settings.membership,
        "reconnect": f"{RECONNECT_MS} to {RECONNECT_MS_MAX} ms, so that recovery is the broker's time and not a client's back-off",
    }

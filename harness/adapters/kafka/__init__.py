"""The adapter to everything that speaks the Kafka protocol: Apache Kafka and pylog alike, through either of two client libraries.

``layout`` says which topics a workload becomes and what each of their partitions is called outside (a lane); ``settings`` compiles
durability tier and window to client settings, the same for both libraries; ``control`` creates, counts and removes.
``progress`` keeps, per lane, which offsets are settled and how far a commit may go; ``subscriber`` is the member of a group, with
priority, expiry, retries and dead letters emulated on top of plain topics. ``confluent_client``, ``confluent_consumer`` and
``python_client`` are the only modules that know a library; ``ports`` is what the others expect of them, and ``outcomes`` what an
error code says about a message.
"""

from harness.adapters.kafka.adapter import KafkaAdapter

__all__ = ["KafkaAdapter"]

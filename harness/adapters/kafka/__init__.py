"""The adapter to everything that speaks the Kafka protocol: Apache Kafka and pylog alike, through either of two client libraries.

``layout`` says which topics a workload becomes and what each of their partitions is called outside (a lane); ``settings`` compiles
durability tier and window to client settings, the same for both libraries; ``control`` creates, counts and removes.
``progress`` keeps, per lane, which offsets are settled and how far a commit may go; ``subscriber`` is the member of a group, with
priority, expiry, retries and dead letters emulated on top of plain topics, and ``copies`` makes what it publishes for that.
``share_subscriber`` is the same for ``consumption=share``: it reads with share groups, and says what they give and what not;
``share_control`` looks at them from outside, and ``probes`` asks a broker whether they are as the adapter takes them to be.
``confluent_client``, ``confluent_consumer``, ``share_source`` and ``python_client`` are the only modules that know a library; ``ports``
is what the others expect of them, and ``outcomes`` what an error code says about a message.
"""

from harness.adapters.kafka.adapter import KafkaAdapter

__all__ = ["KafkaAdapter"]

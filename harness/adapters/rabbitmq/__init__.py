"""RabbitMQ through pika, over AMQP 0-9-1.

``topology`` says which exchanges and queues a workload becomes, ``features`` how each need is met, ``provisioning`` makes and removes
them. ``link`` is a connection on a thread of its own; ``publisher`` pipelines over it and ``confirms`` keeps book of what the broker has
confirmed; ``subscriber`` buffers what was pushed, and ``unsettled`` keeps book of what is not acknowledged yet. ``frames`` writes the few
frames that occur once a message, ``headers`` reads what the broker and the retry ladder say about one.
"""

from harness.adapters.rabbitmq.adapter import RabbitmqAdapter

__all__ = ["RabbitmqAdapter"]

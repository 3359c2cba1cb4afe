"""ActiveMQ Classic through stomp.py, over STOMP 1.2.

``destinations`` says which queues and topics a workload becomes, ``features`` how each need is met, ``provisioning`` makes, counts and
empties them. ``link`` is a connection; ``publisher`` sends transactions through it, several under way, and ``chunks`` keeps book of them;
``subscriber`` buffers what was pushed. ``frames`` writes STOMP frames, ``headers`` reads what a message says about itself.
"""

from harness.adapters.activemq.adapter import ActivemqAdapter

__all__ = ["ActivemqAdapter"]

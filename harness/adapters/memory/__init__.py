"""A perfect broker in memory, with bugs that tests can plant by name.

``core`` is the broker as a pure state machine (time is an argument), ``bugs`` lies where it is told to, ``journal`` keeps what tier
D1 promises on disk, ``wire`` frames what client and server say to each other, ``server`` is the sockets around the core
(``python -m harness.adapters.memory_server`` is its process), and ``client`` is the adapter. Several worker processes share one
broker through its socket, and it can be killed with -9 and restarted like any other.
"""

"""Talking to brokers: one adapter a client library, all behind the seam of ``harness.model.messages``.

``registry`` says which adapters there are and which broker each one serves; ``create_adapter`` makes one. A new adapter is a module
with a class that keeps the seam's rules, and a line in the registry: the contract suite (``tests/contract``) picks it up from
there and runs every rule against the real broker. ``probes`` names, for each feature, the test of that suite that proves it.

``memory`` is a perfect broker with bugs that tests can plant; ``null`` accepts everything and shows what the harness itself can do;
``kafka`` serves every broker that speaks the Kafka protocol, through either of two client libraries. ``emulation`` holds what users of a
broker build themselves where it lacks something.

Adapters never import each other, nor the brokers they talk to.
"""

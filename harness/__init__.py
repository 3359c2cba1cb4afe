"""A comparison and benchmarking harness across messaging models.

The story, in the order the data flows:

1. A **workload** file (``workloads/*.yaml``) says what an application needs, never how a broker gives it.
2. ``plan`` turns (workload, seed) into a schedule of intended operations; pure, so two brokers get the same work.
3. ``brokers`` starts a broker, ``adapters`` talks to it, ``faults`` breaks it, ``runner`` leads one run of all that.
4. Workers write a **history**: what was sent, acknowledged, delivered, settled, and when. It is the only truth.
5. ``checkers`` fold the history into verdicts and figures, ``statistics`` compares figures over runs.
6. The **result document** holds what was found; ``reporting`` draws it. Both files can be read again without a broker.

``pylog_broker`` is a separate program that happens to live here: nothing imports it, it is started and talked to as any
other broker is.
"""

__version__ = "0.1.0"

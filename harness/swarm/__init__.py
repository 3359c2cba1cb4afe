"""Load from many machines: Locust carries the workers, the runner's conductor leads them as it leads its own.

Locust does what it is good at (processes on many hosts, a master that knows them, messages between them, a page with rates), and nothing
of a broker ever runs inside it. Locust is gevent; the client libraries have threads of their own (librdkafka, pika's and stomp.py's
receivers). So each Locust process starts a **child without gevent**, holds the other end of its socket, and only passes frames on:

    harness run (study, conductor, engine) <-> Locust master  <== ZeroMQ ==>  Locust worker <-> agent <-> publishers and members
         child process of the master             bridge                          bridge     child of the worker   its fork server's

- ``locustfile`` is what ``locust -f`` loads; ``bridge`` passes frames between the child and Locust, and fires Locust's request events.
- ``agent`` is the child of a Locust worker: starts its slice's worker processes, ships their history streams (``tail``).
- ``engine`` is what the conductor sees (``runner.engine.LoadEngine``): hires workers over there, gathers histories, measures clocks
  (``clock``), notices what was lost. ``parcels`` and ``link`` are how it all travels; ``launch`` starts Locust for ``harness run``.

The Locust process imports ``bridge`` and ``link`` of ours and nothing else: no library of ours is imported before gevent's patches or
after them, and a busy client or a long judgement cannot keep a Locust heartbeat waiting.
"""

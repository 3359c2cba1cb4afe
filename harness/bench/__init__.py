"""Measurements of the project's own parts, as commands: `harness bench ...`. Speed is shown here and never asserted by a test.

`pylog` sets this project's log broker beside Apache Kafka: the same clients, fresh brokers in alternating order, one run.
`wire` is a client of a few bytes for what a client library would blur: one request in flight, and many connections (`swarm`).
"""

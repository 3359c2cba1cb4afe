"""pylog: a log broker that speaks the Kafka protocol. A separate program: it imports nothing else of `harness`."""

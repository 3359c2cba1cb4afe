"""Clients of the Kafka protocol that are not Python's: small programs around unmodified libraries, pinned by lock files."""

"""Bytes of the Kafka protocol: primitives, error codes, and message codecs generated from a schema table."""

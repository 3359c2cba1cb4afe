"""Messages of the Kafka protocol that kafka-python lacks, in the notation that it reads: how far a share group is (KIP-932, KIP-1226)."""

"""Share groups (KIP-932): partitions that several members of a group read at once, record by record, as from a queue.

Who owns what:

* **Membership** is a group like any other: `groups/share_group.py`, in the coordinator's table under its id, with its
  records in `__consumer_offsets` (kinds 10 to 14). The target assignment is taken over in the heartbeat that computes
  it, since a partition may have several readers.
* **Delivery** is a `partition.SharePartition` for each (group, topic id, partition): the start offset, and runs of
  offsets above it with a state, a delivery count and, while they are acquired, a member and a deadline. It is pure: no
  clock, no file. Bounded by `group.share.partition.max.record.locks`: nothing new is acquired above that many offsets
  behind the start. Offsets are never looked up in records; `reading.py` walks batch headers to know which there are.
* **Sessions** (`sessions.py`) say which partitions a member fetches. One lives as long as its connection; when it ends,
  what its member holds is given back.
* **`service.py`** owns them all, with the one timer of record locks and the fetches that wait.

What outlives a crash is in the topic `__share_group_state`, in Apache Kafka's formats (`state_records.py`): a snapshot
when a group first sees a partition and in compaction, otherwise updates of what has changed. An acknowledgement is written before
it counts and before it is answered, and so is where a partition begins. Acquisitions are not written: after a crash such records are
available again, with the delivery count before. Replaying is folding; a later record wins, offsets between stored ones are
available. At a start, state of groups and topics that have gone meanwhile is dropped.

    acquire -> ACQUIRED -> accept -> ACKNOWLEDGED          head of the runs in one of the two final states:
       ^          |   `--> reject, gap -> ARCHIVED         the start offset moves behind it
       |          v
    AVAILABLE <- release, lock timeout, end of the session (at the delivery limit: ARCHIVED)

Nothing here is loaded before a client asks for it, or a start finds the topic.
"""

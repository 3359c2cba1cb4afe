"""Consumer groups and their committed offsets.

A group's life is a small state machine (`states`), kept by one `ClassicGroup` (`classic`): requests and the time go
in, answers come out. Some answers are held, a JoinGroup until the known members have rejoined, a follower's SyncGroup
until the leader's assignment is there; the caller names each such request by a token of its own, and the answer comes
back with that token from whichever later call settles it.

`GroupCoordinator` (`coordinator`) answers requests over the table of all groups and committed offsets (`table`,
`offsets`), which knows the one instant at which it next wants to be called. What must survive a crash goes through a
journal (`journal`, `offsets_topic`) into the internal topic `__consumer_offsets`, in Apache Kafka's own record formats
(`records`), and is replayed when the broker starts. `GroupService` (`service`) ties all this to a running broker: its
clock, its timers, its connections.

The next-generation protocol (KIP-848) is a second machine beside `classic`: `consumer_group` takes heartbeats,
`consumer_roster` keeps members, epochs and the target that `assignors` compute, `consumer_member` says how a member
walks towards it. A group is of one kind at a time and changes it only while nobody is in it.

Apart from `offsets_topic` and `service`, nothing here touches a socket, a file, a clock or a random source.
"""

"""Transactions: records and offsets of several partitions that become visible together, or never (KIP-98, 360, 447, 890).

A transactional id stands for one producer over its restarts. Its life is a small state machine (`states`): a producer
registers and fences its predecessor, partitions join its transaction as it writes to them, and the transaction ends in two
steps, a decision that is written down and a marker in each partition. `transaction` is the pure part, frozen facts in and out.
`TransactionCoordinator` (`coordinator`) owns all of them and knows the one instant at which it next wants to be called; what
must survive a crash is in the internal topic `__transaction_state` (`state_topic`, in Apache Kafka's own record format,
`records`) before it takes effect, and is replayed when the broker starts: a decision that was written down is carried out
then, a transaction without one goes on or times out.

`TransactionService` (`service`) ties this to a running broker: clock, timer, and the markers in the partitions' logs. What an
open transaction means for a partition (producer epochs, the last stable offset, aborted records) is the storage room's; offsets
that a transaction commits wait in the groups room.
"""

"""Log compaction: of each key at least the last value stays (`cleanup.policy=compact`).

Read in this order: `plan` (what of which log is worth cleaning, pure), `offset_map` (the last offset of each key, in bounded
memory), `filtering` (which records of a batch stay, transactions and tombstones included), `rewrite` (segments into cleaned
files, on a thread of its own), `swap` (cleaned files in the place of the old ones, safe at every crash), `cleaner` (the one that
drives all of it between requests).

Offsets and the structure of batches stay what they were: a batch from which records are gone keeps its first and last offset,
and where a whole batch is gone there is a gap. The active segment is never touched, nor anything above the last stable offset.
"""

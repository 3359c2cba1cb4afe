"""Where the records live: a log per partition, made of segments, and the catalog of topics over them.

Read in this order: `batch` (what a record batch says about itself), `segment` (a file of batches and how to find one),
`index` (the sparse index that makes finding fast), `log` (the partition's log: append, read, forget), `recovery` (what a crash
leaves and how it is mended), `catalog` (topics, ids, settings, the folder itself). `FORMAT.md` describes every file on disk.

Records are opaque here. A batch is checked by its CRC, given its offset, and appended with one write; a read hands out a range
of a file. Nothing in this room knows of sockets or of requests.
"""

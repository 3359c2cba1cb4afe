"""What the cluster knows of itself: an event log of metadata, and the image that it adds up to.

Read in this order: `records` (the events), `image` (`apply(image, record) -> image`, immutable), `decisions` (a request and an
image give records or an error), `quorum` (who may append: a pure core, `step(state, message) -> (state, output)`; a quorum
of one today), `metadata_log` (the files), `node` (persists what the core says, then applies it), `migration` (folders of
format 1).

A request becomes records, the records are one batch of the metadata log, and once that is fsynced the image moves on. The
catalog of partition logs follows the image and never the request.
"""

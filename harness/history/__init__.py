"""The columnar history on disk: what was published, delivered and settled, and when. The only truth.

While a run goes on each worker appends to Arrow streams of its own (a kill loses at most the last batch); at the end they are merged
into one Parquet file a table. Integers and small codes only; all times are nanoseconds of the host's monotonic clock, with one
wall-clock anchor in ``meta.json``.
"""

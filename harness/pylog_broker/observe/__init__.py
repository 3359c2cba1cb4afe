"""Looking into a running broker: one snapshot, shown as metrics, as JSON, as a live page and in a terminal.

`snapshot` is made on the broker's own thread, so that it is consistent; `http` serves it from another one. Nothing here is
loaded unless `http.listener` is set or a command asks for it.
"""

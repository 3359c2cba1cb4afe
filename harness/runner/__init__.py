"""One run from set-up to tear-down. The only writer of histories.

``conductor`` leads one workload on one broker once: it provisions, starts worker processes, walks through the phases, breaks the
broker when a phase says so, waits until every group has caught up, and merges the history. ``publishing`` and ``consuming``
are what a worker process does; ``workers`` starts them and talks to them; ``sampling`` watches what they and the broker use;
``gateway`` is the outside system that an effect happens in.
"""

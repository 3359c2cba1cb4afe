"""The judges: pure folds from a history to verdicts, measures and curves. One file a question.

``judge`` opens the history, makes one row a message of the publish table (``messages``), and then shows every checker one
group after the other, dead letters last (``deliveries``); at the end each hands back its findings. Nothing here talks to a broker, looks
at a clock or draws a random number, so a history can be judged again years later, and gives the same.

A verdict is VALID only when the rule is known to have held. What the history cannot tell (not every group caught up, the run was cut
off, the fault did not bite, the checker itself failed) is UNKNOWN. INVALID with ``promised`` False is a finding about something
that the broker never promised.

Correctness: ``durability``, ``redelivery``, ``duplicates``, ``ordering``, ``corruption``, ``phantom``, ``fan_out``, ``replay``,
``priority``, ``expiry``, ``dead_letter``, ``retry``, ``effectively_once``. Figures: ``latency``, ``throughput``, ``availability``,
``resources``, ``timelines``, and ``pacing``, which says whether the load generator was honest.
"""

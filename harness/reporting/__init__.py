"""From the result document to something a person reads: one self-contained HTML page, a terminal table, Markdown, CSV.

Read in this order. ``load`` reads a result from a run's folder, a JSON file or a finished page. ``metrics`` says what each
figure is called and what it means; ``notation`` writes numbers; ``states`` and ``palette`` fix words, shapes and colours.
``scorecard`` picks the figures that answer a workload's question and ``answers`` puts them into sentences: both are pure.
``figures`` draws, ``html``, ``terminal``, ``markdown`` and ``csv`` render, ``compare`` sets two results side by side.
"""

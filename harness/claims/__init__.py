"""Claims: what is said about messaging models, the experiment that could refute it, and what it found.

A claim is a file (``workloads/claims/C33-five-jobs.yaml``): ``loader`` reads it, ``run`` makes its experiment (``studies``, ``formulas``,
``probes``, ``scripts``), ``rules`` decides it from what was measured and from nothing else, ``store`` keeps the finding, and ``words`` puts
its figures into a card's sentences.
"""

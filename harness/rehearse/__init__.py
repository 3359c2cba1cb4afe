"""Rehearsal: the quiz over the claims' cards.

A card holds no number: its figures are those of the claim's latest finding (``evidence``), and where there is none it says so. One asks
in five ways: lock a prediction in before the experiment runs (``predicting``), answer what is due (``drilling``), be interviewed
(``interviewing``), see through what everybody says and the data refuted (``trapping``), or on paper (``worksheet``). ``export`` hands the
cards to other programs.

``scoring`` and ``schedule`` are pure: words found in an answer, distance of a prediction, and the next date. ``state`` is the one owner of
what was answered, in SQLite; ``stats`` is a fold over it. Sessions see a person only through ``desk``, so a file of answers is as good as
one.
"""

"""A whole head-to-head: runs in balanced order, judged, summed up over repeats, written as one result document and a report.

The rooms it joins (runner, checkers, statistics, reporting) do not know each other; here is where their data meets.
"""

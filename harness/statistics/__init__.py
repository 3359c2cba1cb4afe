"""From the figures of single runs to cells: medians, intervals, ratios to a baseline, and the noise they must rise above. Pure.

The run is the sampling unit: a run gives one figure, and seconds or messages within it are never pooled as if they were
independent. Brokers alternate in balanced order (``orders``), so repeat k of one is paired with repeat k of the other, and it
is the logarithm of their ratio that is summed up (``paired``). The same broker against itself gives the noise floor (``noise``).
``summarise`` decides what each cell may say; ``rates`` says what a number of trials can show about a rate.
"""

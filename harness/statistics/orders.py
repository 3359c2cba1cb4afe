"""In which order brokers take their turns, so that drift of the machine falls on all of them alike."""

from __future__ import annotations


def williams(size: int) -> list[list[int]]:
    """A Williams design over 0..size-1: each row an order; every item is as often in each place and, over all rows, directly after
    each other item (exactly once for an even size; twice over the 2 x size rows of an odd one). For two items it is AB, BA."""
    if size < 1:
        raise ValueError("an order needs at least one item")
    if size == 1:
        return [[0]]
    first = [0]
    low, high = 1, size - 1
    while len(first) < size:
        first.append(low)
        low += 1
        if len(first) < size:
            first.append(high)
            high -= 1
    rows = [[(item + shift) % size for item in first] for shift in range(size)]
    if size % 2:
        rows += [row[::-1] for row in rows]
    return rows


def balanced_orders(size: int, repeats: int) -> list[list[int]]:
    """``repeats`` orders of ``size`` items, taken from a Williams design in turn. Two items alternate AB, BA (ABBA)."""
    rows = williams(size)
    if size > 2:
        # neighbours in the list are mirror images as far as possible, so that few repeats are balanced too
        rows = _mirrored(rows)
    return [rows[repeat % len(rows)] for repeat in range(repeats)]


def _mirrored(rows: list[list[int]]) -> list[list[int]]:
    left = list(rows)
    ordered: list[list[int]] = []
    while left:
        row = left.pop(0)
        ordered.append(row)
        mirror = row[::-1]
        if mirror in left:
            left.remove(mirror)
            ordered.append(mirror)
    return ordered

"""Rows in which every two keys have every two of their values together at least once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from fuzz.case import Dice

_TRIED = 12  # rows of which the one with most new pairs is taken

type Pair = tuple[int, int, int, int]  # a key, another, and the numbers of their values


def covering_rows(values: Mapping[str, Sequence[Any]], dice: Dice) -> Iterator[dict[str, Any]]:
    """Rows that hold every pair of values; the first row holds the first value of each key."""
    keys, sizes = list(values), [len(several) for several in values.values()]
    row = [0] * len(keys)
    left = set(_all_pairs(sizes))
    while True:
        left -= set(_pairs(row))
        yield {key: values[key][number] for key, number in zip(keys, row, strict=True)}
        if not left:
            return
        wanted = min(left)
        tried = [_row_with(wanted, sizes, dice) for _ in range(_TRIED)]
        row = max(tried, key=lambda one: len(left.intersection(_pairs(one))))


def _all_pairs(sizes: Sequence[int]) -> Iterator[Pair]:
    for one, other in combinations(range(len(sizes)), 2):
        for i, j in product(range(sizes[one]), range(sizes[other])):
            yield one, other, i, j


def _pairs(row: Sequence[int]) -> Iterator[Pair]:
    return ((one, other, row[one], row[other]) for one, other in combinations(range(len(row)), 2))


def _row_with(pair: Pair, sizes: Sequence[int], dice: Dice) -> list[int]:
    row = [dice.randrange(size) for size in sizes]
    one, other, row[one], row[other] = pair
    return row

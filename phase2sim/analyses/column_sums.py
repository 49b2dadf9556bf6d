"""Sums over patients in an order that the processor can vectorise.

Each keeps its own order of sums, so that the width of a machine's vectors does not show.
"""

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.kernels import kernel

_HALVINGS = 1.4426950408889634  # of a number that is divided by e
_LN2, _LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # its first 33 bits, rest
_ROUNDER = 6755399441055744.0  # 1.5 * 2^52: what is added to it becomes whole, in its lowest bits
_LARGEST = 700.0  # its exponential is nearly the smallest normal number


@kernel
def total(vector: Floats, first: int, last: int) -> float:
    """Sum of the elements from ``first`` to before ``last``."""
    a = b = c = d = 0.0
    whole = last - (last - first) % 4
    for i in range(first, whole, 4):  # four sums do not wait for each other
        a += vector[i]
        b += vector[i + 1]
        c += vector[i + 2]
        d += vector[i + 3]
    for i in range(whole, last):
        a += vector[i]
    return (a + b) + (c + d)


@kernel
def dot(rows: Floats, j: int, vector: Floats) -> float:
    """Inner product of row ``j`` and a vector."""
    a = b = c = d = 0.0
    whole = vector.size - vector.size % 4
    for i in range(0, whole, 4):
        a += rows[j, i] * vector[i]
        b += rows[j, i + 1] * vector[i + 1]
        c += rows[j, i + 2] * vector[i + 2]
        d += rows[j, i + 3] * vector[i + 3]
    for i in range(whole, vector.size):
        a += rows[j, i] * vector[i]
    return (a + b) + (c + d)


@kernel
def weighted_sums(
    rows: Floats, j: int, vector: Floats, weight: Floats, first: int, last: int
) -> tuple[float, float, float, float, float]:
    """Sums of vector, of weight, of row times either, and of row squared times weight.

    In one go: they do not wait for each other.
    """
    v = w = xv = xw = xxw = 0.0  # even patients
    v1 = w1 = xv1 = xw1 = xxw1 = 0.0  # odd ones
    for i in range(first, last - 1, 2):
        x, y = rows[j, i], rows[j, i + 1]
        weighted, weighted1 = weight[i] * x, weight[i + 1] * y
        v += vector[i]
        w += weight[i]
        xv += vector[i] * x
        xw += weighted
        xxw += weighted * x
        v1 += vector[i + 1]
        w1 += weight[i + 1]
        xv1 += vector[i + 1] * y
        xw1 += weighted1
        xxw1 += weighted1 * y
    if (last - first) % 2 == 1:
        x, weighted = rows[j, last - 1], weight[last - 1] * rows[j, last - 1]
        v += vector[last - 1]
        w += weight[last - 1]
        xv += vector[last - 1] * x
        xw += weighted
        xxw += weighted * x
    return v + v1, w + w1, xv + xv1, xw + xw1, xxw + xxw1


@kernel
def triple(rows: Floats, j: int, k: int, weight: Floats) -> float:
    """Sum of two rows' products times weight."""
    a = b = 0.0
    for i in range(0, weight.size - 1, 2):
        a += weight[i] * rows[j, i] * rows[k, i]
        b += weight[i + 1] * rows[j, i + 1] * rows[k, i + 1]
    if weight.size % 2 == 1:
        a += weight[-1] * rows[j, -1] * rows[k, -1]
    return a + b


@kernel
def decay(exponentials: Floats, size: Floats, spare: Floats) -> None:
    """Fill ``exponentials`` with exp(-|size|), to two units in the last place; |size| at most 700.

    Three times as fast as a call of the library for each: with whole halvings k and the rest r,
    2^-k e^-r by the series of e^r to the order 13, of |r| < 0.35, and k added to the exponent's
    bits (Cody and Waite, Software Manual for the Elementary Functions, 1980).
    """
    bits, halvings = exponentials.view(np.int64), spare.view(np.int64)
    for i in range(size.size):
        fall = -min(abs(size[i]), _LARGEST)
        spare[i] = fall * _HALVINGS + _ROUNDER
        k = spare[i] - _ROUNDER
        r = (fall - k * _LN2) - k * _LN2_REST
        series = r / 6227020800.0 + 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        series = series * r + 0.5
        series = series * r + 1.0
        exponentials[i] = series * r + 1.0
    for i in range(size.size):
        bits[i] += halvings[i] << 52

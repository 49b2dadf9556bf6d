"""Compiled inner loops: every kernel is compiled the same way."""

from collections.abc import Callable

from numba import njit


def kernel[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` for arrays and numbers, keeping its type.

    The result holds no interpreter lock, so threads run it side by side; it is cached on disk;
    a division by zero gives nan or inf, as in numpy. Sums keep their order (no fast maths), so a
    result does not depend on the machine's vector width. The cache notices a change in the
    kernel's own file only: keep the steps it calls in that file.
    """
    compiled: Callable[P, R] = njit(nogil=True, cache=True, error_model="numpy")(function)
    return compiled


def step[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` as part of each kernel that calls it: no cost of a call."""
    compiled: Callable[P, R] = njit(nogil=True, error_model="numpy", inline="always")(function)
    return compiled

"""Compiled inner loops: one decorator, so that every kernel is compiled the same way."""

from collections.abc import Callable

from numba import njit


def kernel[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` for arrays and numbers, keeping its type.

    The result holds no interpreter lock, so threads run it side by side; it is cached on disk;
    a division by zero gives nan or inf, as in numpy. Sums keep their order (no fast maths), so a
    result does not depend on the machine's vector width.
    """
    compiled: Callable[P, R] = njit(nogil=True, cache=True, error_model="numpy")(function)
    return compiled

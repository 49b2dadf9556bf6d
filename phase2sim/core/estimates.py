"""Estimates of one analysis put together and taken apart, whatever they hold."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import Estimates, OwnTest

type _Arrays = list[NDArray[Any]]

_NAMES = ("effect", "se", "df", "p", "reason")
_OF_TEST = tuple(field.name for field in fields(OwnTest))


def concatenate_estimates(parts: Sequence[Estimates]) -> Estimates:
    """Return consecutive batches of trials as one."""
    return _together(parts, partial(np.concatenate, axis=-1))


def stacked(parts: Sequence[Estimates]) -> Estimates:
    """Return the same trials at several numbers of patients, (trial,) each, as (size, trial)."""
    return _together(parts, np.stack)


def each(estimates: Estimates, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Estimates:
    """Return the same with every array changed alike."""
    return _together([estimates], lambda arrays: change(arrays[0]))


def _together(parts: Sequence[Estimates], put: Callable[[_Arrays], NDArray[Any]]) -> Estimates:
    """Put each array together with those of its name; a fallback that one part lacks is none."""
    tests = [part.test for part in parts if part.test is not None]
    fell_back = any(part.fallback is not None for part in parts)
    return Estimates(
        **{name: put([getattr(part, name) for part in parts]) for name in _NAMES},
        test=OwnTest(*(put([getattr(t, n) for t in tests]) for n in _OF_TEST)) if tests else None,
        details={name: put([part.details[name] for part in parts]) for name in parts[0].details},
        fallback=put([_fallback(part) for part in parts]) if fell_back else None,
    )


def _fallback(estimates: Estimates) -> NDArray[np.int8]:
    """Return which simpler model answered; 0 where none did."""
    return np.zeros_like(estimates.reason) if estimates.fallback is None else estimates.fallback

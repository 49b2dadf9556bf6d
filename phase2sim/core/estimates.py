"""Estimates of one analysis put together and taken apart: the one place that lists their fields."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import Estimates, OwnTest

type Combine = Callable[[list[NDArray[Any]]], NDArray[Any]]

_ALWAYS_THERE = ("effect", "se", "df", "p", "reason")
_OF_TEST = tuple(field.name for field in fields(OwnTest))


def combine_estimates(parts: Sequence[Estimates], combine: Combine) -> Estimates:
    """Combine each array with those of its name; where a part has no fallback it is 0, none."""
    tests = [part.test for part in parts if part.test is not None]
    fell_back = any(part.fallback is not None for part in parts)

    def combined_tests() -> OwnTest:
        return OwnTest(*(combine([getattr(test, name) for test in tests]) for name in _OF_TEST))

    return Estimates(
        **{name: combine([getattr(part, name) for part in parts]) for name in _ALWAYS_THERE},
        test=combined_tests() if tests else None,
        details={
            name: combine([part.details[name] for part in parts]) for name in parts[0].details
        },
        fallback=combine([_fallback(part) for part in parts]) if fell_back else None,
    )


def concatenate_estimates(parts: Sequence[Estimates]) -> Estimates:
    """Return consecutive batches of trials as one."""
    return combine_estimates(parts, partial(np.concatenate, axis=-1))


def stack_estimates(parts: Sequence[Estimates]) -> Estimates:
    """Return the same trials at several numbers of patients, (trial,) each, as (size, trial)."""
    return combine_estimates(parts, np.stack)


def answer_instead(
    estimates: Estimates, trials: NDArray[np.int64], answers: Estimates, fallback: int
) -> Estimates:
    """Estimates with those of some trials, (row,), replaced by what another method answers.

    Both have a test of their own and the same details. Where ``answers`` failed too, it says why;
    elsewhere ``fallback``, an index into ``FALLBACKS``, says what answered.
    """

    def replaced(arrays: list[NDArray[Any]]) -> NDArray[Any]:
        whole, part = arrays[0].copy(), arrays[1]
        whole[trials] = part
        return whole

    used = np.where(answers.failed, 0, fallback).astype(np.int8)
    return combine_estimates(
        [
            replace(estimates, fallback=_fallback(estimates)),
            replace(answers, fallback=used),
        ],
        replaced,
    )


def map_estimates(
    estimates: Estimates, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> Estimates:
    """Apply ``change`` to every array."""
    return combine_estimates([estimates], lambda arrays: change(arrays[0]))


def _fallback(estimates: Estimates) -> NDArray[np.int8]:
    """Return which simpler model answered; 0 where none did."""
    return np.zeros_like(estimates.reason) if estimates.fallback is None else estimates.fallback

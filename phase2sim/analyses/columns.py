"""Columns of a reading that analyses use: outcomes, changes, covariates, strata."""

from typing import Literal

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Reading

OUTCOMES = ("value", "change")
LEVELS_AT_MOST = (
    1000  # range of stratum codes that are used as they are; wider ranges are renumbered
)

type ValueOrChange = Literal["value", "change"]


def outcome(reading: Reading, month: float) -> Floats:
    """Values at the visit of ``month``, (trial, patient); ``ValueError`` if there is none."""
    if month not in reading.visits_months:
        visits = ", ".join(f"{visit:g}" for visit in reading.visits_months)
        raise ValueError(f"month is {month:g}; the visits after baseline are at {visits}. Use one.")
    return np.ascontiguousarray(reading.value[:, reading.visits_months.index(month)])


def seen_at_any_visit(reading: Reading) -> Bools:
    """Whether a patient has any value after baseline, (trial, patient)."""
    seen: Bools = ~np.isnan(reading.value).all(axis=1)
    return seen


def outcome_or_change(reading: Reading, month: float, of: ValueOrChange) -> Floats:
    """Values at the visit of ``month``, or their changes from baseline, (trial, patient)."""
    value = outcome(reading, month)
    return value - reading.baseline if of == "change" else value


def numeric_covariates(reading: Reading, covariates: tuple[str, ...]) -> Floats:
    """Numeric covariates, in the order of ``covariates``, (covariate, trial, patient)."""
    named = {"baseline": reading.baseline, "age": reading.age_years}
    columns = [named[name] for name in covariates if name in named]
    if not columns:
        return np.empty((0, *reading.arm.shape))
    if len(columns) == 1:
        return np.ascontiguousarray(columns[0])[np.newaxis]  # a view: the common case is fast
    return np.stack(columns)


def with_factors(covariates: Floats, reading: Reading, factors: tuple[str, ...]) -> Floats:
    """Covariates followed by an indicator of each level of each factor but its first.

    Raises ``ValueError`` for a factor that the reading does not have.
    """
    for name in factors:
        if name not in reading.factors:
            raise ValueError(f"factors names {name!r}, which these patients do not have.")
        covariates = _with_levels(covariates, reading.factors[name])
    return covariates


def with_strata(covariates: Floats, reading: Reading) -> Floats:
    """Covariates followed by an indicator of each stratum but the first."""
    return _with_levels(covariates, reading.stratum)


def strata_above_lowest(reading: Reading) -> Floats:
    """Indicator of each stratum but the lowest of the trial, (stratum, trial, patient)."""
    lowest = reading.stratum.min(axis=1, keepdims=True) if reading.stratum.size else 0
    codes = np.unique(reading.stratum)[:, None, None]
    above: Floats = ((reading.stratum == codes) & (lowest != codes)).astype(np.float64)
    return above


def _with_levels(covariates: Floats, codes: Ints) -> Floats:
    levels = np.unique(codes)[1:]
    if not levels.size:
        return covariates
    return np.concatenate([covariates, (codes == levels[:, None, None]).astype(np.float64)])


def strata(reading: Reading, *, wanted: bool = True) -> tuple[Ints, int]:
    """Stratum of every patient, (trial, patient), numbered from 0, and the number of strata.

    Without strata, or if they are not ``wanted``, there is one level and an array of one number.
    """
    if not wanted or reading.stratum.size == 0:
        return np.zeros((1, 1), np.int64), 1
    lowest = int(reading.stratum.min())
    levels = int(reading.stratum.max()) - lowest + 1
    if levels <= LEVELS_AT_MOST:
        return np.ascontiguousarray(reading.stratum - lowest), levels
    codes, level = np.unique(reading.stratum, return_inverse=True)
    return level.reshape(reading.stratum.shape), codes.size

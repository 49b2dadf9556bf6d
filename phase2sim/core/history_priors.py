"""Priors of an endpoint's untreated course, model scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phase2sim.core.catalogue import Catalogue
from phase2sim.core.endpoints import SHIPPED_TABLES


@dataclass(frozen=True, slots=True)
class EndpointPriors:
    """Priors of one endpoint, model scale; normal (mean, SD) unless stated otherwise.

    Curves are random walks from diagnosis over months 3, 6, 12, 24 and 36. The step from 0 to 3
    months has a separate prior, because insulin treatment starts; the share ``first_month`` of it
    is taken by month 1. The SD of a later step is ``per_root_month`` times the square root of its
    months.
    """

    first_mean: tuple[float, float]  # of patients at diagnosis
    mean_step: tuple[float, float]  # from 0 to 3 months
    first_month: float  # share of that step, 0 to 1
    mean_per_root_month: float
    first_log_sd: tuple[float, float]  # log of the SD between patients at diagnosis
    log_sd_step: tuple[float, float]
    log_sd_per_root_month: float
    level_scale: float  # of the half-normal SD between studies
    diagnosis_scale: float  # of that of the mean at diagnosis, beyond the level
    slope_scale: float  # of the half-normal SD of slopes between studies, per month
    spread_scale: float  # of the half-normal SD of the log SD between studies
    share: tuple[float, float]  # Beta: share of the variance that is permanent
    decay: tuple[float, float]  # Beta: correlation of the transient part over a doubling of time
    per_year_of_age: tuple[float, float]  # slope in an arm's mean age, from ``REFERENCE_AGE``


# Of the width of the plausible values on the model scale, where a file states no prior.
_FIRST_MEAN_SD, _STEP_SD, _PER_ROOT_MONTH, _TYPICAL_SD = 0.25, 0.1, 1 / 60, 0.125
_LEVEL, _DIAGNOSIS, _SLOPE, _PER_YEAR_OF_AGE = 0.05, 0.05, 1 / 600, 1 / 200
_STABLE = 0.05  # of these changes are left where the course is stable


def history_priors_of(low: float, high: float, *, stable: bool = False) -> EndpointPriors:
    """Priors for an endpoint whose plausible values are these on the model scale.

    They are wide: the mean at the start is that of the range with an SD of a quarter of its width,
    and patients vary by about an eighth of it. ``stable`` leaves a twentieth of the changes over
    time and of the ways in which studies change differently.
    """
    width = high - low
    priors = EndpointPriors(
        first_mean=((low + high) / 2.0, _FIRST_MEAN_SD * width),
        mean_step=(0.0, _STEP_SD * width),
        first_month=1 / 3,
        mean_per_root_month=_PER_ROOT_MONTH * width,
        first_log_sd=(math.log(_TYPICAL_SD * width), 0.7),
        log_sd_step=(0.0, 0.25),
        log_sd_per_root_month=0.08,
        level_scale=_LEVEL * width,
        diagnosis_scale=_DIAGNOSIS * width,
        slope_scale=_SLOPE * width,
        spread_scale=0.2,
        share=(2.0, 2.0),
        decay=(4.0, 4.0),
        per_year_of_age=(0.0, _PER_YEAR_OF_AGE * width),
    )
    if not stable:
        return priors
    return replace(
        priors,
        mean_step=(0.0, _STABLE * priors.mean_step[1]),
        mean_per_root_month=_STABLE * priors.mean_per_root_month,
        log_sd_step=(0.0, _STABLE * priors.log_sd_step[1]),
        log_sd_per_root_month=_STABLE * priors.log_sd_per_root_month,
        diagnosis_scale=_STABLE * priors.diagnosis_scale,
        slope_scale=_STABLE * priors.slope_scale,
    )


def _shipped_priors(table: Mapping[str, Any]) -> EndpointPriors:
    given: dict[str, Any] = {
        key: tuple(value) if type(value) is list else value for key, value in table.items()
    }
    return EndpointPriors(**given)


PRIORS: Catalogue[EndpointPriors] = Catalogue(
    "priors",
    {
        name: _shipped_priors(table["history"])
        for name, table in SHIPPED_TABLES["endpoint"].items()
        if "history" in table
    },
)

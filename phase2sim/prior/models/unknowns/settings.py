"""Prior distributions, sampler settings and diagnostic gate of the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

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


@dataclass(frozen=True, slots=True)
class EventPriors:
    """Priors of event rates (per patient-month) and their variation."""

    log_rate: tuple[float, float] = (-2.3, 1.5)  # untreated; centred on 0.1 a month
    log_ratio_sd: float = 0.5  # treated over untreated, centred on no difference
    log_study_scale: float = 0.3  # of the half-normal SD between studies
    dispersion_scale: float = 1.0  # half-normal: variance = mean + dispersion mean^2


@dataclass(frozen=True, slots=True)
class Sampler:
    """Length of the sampling, and number of kept draws."""

    chains: int = 4
    tune: int = 500
    draws: int = 1100  # per chain
    target_accept: float = 0.92
    adaptation: str = "low_rank"  # of the mass matrix; studies and mean curve are correlated
    eigenvalue_cutoff: float = 3.0  # directions with a variance beyond 3 or 1/3 are kept
    regularisation: float = 0.1  # of the mass matrix; with little, its updates take half the time
    most_doublings: int = 6  # of a trajectory; only the first steps of a chain need more
    kept_draws: int = 4000  # draws kept after thinning, over all chains


@dataclass(frozen=True, slots=True)
class Gate:
    """Diagnostic limits that every parameter must meet before a fit is used."""

    largest_rhat: float = 1.01
    smallest_ess: float = 400.0
    divergences: int = 0


def _history_priors(table: Mapping[str, Any]) -> EndpointPriors:
    given: dict[str, Any] = {
        key: tuple(value) if type(value) is list else value for key, value in table.items()
    }
    return EndpointPriors(**given)


PRIORS: Mapping[str, EndpointPriors] = MappingProxyType(
    {
        name: _history_priors(table["history"])
        for name, table in SHIPPED_TABLES["endpoint"].items()
        if "history" in table
    }
)
EVENT_PRIORS = EventPriors()
# SD of the tilt of a learned entry: 95 % of the mean places lie between 9 and 91 % of the window.
ENTRY_TILT_SD = 3.0
LOGIT_SHARE_SCALE = 1.0  # of the half-normal SD of logit(share) between studies
CROSS_CORRELATION_SCALE = 0.5  # SD of the unit triangle of ``_endpoint_driver``
SAMPLER = Sampler()
GATE = Gate()

"""Prior distributions, sampler settings and diagnostic gate of the model."""

from dataclasses import dataclass


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


EVENT_PRIORS = EventPriors()
# SD of the tilt of a learned entry: 95 % of the mean places lie between 9 and 91 % of the window.
ENTRY_TILT_SD = 3.0
LOGIT_SHARE_SCALE = 1.0  # of the half-normal SD of logit(share) between studies
CROSS_CORRELATION_SCALE = 0.5  # SD of the unit triangle of ``_endpoint_driver``
SAMPLER = Sampler()
GATE = Gate()

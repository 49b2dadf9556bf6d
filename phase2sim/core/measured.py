"""Monte Carlo estimates with their standard errors."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, repr=False)
class Measured:
    """A Monte Carlo estimate with its standard error.

    Every simulated number of a run, sweep or report is a ``Measured``.

    Parameters
    ----------
    estimate : float
        Estimate, in the unit of the quantity; a probability is between 0 and 1. nan if no trial
        could be used.
    mcse : float
        Monte Carlo standard error of the estimate, in the same unit. It measures the error of the
        simulation, not the uncertainty about the treatment. Under a truth drawn from a prior it
        holds the error of the trials and that of the draws.
    requested : int
        Number of trials requested.
    used : int
        Number of trials in the estimate. In a share of go these are all trials: one whose analysis
        failed counts as no go.
    failed : int
        Number of simulated trials whose analysis failed.
    low : float, default nan
        Estimate if every failed trial counted against it; nan where this has no meaning.
    high : float, default nan
        Estimate if every failed trial counted for it; nan where this has no meaning.
    draws_mcse : float, default 0.0
        Part of ``mcse`` that comes from the finite number of draws of the prior, and that more
        trials do not reduce: ``mcse`` ** 2 is the sum of the squares of this and of the error of
        the trials. 0 under a fixed truth.

    References
    ----------
    Morris, White and Crowther (2019), Using simulation studies to evaluate statistical methods,
    Statistics in Medicine 38:2074-2102, table 6.

    Examples
    --------
    The standard error of a power of 0.8 from 10,000 trials is sqrt(0.8 * 0.2 / 10,000) = 0.004:

    >>> Measured(0.8, 0.004, requested=10_000, used=10_000, failed=0)
    Measured(0.800 +- 0.004, used 10,000, failed 0)
    """

    estimate: float
    mcse: float
    requested: int
    used: int
    failed: int
    low: float = float("nan")
    high: float = float("nan")
    draws_mcse: float = 0.0

    @property
    def trials_mcse(self) -> float:
        """Part of the standard error that comes from the number of trials."""
        if self.draws_mcse == 0.0:
            return self.mcse
        return float(np.sqrt(max(self.mcse**2 - self.draws_mcse**2, 0.0)))

    @property
    def is_mostly_of_draws(self) -> bool:
        """Whether the draws of the prior contribute more to the error than the trials do."""
        return self.draws_mcse > self.trials_mcse

    def __str__(self) -> str:
        return f"{self.estimate:.3f} +- {self.mcse:.3f}, used {self.used:,}, failed {self.failed:,}"

    def __repr__(self) -> str:
        return f"Measured({self})"


def proportion(successes: int, used: int, trials: int, requested: int | None = None) -> Measured:
    """Return the share of successes among ``used`` trials; the other ``trials`` failed.

    At a share of 0 or 1 the plug-in standard error would be 0, so there it is that of the share
    (successes + 1/2) / (used + 1). If no trial is used, the share and its error are nan.
    """
    failed = trials - used
    requested = trials if requested is None else requested
    if used == 0:
        return Measured(float("nan"), float("nan"), requested, 0, failed, 0.0, 1.0)
    share = successes / used
    spread = share if 0 < successes < used else (successes + 0.5) / (used + 1)
    return Measured(
        estimate=share,
        mcse=float(np.sqrt(spread * (1 - spread) / used)),
        requested=requested,
        used=used,
        failed=failed,
        low=successes / trials,
        high=(successes + failed) / trials,
    )


def share_of_trials(
    successes: int, failed: int, trials: int, requested: int | None = None
) -> Measured:
    """Return the share of successes among all ``trials``; one that failed is no success.

    ``high`` is the share if every failed trial had been a success.
    """
    share = proportion(successes, trials, trials, requested)
    high = (successes + failed) / trials if trials else 1.0
    return replace(share, failed=failed, high=high)


def mean_of(total: float, squared: float, used: int, trials: int, requested: int) -> Measured:
    """Return a mean over ``used`` trials from a sum and a sum of squares; the others failed."""
    failed = trials - used
    if used == 0:
        return Measured(float("nan"), float("nan"), requested, 0, failed)
    mean = total / used
    variance = max(squared / used - mean**2, 0.0) * used / max(used - 1, 1)
    mcse = float(np.sqrt(variance / used)) if used > 1 else float("nan")
    return Measured(float(mean), mcse, requested, used, failed)


def measured_row(measured: Measured) -> dict[str, Any]:
    """Plain values of one estimate and its Monte Carlo error."""
    return {
        "estimate": _finite(measured.estimate),
        "mcse": _finite(measured.mcse),
        "requested": measured.requested,
        "used": measured.used,
        "failed": measured.failed,
        "low": _finite(measured.low),
        "high": _finite(measured.high),
        "draws_mcse": _finite(measured.draws_mcse),
    }


def _finite(number: float) -> float | None:
    """Return the number, or None, which JSON can hold, for nan."""
    return number if math.isfinite(number) else None

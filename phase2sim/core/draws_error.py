"""Error of an average over simulated trials that comes from the finite number of prior draws.

Each trial picks one of the draws. Trials that share a draw, or have neighbouring draws of the
sampler, resemble each other more than trials that do not: by how much says how far the average
would move with other draws, also where the sampler's draws are correlated.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.measured import Measured, proportion


@dataclass(frozen=True, slots=True)
class Picks:
    """The prior draw that is true in each trial of a batch."""

    index: Ints  # (trial,)
    draws: int  # number of draws

    def first(self, trials: int) -> "Picks":
        """Return the draws of the first ``trials`` trials."""
        return Picks(self.index[:trials], self.draws)

    def total(self, values: Floats | Ints | Bools) -> Floats:
        """Sum the values (..., trial) of the trials of each draw, (..., draw)."""
        rows = np.asarray(values, dtype=np.float64)
        sums = [
            np.bincount(self.index, row, minlength=self.draws)
            for row in rows.reshape(-1, self.index.size)
        ]
        return np.array(sums).reshape(*rows.shape[:-1], self.draws)


@dataclass(frozen=True, slots=True)
class DrawSums:
    """Sums over the trials of each prior draw; adding two of them pools their trials.

    Empty for a fixed truth: then no estimate has an error from draws.
    """

    trials: Floats = field(default_factory=lambda: np.zeros(0))  # (draw,)
    totals: Mapping[str, Floats] = field(default_factory=dict)  # (row, draw) by name

    def __add__(self, other: "DrawSums") -> "DrawSums":
        """Sums over the trials of both."""
        totals = {name: total + other.totals[name] for name, total in self.totals.items()}
        return DrawSums(self.trials + other.trials, totals)

    @classmethod
    def of(cls, picks: Picks | None, values: Mapping[str, Floats | Ints | Bools]) -> "DrawSums":
        """Sum a batch: values (row, trial) by name."""
        if picks is None:
            return cls()
        totals = {name: picks.total(rows) for name, rows in values.items()}
        return cls(picks.total(np.ones(picks.index.size)), totals)


def with_draws(
    measured: Measured, trials: Floats, total: Floats, used: Floats | None = None
) -> Measured:
    """Add the error from the finite number of draws to the Monte Carlo error of a mean or a share.

    ``trials``, ``total`` and ``used`` (draw,) are the number of trials of each draw, the sum of
    their values, and how many of them the estimate uses (by default all). Without draws the
    estimate is returned as it is.
    """
    if trials.size == 0 or measured.used == 0 or math.isnan(measured.mcse):
        return measured
    used = trials if used is None else used
    share_used = used.sum() / trials.sum()
    variance = measured.mcse**2 * measured.used * share_used  # of a trial's deviation below
    deviation = total - measured.estimate * used
    draws_mcse = math.sqrt(variance_from_draws(trials, deviation, variance)) / share_used
    mcse = math.hypot(measured.mcse, draws_mcse)
    return replace(measured, mcse=mcse, draws_mcse=draws_mcse)


def with_draws_of_trials(
    measured: Measured, values: Floats | Ints | Bools, picks: Picks | None
) -> Measured:
    """Add the error from draws to the mean of ``values`` (trial,)."""
    if picks is None:
        return measured
    return with_draws(measured, picks.total(np.ones(picks.index.size)), picks.total(values))


def paired_with_draws(
    difference: Measured, values: Bools, others: Bools, picks: tuple[Picks | None, Picks | None]
) -> Measured:
    """Add the error from draws to a mean of ``values`` - ``others`` (trial,) of the same trials.

    Two priors with as many draws are paired draw by draw, as their trials are; others have
    independent errors.
    """
    mine, theirs = picks
    if mine is None or theirs is None or mine.draws == theirs.draws:
        pairs = values.astype(np.float64) - others
        return with_draws_of_trials(difference, pairs, mine or theirs)
    parts = [
        with_draws_of_trials(proportion(int(goes.sum()), goes.size, goes.size), goes, picks_of_goes)
        for goes, picks_of_goes in ((values, mine), (others, theirs))
    ]
    draws_mcse = math.hypot(*(part.draws_mcse for part in parts))
    return replace(difference, mcse=math.hypot(difference.mcse, draws_mcse), draws_mcse=draws_mcse)


def variance_from_draws(trials: Floats, deviation: Floats, variance: float) -> float:
    """Variance of a mean over trials that comes from the finite number of draws.

    ``deviation`` (draw,) is the sum over the trials of each draw of value minus mean; ``variance``
    is that of a single trial. It is the larger of two estimates: from pairs of trials that share a
    draw, as if draws were independent, and from pairs within windows of about sqrt(draws)
    neighbouring draws (overlapping batch means). Where no two trials share a draw, or all values
    are equal, it is the largest possible, ``variance`` / draws.
    """
    draws = trials.size
    if not deviation.any():
        return variance / draws
    estimates = [
        _variance_of_mean_draw(trials, deviation, variance, width)
        for width in (1, max(math.isqrt(draws), 1))
    ]
    known = [estimate for estimate in estimates if estimate is not None]
    return max([0.0, *known]) / draws if len(known) == len(estimates) else variance / draws


def _variance_of_mean_draw(
    trials: Floats, deviation: Floats, variance: float, width: int
) -> float | None:
    """Number of draws times the variance of their mean, by windows of ``width`` neighbours.

    None without pairs of trials in one window.
    """
    draws, total = trials.size, float(trials.sum())
    pairs = float((_window_sums(trials, width) ** 2).sum()) - width * total
    if pairs <= 0.0 or width >= draws:
        return None
    products = float((_window_sums(deviation, width) ** 2).sum()) - width * total * variance
    # The mean is that of the same trials, which lowers the products of their deviations.
    return width * (products / pairs + variance / total) / (1.0 - width / draws)


def _window_sums(values: Floats, width: int) -> Floats:
    """Sums over all windows of neighbours; the last draw is followed by the first."""
    cumulative = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: width - 1]]))])
    return np.asarray(cumulative[width:] - cumulative[:-width])

"""Change of a mean, SD or share under reweighting or refitting, with Monte Carlo errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints

_BATCHES = 50  # batches of neighbouring draws, to allow for autocorrelation


@dataclass(frozen=True, slots=True)
class Change:
    """A quantity without one entry, and its difference from all entries; Monte Carlo SEs."""

    value: float
    mcse: float
    difference: float
    difference_mcse: float


@dataclass(frozen=True, slots=True)
class TrialOutcomes:
    """Go decisions of simulated trials under one prior, for one verdict."""

    go: Bools  # (trial,)
    draw: Ints  # (trial,) index of the prior draw that was the trial's truth
    trial: Ints  # (trial,) number of the trial, for pairing runs


def reweight_mean(draws: Floats, weights: Floats) -> tuple[Change, Change]:
    """Mean and SD of the draws under weights that sum to 1, and their changes."""
    size = draws.size
    batch = _batch(np.arange(size), size)
    before, after = _moments(draws, np.full(size, 1.0 / size)), _moments(draws, weights)
    moved = []
    for (value, contributions), (base, base_contributions) in zip(after, before, strict=True):
        difference_mcse = _error(contributions - base_contributions, batch)
        moved.append(Change(value, _error(contributions, batch), value - base, difference_mcse))
    return moved[0], moved[1]


def refit_mean_change(draws: Floats, base: Floats) -> tuple[Change, Change]:
    """Mean and SD of draws refitted without the entry, and their changes from ``base``."""
    moved = []
    for (value, contributions), (start, base_contributions) in zip(
        _unweighted_moments(draws), _unweighted_moments(base), strict=True
    ):
        mcse = _error(contributions, _batch(np.arange(draws.size), draws.size))
        base_mcse = _error(base_contributions, _batch(np.arange(base.size), base.size))
        moved.append(Change(value, mcse, value - start, float(np.hypot(mcse, base_mcse))))
    return moved[0], moved[1]


def mean_and_sd(draws: Floats) -> tuple[Change, Change]:
    """Mean and SD of the draws with equal weights."""
    batch = _batch(np.arange(draws.size), draws.size)
    (mean, contributions), (sd, sd_parts) = _unweighted_moments(draws)
    return (
        Change(mean, _error(contributions, batch), 0.0, 0.0),
        Change(sd, _error(sd_parts, batch), 0.0, 0.0),
    )


def reweight_share(goes: TrialOutcomes, weights: Floats) -> Change:
    """Share of go among trials, weighted by the weights (draw,) of their draws, and its change.

    Both shares use the same trials, so the difference has a small error.
    """
    weight = weights[goes.draw]
    value, contributions = _share(goes.go, weight / weight.sum())
    base, base_contributions = _share(goes.go, np.full(goes.go.size, 1.0 / goes.go.size))
    batch = _batch(goes.draw, weights.size)
    difference_mcse = _error(contributions - base_contributions, batch)
    return Change(value, _error(contributions, batch), value - base, difference_mcse)


def refit_share_change(goes: TrialOutcomes, base: TrialOutcomes, draws: int) -> Change:
    """Share of go under another prior, and its change from the same trial numbers in ``base``."""
    trials = np.intersect1d(goes.trial, base.trial)
    is_shared, base_is_shared = np.isin(goes.trial, trials), np.isin(base.trial, trials)
    even = np.full(trials.size, 1.0 / trials.size)
    value, contributions = _share(goes.go[is_shared], even)
    start, base_contributions = _share(base.go[base_is_shared], even)
    batch = _batch(base.draw[base_is_shared], draws)
    difference_mcse = _error(contributions - base_contributions, batch)
    return Change(value, _error(contributions, batch), value - start, difference_mcse)


@dataclass(frozen=True, slots=True)
class MixturePart:
    """One part of a mixture prior: its share, its trials, and weights (draw,) of its draws."""

    share: float
    goes: TrialOutcomes
    weights: Floats | None = None  # equal if None


def mixed_share(parts: Sequence[MixturePart], base: Sequence[MixturePart], draws: int) -> Change:
    """Share of go under a mixture, and its change from ``base``, of the same trial numbers."""
    value, contributions = _mix(parts)
    start, base_contributions = _mix(base)
    batch = _batch(base[0].goes.draw, draws)
    difference_mcse = _error(contributions - base_contributions, batch)
    return Change(value, _error(contributions, batch), value - start, difference_mcse)


def _mix(parts: Sequence[MixturePart]) -> tuple[float, Floats]:
    shares = []
    for part in parts:
        goes = part.goes
        weight = np.ones(goes.go.size) if part.weights is None else part.weights[goes.draw]
        shares.append(_share(goes.go, weight / weight.sum()))
    mixed = zip(parts, shares, strict=True)
    value = sum(part.share * share for part, (share, _) in mixed)
    contributions = sum(
        part.share * trials for part, (_, trials) in zip(parts, shares, strict=True)
    )
    return float(value), np.asarray(contributions)


def _unweighted_moments(draws: Floats) -> list[tuple[float, Floats]]:
    return _moments(draws, np.full(draws.size, 1.0 / draws.size))


def _moments(draws: Floats, weights: Floats) -> list[tuple[float, Floats]]:
    """Mean and SD, each with the contributions (draw,) of the draws to its error."""
    mean = float(weights @ draws)
    deviation = draws - mean
    variance = float(weights @ deviation**2)
    sd = float(np.sqrt(variance))
    slope = 0.0 if sd == 0 else 0.5 / sd
    return [(mean, weights * deviation), (sd, weights * (deviation**2 - variance) * slope)]


def _share(go: Bools, weights: Floats) -> tuple[float, Floats]:
    share = float(weights @ go)
    return share, weights * (go - share)


def _batch(draw: Ints, draws: int) -> Ints:
    return np.asarray(draw * min(_BATCHES, draws) // draws, dtype=np.int64)


def _error(contributions: Floats, batch: Ints) -> float:
    """Standard error of a sum of contributions that are independent between batches only."""
    sums = np.bincount(batch, contributions)
    batches = int(np.count_nonzero(np.bincount(batch)))
    return float(np.sqrt((sums**2).sum() * batches / max(batches - 1, 1)))

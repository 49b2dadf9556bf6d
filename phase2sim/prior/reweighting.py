"""How far a mean, an SD or a share moves when draws get other weights, with its standard error."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Bools, Floats, Ints

_BATCHES = 50  # of neighbouring draws: their sums carry what chains leave of autocorrelation


@dataclass(frozen=True, slots=True)
class Change:
    """A number without one entry, and minus what it is with it; each with its Monte Carlo SE."""

    value: float
    mcse: float
    by: float
    by_mcse: float


@dataclass(frozen=True, slots=True)
class TrialOutcomes:
    """Which trials of one prior ended with a go, for one verdict."""

    go: Bools  # (trial,) used trials only
    draw: Ints  # (trial,) the draw of the prior that was true in it
    trial: Ints  # (trial,) its number, so that runs can be paired


def reweight_mean(draws: Floats, weights: Floats) -> tuple[Change, Change]:
    """Mean and SD of the draws under weights that sum to 1, and how far they moved."""
    size = draws.size
    batch = _batch(np.arange(size), size)
    before, after = _moments(draws, np.full(size, 1.0 / size)), _moments(draws, weights)
    moved = []
    for (value, parts), (base, base_parts) in zip(after, before, strict=True):
        by_mcse = _error(parts - base_parts, batch)
        moved.append(Change(value, _error(parts, batch), value - base, by_mcse))
    return moved[0], moved[1]


def refit_mean_change(draws: Floats, base: Floats) -> tuple[Change, Change]:
    """Mean and SD of other draws than ``base``, which were made without the entry."""
    moved = []
    for (value, parts), (start, base_parts) in zip(_own(draws), _own(base), strict=True):
        mcse = _error(parts, _batch(np.arange(draws.size), draws.size))
        base_mcse = _error(base_parts, _batch(np.arange(base.size), base.size))
        moved.append(Change(value, mcse, value - start, float(np.hypot(mcse, base_mcse))))
    return moved[0], moved[1]


def mean_and_sd(draws: Floats) -> tuple[Change, Change]:
    """Mean and SD of the draws as they are."""
    batch = _batch(np.arange(draws.size), draws.size)
    (mean, parts), (sd, sd_parts) = _own(draws)
    return (
        Change(mean, _error(parts, batch), 0.0, 0.0),
        Change(sd, _error(sd_parts, batch), 0.0, 0.0),
    )


def reweight_share(goes: TrialOutcomes, weights: Floats) -> Change:
    """Share of go among trials whose draws have these weights, and how far it moved.

    The same trials serve every entry, so that the difference has a small error.
    """
    weight = weights[goes.draw]
    value, parts = _share(goes.go, weight / weight.sum())
    base, base_parts = _share(goes.go, np.full(goes.go.size, 1.0 / goes.go.size))
    batch = _batch(goes.draw, weights.size)
    by_mcse = _error(parts - base_parts, batch)
    return Change(value, _error(parts, batch), value - base, by_mcse)


def refit_share_change(goes: TrialOutcomes, base: TrialOutcomes, draws: int) -> Change:
    """Share of go under another prior, paired with the trials of the same number in ``base``."""
    both = np.intersect1d(goes.trial, base.trial)
    one, other = np.isin(goes.trial, both), np.isin(base.trial, both)
    even = np.full(both.size, 1.0 / both.size)
    value, parts = _share(goes.go[one], even)
    start, base_parts = _share(base.go[other], even)
    batch = _batch(base.draw[other], draws)
    by_mcse = _error(parts - base_parts, batch)
    return Change(value, _error(parts, batch), value - start, by_mcse)


def _own(draws: Floats) -> list[tuple[float, Floats]]:
    return _moments(draws, np.full(draws.size, 1.0 / draws.size))


def _moments(draws: Floats, weights: Floats) -> list[tuple[float, Floats]]:
    """Mean and SD, each with what every draw adds to its error (draw,)."""
    mean = float(weights @ draws)
    off = draws - mean
    variance = float(weights @ off**2)
    sd = float(np.sqrt(variance))
    slope = 0.0 if sd == 0 else 0.5 / sd
    return [(mean, weights * off), (sd, weights * (off**2 - variance) * slope)]


def _share(go: Bools, weights: Floats) -> tuple[float, Floats]:
    share = float(weights @ go)
    return share, weights * (go - share)


def _batch(draw: Ints, draws: int) -> Ints:
    return np.asarray(draw * min(_BATCHES, draws) // draws, dtype=np.int64)


def _error(parts: Floats, batch: Ints) -> float:
    """Standard error of a sum: batches are independent, what is inside one is not."""
    sums = np.bincount(batch, parts)
    used = int(np.count_nonzero(np.bincount(batch)))
    return float(np.sqrt((sums**2).sum() * used / max(used - 1, 1)))

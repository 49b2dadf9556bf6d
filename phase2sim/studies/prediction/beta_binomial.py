"""Chance of success at the end from responders counted so far: beta-binomial."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from phase2sim.core.arrays import Bools, Floats, Ints

type Success = Callable[[Ints, Ints], Bools]  # of responders at the end, treated and control


def posterior_success(
    patients: tuple[int, int], prior: tuple[float, float], probability: float, margin: float = 0.0
) -> Success:
    """Success where P(treated rate - control rate > margin | all data) is high enough."""
    a, b = prior
    node, weight = np.polynomial.legendre.leggauss(200)
    rate, weight = 0.5 * (node + 1.0), 0.5 * weight

    def succeeds(treated: Ints, control: Ints) -> Bools:
        density = stats.beta.pdf(rate, a + control[..., None], b + patients[1] - control[..., None])
        above = stats.beta.sf(
            rate + margin, a + treated[..., None], b + patients[0] - treated[..., None]
        )
        return np.asarray((density * above) @ weight >= probability)

    return succeeds


def predictive_probability(
    counts: tuple[tuple[int, int], tuple[int, int]],
    patients: tuple[int, int],
    success: Success,
    prior: tuple[float, float] = (1.0, 1.0),
) -> float:
    """Probability of success when all patients have been counted.

    ``counts`` is (responders, patients) so far, treated and control, ``patients`` are those at the
    end. The rest respond as a beta-binomial given the counts, each arm with the same Beta prior.
    """
    return _average_success(counts, patients, success, _beta_binomial(prior))


def conditional_probability(
    counts: tuple[tuple[int, int], tuple[int, int]],
    patients: tuple[int, int],
    success: Success,
    rates: tuple[float, float],
) -> float:
    """Probability of success given the true response rates, treated and control."""
    return _average_success(counts, patients, success, _binomial(rates))


type _Chances = Callable[[int, tuple[int, int], int], Floats]  # arm, seen, patients yet to count


def _average_success(
    counts: tuple[tuple[int, int], tuple[int, int]],
    patients: tuple[int, int],
    success: Success,
    chances: _Chances,
) -> float:
    remaining = [total - counted for total, (_, counted) in zip(patients, counts, strict=True)]
    probabilities = [chances(arm, counts[arm], remaining[arm]) for arm in range(2)]
    treated, control = (np.arange(remaining[arm] + 1) + counts[arm][0] for arm in range(2))
    wins = success(treated[:, None], control[None, :])
    return float(probabilities[0] @ wins @ probabilities[1])


def _beta_binomial(prior: tuple[float, float]) -> _Chances:
    a, b = prior
    return lambda _arm, count, remaining: stats.betabinom.pmf(
        np.arange(remaining + 1), remaining, a + count[0], b + count[1] - count[0]
    )


def _binomial(rates: tuple[float, float]) -> _Chances:
    return lambda arm, _count, remaining: stats.binom.pmf(
        np.arange(remaining + 1), remaining, rates[arm]
    )

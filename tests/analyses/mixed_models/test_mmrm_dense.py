"""Drawn data sets with up to 30 % missing: the mixed model's numbers against the dense model's.

Differentiating the dense likelihood and the variance of a contrast by the covariance's entries
gives all that Satterthwaite's and Kenward and Roger's formulas need. With W the inverse of the
observed information and v the variance, the linear adjustment is v - sum W_jk d2v / dj dk, as the
second derivatives are -2 (Q - P Phi P).
"""

import numpy as np
import pytest
from support.dense_model import dense, differences

from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import Reading

COVARIATES = ("baseline", "age", "stratum")
BY_VISIT = ("baseline", "age")


def with_missing(seed: int, patients: int, months: tuple[float, ...], missing: float) -> Reading:
    """Draw a trial with dropout and gaps, SDs that differ by visit, and unequal arms."""
    rng = np.random.default_rng(seed)
    visits = len(months)
    arm = (rng.permutation(patients) < 0.4 * patients).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, patients), rng.normal(0.0, 0.6, patients)
    spread = rng.uniform(0.4, 1.2, (visits, 1))
    value = 0.5 * baseline + own - 0.3 * arm + spread * rng.normal(size=(visits, patients))
    last = rng.random(patients)
    for visit in range(visits):
        value[visit, last < missing * visit / visits] = np.nan
    value[rng.random(value.shape) < missing / 2] = np.nan
    return Reading(
        arm[None],
        baseline[None],
        value[None],
        months,
        rng.uniform(8.0, 18.0, (1, patients)),
        rng.integers(0, 2, (1, patients)),
    )


@pytest.mark.parametrize(
    ("seed", "patients", "months"),
    [
        (1, 20, (3.0, 12.0)),
        (2, 40, (1.0, 12.0)),
        (3, 30, (1.0, 3.0, 12.0)),
        (4, 60, (3.0, 6.0, 9.0)),
        (5, 36, (1.0, 2.0, 6.0, 24.0)),
    ],
)
def test_numbers_are_those_of_the_dense_model(
    seed: int, patients: int, months: tuple[float, ...]
) -> None:
    reading = with_missing(seed, patients, months, 0.3)
    visits = len(months)
    row, column = np.tril_indices(visits)
    arms = np.zeros(4 * visits + 1)
    arms[4 * visits - 3] = 1.0

    def filled(entries: Floats) -> Floats:
        covariance = np.zeros((visits, visits))
        covariance[row, column] = covariance[column, row] = entries
        return covariance

    def height_and_variance(entries: Floats) -> Floats:
        height, _, spread = dense(reading, filled(entries))
        return np.array([height, arms @ spread @ arms])

    last, options = months[-1], ("kenward_roger", "satterthwaite")
    adjusted, ours = (
        Mmrm("hba1c", last, COVARIATES, BY_VISIT, df=df, fallback=False).fit(reading)  # type: ignore[arg-type]  # two of its names
        for df in options
    )

    assert 0.15 < np.isnan(reading.value).mean() < 0.32
    at = ours.covariance[0][row, column]
    height, beta, spread = dense(reading, filled(at))
    variance = arms @ spread @ arms
    slope, curve = differences(height_and_variance, at)
    w = np.linalg.inv(-curve[..., 0])
    assert slope[:, 0] @ w @ slope[:, 0] < 1e-8  # twice what the likelihood could still gain
    assert ours.log_likelihood[0] == pytest.approx(height, abs=1e-9)
    assert ours.effect[0] == pytest.approx(arms @ beta, abs=1e-8 * np.sqrt(variance))
    assert ours.se[0] == pytest.approx(np.sqrt(variance), rel=1e-8)
    df = 2 * variance**2 / (slope[:, 1] @ w @ slope[:, 1])
    assert ours.df[0] == pytest.approx(df, rel=1e-4)
    assert adjusted.df[0] == pytest.approx(df, rel=1e-4)
    added = -float((w * curve[..., 1]).sum())
    assert adjusted.se[0] == pytest.approx(np.sqrt(variance + added), rel=1e-5)
    assert added > 1e-3 * variance  # more than the tolerance

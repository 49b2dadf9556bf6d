"""Power of the mixed model: the formula against another program, the simulation against it."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from support.agreement import assert_agrees, se_of_share
from support.readings import rows_of

from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import Reading
from phase2sim.theory.power.mmrm_power import power_mmrm

type Floats = NDArray[np.float64]

ROWS = rows_of("mmrm_power.csv")
TRIALS = 5_000
MONTHS = (3.0, 6.0, 9.0, 12.0)


def designed(inputs: str) -> tuple[Floats, Floats, float, int]:
    """Covariance, retention of one arm, effect at the last visit and patients of both arms."""
    rho, visits, kept, sd, delta, n = re.match(
        r"AR1 rho=([\d.]+); visits=(\d); retention both arms=([\d./]+); sd=([\d.]+);"
        r" delta last visit=([\d.]+); total N=(\d+) 1:1; two-sided .05",
        inputs,
    ).groups()  # type: ignore[union-attr]  # every row is written so
    months = np.arange(int(visits))
    covariance = float(sd) ** 2 * float(rho) ** np.abs(np.subtract.outer(months, months))
    return covariance, np.array([float(share) for share in kept.split("/")]), float(delta), int(n)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_formula_is_that_of_longpower(row: dict[str, str]) -> None:
    covariance, retention, delta, n = designed(row["inputs"])

    found = power_mmrm(delta, covariance, [retention] * 2, [n / 2] * 2, 0.025)

    assert found == pytest.approx(float(row["value"]), rel=1e-8)


def drawn(covariance: Floats, retention: Floats, delta: float, n: int) -> Reading:
    """Draw trials whose arms differ at the last visit only; patients leave at random."""
    rng = np.random.default_rng(20)
    visits = len(covariance)
    arm = np.tile(np.arange(n) % 2, (TRIALS, 1)).astype(np.int8)
    value = rng.standard_normal((TRIALS, n, visits)) @ np.linalg.cholesky(covariance).T
    value[:, :, -1] -= delta * arm
    value[rng.random((TRIALS, n, 1)) >= retention] = np.nan
    return Reading(
        arm,
        rng.standard_normal((TRIALS, n)),
        np.ascontiguousarray(value.transpose(0, 2, 1)),
        MONTHS[:visits],
        np.full((TRIALS, n), 12.0),
        np.zeros((TRIALS, n), np.int64),
    )


def simulated(row: dict[str, str], n: int) -> tuple[float, float]:
    """Share of significant trials of n patients, effect shrunk or grown to the row's power; df."""
    covariance, retention, delta, planned = designed(row["inputs"])
    trials = drawn(covariance, retention, delta * np.sqrt(planned / n), n)

    found = Mmrm("hba1c", MONTHS[len(covariance) - 1], covariates=()).estimate(trials)

    assert not found.failed.any()
    return float(np.mean(found.p <= 0.025)), float(found.df.mean())


@pytest.mark.parametrize("row", ROWS[:3], ids=lambda row: row["case"])
def test_simulated_power_is_that_of_longpower_in_a_large_trial(row: dict[str, str]) -> None:
    won, _ = simulated(row, 400)

    assert_agrees(won, float(row["value"]), se_of_share(float(row["value"]), TRIALS))


@pytest.mark.parametrize("row", ROWS[:3], ids=lambda row: row["case"])
def test_simulated_power_in_a_small_trial_is_lower_by_what_t_costs(row: dict[str, str]) -> None:
    won, df = simulated(row, designed(row["inputs"])[3])

    # longpower takes the covariance as known, a z test; a trial estimates it, a t test.
    shift = stats.norm.ppf(float(row["value"])) + stats.norm.ppf(0.975)
    as_t = float(stats.nct.sf(stats.t.ppf(0.975, df), df, shift))
    assert as_t < float(row["value"])
    assert_agrees(won, as_t, se_of_share(as_t, TRIALS))

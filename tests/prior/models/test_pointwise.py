"""Leaving a number out by weighing draws gives what is known in closed form without it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats
from support.agreement import assert_agrees
from support.reports import arm, entry, evidence

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.models.pointwise import pointwise
from phase2sim.prior.models.unknowns.natural_history import ROOT_MONTHS, walk_factor
from phase2sim.prior.models.unknowns.settings import EVENT_PRIORS

type Floats = NDArray[np.float64]

DRAWS = 4000
MONTH = 3.0  # where nothing is left of how studies differ at diagnosis
MEANS = (6.2, 7.4, 8.9, 7.1)  # of untreated patients' HbA1c, one a study
ERRORS = (0.4, 0.6, 0.5, 0.8)
CENTRE = PRIORS["hba1c"].first_mean[0] + PRIORS["hba1c"].mean_step[0]
SPREAD = float(np.hypot(PRIORS["hba1c"].first_mean[1], PRIORS["hba1c"].mean_step[1]))
BETWEEN = PRIORS["hba1c"].level_scale
MU = PRIORS["c_peptide"].first_mean[0]  # where every draw leaves C-peptide, whose step is 0
SIGMA = float(np.exp(PRIORS["c_peptide"].first_log_sd[0]))
MEDIAN, THRESHOLD, BELOW = 0.55, 0.35, 1  # model scale; of seven patients
FIVE = (0.2, 0.4, 0.52, 0.66, 0.9)  # smallest, quartiles about the median, largest of seven
LONE, BESIDE, COUNTED, MIDDLE, QUARTILES, RANGE, PATIENTS, TOTAL = range(4, 12)


def everything() -> Evidence:
    """Four independent means; then, of other endpoints, what is read jointly."""
    model = {"endpoint": "c_peptide", "on_model_scale": True, "n": 7}
    outcome = {"endpoint": "adverse_events", "study": "G", "n": 5}
    read = [
        entry("mean", MONTH, mean, se=error, study=study)
        for study, mean, error in zip("ABCD", MEANS, ERRORS, strict=True)
    ]
    read += [
        entry("mean", MONTH, 0.6, se=0.1, study="H", **(model | {"n": 20})),
        entry("median", MONTH, MEDIAN, study="E", **model),
        entry("count", MONTH, BELOW, threshold=THRESHOLD, beyond="below", study="E", **model),
        entry("median", MONTH, FIVE[2], study="F", **model),
        entry(
            "quartiles",
            MONTH,
            bounds=(FIVE[1], FIVE[3]),
            quantile_method="weibull",
            study="F",
            **model,
        ),
        entry("range", MONTH, bounds=(FIVE[0], FIVE[4]), study="F", **model),
        entry("count", (0.0, 6.0), 2, **outcome),
        entry("events", (0.0, 6.0), 2, **outcome),
    ]
    return evidence(*read, arms=tuple(arm(study=study, age_years=12.0) for study in "ABCDEFGH"))


def marginal(which: tuple[int, ...], between: float) -> float:
    """Density of these studies' means given the SD between studies, the mean integrated out."""
    mean = np.array(MEANS)[list(which)]
    covariance = np.diag(np.array(ERRORS)[list(which)] ** 2 + between**2) + SPREAD**2
    return float(stats.multivariate_normal(np.full(len(which), CENTRE), covariance).pdf(mean))


def predicted(which: tuple[int, ...]) -> float:
    """Integrate the SD between studies out too."""

    def part(between: float) -> float:
        return marginal(which, between) * float(stats.halfnorm.pdf(between, scale=BETWEEN))

    return float(integrate.quad(part, 0.0, 10 * BETWEEN)[0])


def posterior(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Independent draws of the SD between studies, by inverting its distribution, and the mean."""
    grid = np.linspace(0.0, 6 * BETWEEN, 2001)
    density = [marginal((0, 1, 2, 3), tau) for tau in grid] * stats.halfnorm.pdf(grid, 0, BETWEEN)
    cumulated = np.cumsum(density)
    between = np.interp(rng.random(DRAWS), cumulated / cumulated[-1], grid)
    weight = 1.0 / (np.array(ERRORS) ** 2 + between[:, None] ** 2)
    precision = weight.sum(axis=1) + SPREAD**-2
    centre = (weight @ np.array(MEANS) + CENTRE * SPREAD**-2) / precision
    return between, centre + rng.standard_normal(DRAWS) / np.sqrt(precision)


def draws() -> PriorDraws:
    """Posterior draws of the conjugate part; everything else stands at the centre of its prior."""
    between, mean = posterior(np.random.default_rng(13))
    hba1c = PRIORS["hba1c"]
    step = np.r_[
        hba1c.first_mean[1], hba1c.mean_step[1], hba1c.mean_per_root_month * ROOT_MONTHS[1:]
    ]
    shift = np.linalg.solve(walk_factor(np.tri(6) * step), np.ones(6))  # of the curve, by 1
    raw = np.zeros((DRAWS, 2, 6))
    raw[:, 0] = np.outer(mean - CENTRE, shift)
    level = stats.norm.ppf(stats.halfnorm.cdf(between, scale=BETWEEN))
    two, no_sd = np.full((DRAWS, 2), 0.5), np.full((DRAWS, 2), -40.0)
    sampled = {
        "mean_raw": raw,
        "log_sd_raw": np.zeros((DRAWS, 2, 6)),
        "level_sd_raw": np.column_stack([level, no_sd[:, 1]]),
        "slope_sd_raw": no_sd,
        "diagnosis_sd_raw": no_sd,
        "spread_sd_raw": no_sd,
        "share_sd_raw": no_sd,
        "study_spread": np.zeros((DRAWS, 1)),
        "age_slope_raw": np.zeros((DRAWS, 2)),
        "patient_share": two,
        "decay": two,
        "endpoint_raw": np.zeros((DRAWS, 1)),
        "study_level": np.zeros((DRAWS, 2)),
        "study_slope": np.zeros((DRAWS, 2)),
        "event_base_raw": np.zeros((DRAWS, 1)),
        "event_ratio_raw": np.zeros((DRAWS, 1)),
        "event_study_sd": np.zeros(DRAWS),
        "event_study_raw": np.zeros((DRAWS, 1)),
        "event_dispersion": np.full((DRAWS, 1), 0.7),
    }
    none = np.zeros((DRAWS, 2))
    return PriorDraws(
        ("hba1c", "c_peptide"), np.zeros(7), raw, raw, *[none] * 4, none, none, {}, {},
        sampled=sampled,
    )  # fmt: skip


@pytest.fixture(scope="session")
def contributed() -> Floats:
    """Log density (draw, entry)."""
    return pointwise(everything(), draws())


@pytest.mark.parametrize("left_out", range(4))
def test_weighing_draws_predicts_the_number_that_is_left_out(
    contributed: Floats, left_out: int
) -> None:
    inverse = np.exp(-contributed[:, left_out])  # the weight of a draw without the number
    result = 1.0 / inverse.mean()

    others = tuple(study for study in range(4) if study != left_out)
    exact = predicted((0, 1, 2, 3)) / predicted(others)
    assert_agrees(result, exact, result * inverse.std() / inverse.mean() / np.sqrt(DRAWS))


def of_seven(values: tuple[float, ...], ranks: tuple[int, ...]) -> float:
    """Log density of the values of these ranks among seven patients."""
    z = (np.array(values) - MU) / SIGMA
    cuts = np.diff(stats.norm.cdf([-np.inf, *z, np.inf]))
    between = np.diff([0, *ranks, 8]) - 1
    ways = np.log(5040.0) - sum(np.log(float(np.prod(range(1, k + 1)))) for k in between)
    return float(ways + between @ np.log(cuts) + np.sum(stats.norm.logpdf(z) - np.log(SIGMA)))


def median_alone(median: float) -> float:
    """Log density of a median of seven by its exact variance, as the joint normal reads it."""

    def density(z: float) -> float:
        return float(140 * (stats.norm.cdf(z) * stats.norm.sf(z)) ** 3 * stats.norm.pdf(z))

    variance = integrate.quad(lambda z: z**2 * density(z), -8, 8)[0]
    return float(stats.norm.logpdf(median, MU, SIGMA * np.sqrt(variance)))


def test_an_independent_mean_contributes_its_own_density(contributed: Floats) -> None:
    np.testing.assert_allclose(contributed[:, LONE], stats.norm.logpdf(0.6, MU, 0.1), rtol=1e-9)


def test_a_count_is_given_its_median_and_the_median_takes_it_along(contributed: Floats) -> None:
    lower = stats.norm.cdf((np.array([THRESHOLD, MEDIAN]) - MU) / SIGMA)
    together = of_seven((MEDIAN,), (4,)) + stats.binom.logpmf(BELOW, 3, lower[0] / lower[1])

    expected = [together, together - median_alone(MEDIAN)]
    np.testing.assert_allclose(contributed[0, [BESIDE, COUNTED]], expected, rtol=1e-6)


def test_quartiles_and_range_go_together_and_the_median_takes_them_along(
    contributed: Floats,
) -> None:
    together = of_seven(FIVE, (1, 2, 4, 6, 7))

    given = together - median_alone(FIVE[2])
    result = contributed[0, [MIDDLE, QUARTILES, RANGE]]
    np.testing.assert_allclose(result, [together, given, given], rtol=1e-6)


def test_patients_with_an_event_and_their_total_go_together(contributed: Floats) -> None:
    mean = 6.0 * np.exp(EVENT_PRIORS.log_rate[0])
    r = 1 / 0.7
    none, single = stats.nbinom.pmf([0, 1], r, r / (r + mean))

    # two of five patients had two events in all: one each
    expected = np.log(10 * single**2 * none**3)
    np.testing.assert_allclose(contributed[0, [PATIENTS, TOTAL]], expected, rtol=1e-9)

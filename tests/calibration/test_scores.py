"""Scores of reported numbers are standard normal where simulated reports are right."""

import numpy as np
import pytest
from calibration.scores import independent_scores, is_calibrated, normal_score, summarise
from scipy import stats
from support.agreement import assert_agrees, se_of_share

STUDIES, REPLICAS = 2000, 500
HALF = stats.norm.ppf(0.75)


def test_a_value_amid_its_replicas_has_score_0() -> None:
    assert normal_score(49.0, np.arange(99.0)) == pytest.approx(0.0, abs=1e-12)


def test_tied_values_count_half() -> None:
    counts = np.array([1.0, 2.0, 2.0, 2.0, 3.0])  # 1 below and 3 ties: (1 + 1.5 + 0.5) of 6

    assert normal_score(2.0, counts) == pytest.approx(0.0, abs=1e-12)


def test_a_value_beyond_all_replicas_has_a_finite_score() -> None:
    assert normal_score(9.0, np.zeros(1999)) == pytest.approx(stats.norm.ppf(1999.5 / 2000))


@pytest.mark.parametrize("width", [0.7, 1.0, 1.4], ids=["too narrow", "right", "too wide"])
def test_spread_of_scores_and_coverage_are_those_of_normal_predictions(width: float) -> None:
    rng = np.random.default_rng(1)
    reported = rng.standard_normal(STUDIES)
    scores = [normal_score(y, width * rng.standard_normal(REPLICAS)) for y in reported]

    found = summarise({f"{i}": [z] for i, z in enumerate(scores)})

    inside = 2 * stats.norm.cdf(width * HALF) - 1  # of N(0, 1) within the quartiles of N(0, width)
    assert_agrees(found.inside[0].value, inside, se_of_share(inside, STUDIES))
    if width >= 1.0:  # else many ranks are the first or last, and their scores are cut off
        se = 1 / (width * np.sqrt(2 * STUDIES))
        assert_agrees(found.about_zero.value, 1 / width, se)
        assert_agrees(found.sd.value, 1 / width, se)


def test_standard_errors_count_studies_not_numbers() -> None:
    z = np.random.default_rng(2).standard_normal(40)

    found = summarise({f"{i}": [value] * 10 for i, value in enumerate(z)})

    assert (found.numbers, found.studies) == (400, 40)
    assert_agrees(found.mean.se, z.std() / np.sqrt(40), found.mean.se / np.sqrt(2 * 4000))


def test_correlated_numbers_of_a_study_have_independent_scores() -> None:
    rng = np.random.default_rng(3)
    factor = np.linalg.cholesky(0.2 * np.eye(3) + 0.8)

    z = np.array([
        independent_scores(
            factor @ rng.standard_normal(3), rng.standard_normal((REPLICAS, 3)) @ factor.T
        )
        for _ in range(STUDIES)
    ])  # fmt: skip

    se = 1 / np.sqrt(STUDIES)
    covariance = z.T @ z / STUDIES
    assert_agrees(covariance[np.tril_indices(3, -1)], 0.0, se)
    assert_agrees(np.diag(covariance), 1.0, np.sqrt(2.0) * se + 0.004)  # replicas are finite


@pytest.mark.parametrize(
    ("scores", "calibrated"),
    [((0.5, -1.3), True), ((0.2, -0.3), False), ((0.1, -1.0), False), ((1.5, -2.0), False)],
)
def test_the_criterion_asks_for_the_sd_and_for_the_share_inside(
    scores: tuple[float, float], *, calibrated: bool
) -> None:
    found = summarise({"A": [scores[0]], "B": [scores[1]]})

    assert is_calibrated(found) is calibrated

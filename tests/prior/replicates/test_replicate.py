"""Numbers of simulated reports have the moments that theory gives them."""

import numpy as np
import pytest
from scipy import integrate, stats
from support.reports import (
    KNOTS,
    MEAN,
    SD,
    Floats,
    arm,
    assert_mean,
    entry,
    evidence,
    replicas,
    through,
    truth,
)

from phase2sim.evidence.reported import StudyArm
from phase2sim.prior.replicates.parameters import Parameters

KEPT = 0.6  # correlation of a patient's visits in ``truth``
# Means of the order statistics of ten standard normal values: Harter, Biometrika 1961, table 1.
LARGEST, SECOND, THIRD, FOURTH = 1.53875, 1.00136, 0.65606, 0.37576


def falling(window: tuple[float, float], per_month: float = -0.1) -> tuple[Parameters, StudyArm]:
    """HbA1c falls by the same amount each month; and the arm that enrols over ``window``."""
    history = truth().history.copy()
    history[0] = 10.0 + per_month * KNOTS
    return truth(history=history), arm(months_since_diagnosis=window)


def test_the_mean_and_sd_of_ten_patients_vary_as_theory_says() -> None:
    mean, sd = replicas(evidence(entry("mean", sd=1.0)), truth()).T

    assert_mean(mean, MEAN["hba1c"])
    assert_mean((mean - MEAN["hba1c"]) ** 2, SD["hba1c"] ** 2 / 10)
    assert_mean(sd**2, SD["hba1c"] ** 2)
    assert_mean(sd, SD["hba1c"] * 0.9727)  # c4 of ten values


def test_medians_of_the_same_ten_patients_covary() -> None:
    both = evidence(entry("median", 3.0), entry("median", 6.0))

    first, second = (replicas(both, truth()) - MEAN["hba1c"]).T / SD["hba1c"]

    # docs/methods/summary-likelihoods.md: n = 10, correlation 0.6
    assert_mean(first**2, 0.1383)
    assert_mean(first * second, 0.0642)


def test_fewer_patients_are_the_first_of_them() -> None:
    both = evidence(entry("mean", n=5), entry("mean"))

    five, ten = (replicas(both, truth()) - MEAN["hba1c"]).T

    assert_mean(five * ten, SD["hba1c"] ** 2 / 10)  # the larger n


def root_moments(mean: float, sd: float) -> tuple[float, float]:
    """Mean and variance of max(z, 0)^2, z normal."""

    def moment(power: int) -> float:
        def part(z: float) -> float:
            return z**power * stats.norm.pdf(z, mean, sd)

        return float(integrate.quad(part, 0.0, mean + 12 * sd)[0])

    return moment(2), moment(4) - moment(2) ** 2


def log_moments(mean: float, sd: float, less: float) -> tuple[float, float]:
    lognormal = stats.lognorm(s=sd, scale=np.exp(mean))
    return float(lognormal.mean()) - less, float(lognormal.var())


@pytest.mark.parametrize(
    ("endpoint", "moments"),
    [
        ("c_peptide", log_moments(MEAN["c_peptide"], SD["c_peptide"], 1.0)),
        ("glucose", log_moments(MEAN["glucose"], SD["glucose"], 0.0)),
        ("insulin", root_moments(MEAN["insulin"], SD["insulin"])),
    ],
)
def test_means_in_the_endpoints_own_unit_are_of_transformed_patients(
    endpoint: str, moments: tuple[float, float]
) -> None:
    mean, sd = replicas(evidence(entry("mean", endpoint=endpoint, sd=1.0)), truth()).T

    assert_mean(mean, moments[0])
    assert_mean(sd**2, moments[1])


def test_a_number_on_the_model_scale_is_not_transformed() -> None:
    logged = entry("mean", endpoint="c_peptide", on_model_scale=True)

    assert_mean(replicas(evidence(logged), truth())[:, 0], MEAN["c_peptide"])


@pytest.mark.parametrize(
    ("method", "below"),
    [
        ("hazen", THIRD),
        ("weibull", 0.25 * SECOND + 0.75 * THIRD),
        ("linear", 0.75 * THIRD + 0.25 * FOURTH),
    ],
)
def test_quartiles_are_order_statistics_of_the_stated_method(method: str, below: float) -> None:
    quartiles = entry("quartiles", bounds=(7.0, 9.0), quantile_method=method)

    numbers = replicas(evidence(quartiles), truth())

    assert_mean(numbers, MEAN["hba1c"] + SD["hba1c"] * np.array([-below, below]))


def test_a_range_is_the_smallest_and_the_largest_value() -> None:
    numbers = replicas(evidence(entry("range", bounds=(6.0, 10.0))), truth())

    assert_mean(numbers, MEAN["hba1c"] + SD["hba1c"] * np.array([-LARGEST, LARGEST]))


@pytest.mark.parametrize("beyond", ["below", "above"])
def test_a_count_beyond_a_threshold_is_binomial(beyond: str) -> None:
    count = entry("count", threshold=7.5, beyond=beyond)
    below = stats.norm.cdf(7.5, MEAN["hba1c"], SD["hba1c"])
    chance = below if beyond == "below" else 1 - below

    numbers = replicas(evidence(count), truth())[:, 0]

    assert_mean(numbers, 10 * chance)
    assert_mean((numbers - 10 * chance) ** 2, 10 * chance * (1 - chance))


@pytest.mark.parametrize("beyond", ["below", "above"])
def test_no_insulin_is_a_latent_dose_at_or_below_zero(beyond: str) -> None:
    free = entry("count", endpoint="insulin", threshold=0.0, beyond=beyond)
    chance = stats.norm.cdf(0.0, MEAN["insulin"], SD["insulin"])

    numbers = replicas(evidence(free), truth())[:, 0]

    assert_mean(numbers, 10 * (chance if beyond == "below" else 1 - chance))


def test_remission_is_counted_in_the_same_patients() -> None:
    between = np.eye(4)
    between[0, 2] = between[2, 0] = 0.5
    remission = evidence(entry("count", endpoint="partial_remission"))

    def at_root(root: float) -> float:
        z = (root - MEAN["insulin"]) / SD["insulin"]
        mean, sd = MEAN["hba1c"] + 0.5 * SD["hba1c"] * z, SD["hba1c"] * np.sqrt(0.75)
        below = stats.norm.cdf(9.0 - 4.0 * max(root, 0.0) ** 2, mean, sd)
        return float(below * stats.norm.pdf(root, MEAN["insulin"], SD["insulin"]))

    chance = integrate.quad(at_root, -3.0, 4.0, points=[0.0])[0]

    numbers = replicas(remission, truth(endpoint_correlation=between))[:, 0]

    assert_mean(numbers, 10 * chance)
    assert_mean((numbers - 10 * chance) ** 2, 10 * chance * (1 - chance))


def test_a_fall_below_the_own_baseline_depends_on_when_patients_enrolled() -> None:
    history = truth().history.copy()
    history[0] = through(11.0, 8.0, 7.5, 7.7, 8.2, 8.4)
    enrolled = arm(months_since_diagnosis=(0.0, 4.0))
    fall = evidence(entry("count", 6.0, beyond="below_baseline"), arms=(enrolled,))
    spread = SD["hba1c"] * np.sqrt(2 * (1 - KEPT))

    def chance(at: float) -> float:
        before, after = (np.interp(at + month, KNOTS, history[0]) for month in (0.0, 6.0))
        return float(stats.norm.cdf((before - after) / spread))

    expected = integrate.quad(chance, 0.0, 4.0, points=[3.0])[0] / 4.0

    assert_mean(replicas(fall, truth(history=history))[:, 0], 10 * expected)


def test_patients_who_enrolled_at_other_times_differ_by_natural_history() -> None:
    true, enrolled = falling((0.0, 12.0))

    mean, sd = replicas(evidence(entry("mean", sd=1.0), arms=(enrolled,)), true).T

    assert_mean(mean, 10.0 - 0.1 * (6.0 + 6.0))
    assert_mean(sd**2, SD["hba1c"] ** 2 + (0.1 * 12.0) ** 2 / 12)


def test_visits_keep_a_share_and_lose_the_rest_by_doublings_of_the_time() -> None:
    pair = evidence(entry("correlation", (0.0, 6.0), n=40), arms=(arm(patients=40),))
    rho = 0.6 + 0.4 * 0.8 ** np.log2(6.5 / 0.5)

    numbers = replicas(pair, truth(decay=np.full(4, 0.8)))[:, 0]

    # Hotelling 1953: the mean of atanh(r) is atanh(rho) + rho / (2 (n - 1)), to order 1 / n^2
    assert_mean(np.arctanh(numbers), np.arctanh(rho) + rho / (2 * 39))


def test_endpoints_at_different_visits_correlate_by_what_both_keep() -> None:
    between = np.eye(4)
    between[0, 1] = between[1, 0] = -0.5
    both = evidence(
        entry("mean", 0.0), entry("mean", 6.0, endpoint="c_peptide", on_model_scale=True)
    )
    share = np.array([0.6, 0.9, 0.6, 0.6])

    hba1c, c_peptide = replicas(
        both, truth(endpoint_correlation=between, patient_share=share), 8000
    ).T

    product = (hba1c - MEAN["hba1c"]) * (c_peptide - MEAN["c_peptide"])
    stays, fades = np.sqrt(0.6 * 0.9), np.sqrt(0.4 * 0.1)
    kept = stays / (stays + fades)  # of the correlation at one visit
    assert_mean(product, -0.5 * kept * SD["hba1c"] * SD["c_peptide"] / 10)


def test_endpoints_that_fade_at_different_rates_fade_at_that_of_the_later_visit() -> None:
    between = np.eye(4)
    between[0, 1] = between[1, 0] = -0.5
    decay = np.array([0.9, 0.5, 0.9, 0.9])
    known = truth(endpoint_correlation=between, patient_share=np.zeros(4), decay=decay)
    early, late = entry("mean", 1.0), entry("mean", 3.0)
    c_peptide_early, c_peptide_late = (
        entry("mean", month, endpoint="c_peptide", on_model_scale=True) for month in (1.0, 3.0)
    )

    numbers = replicas(evidence(early, late, c_peptide_early, c_peptide_late), known, 8000)

    hba1c = numbers[:, :2] - MEAN["hba1c"]
    c_peptide = numbers[:, 2:] - MEAN["c_peptide"]
    unit = -0.5 * SD["hba1c"] * SD["c_peptide"] / 10
    doublings = np.log2(3.5 / 1.5)
    assert_mean(hba1c[:, 0] * c_peptide[:, 1], unit * 0.5**doublings)
    assert_mean(hba1c[:, 1] * c_peptide[:, 0], unit * 0.9**doublings)


def test_patients_who_keep_everything_are_the_same_at_every_visit() -> None:
    visits = [entry("median", month) for month in (0.0, 1.0, 6.0)]

    numbers = replicas(evidence(*visits), truth(patient_share=np.ones(4)), 100)

    np.testing.assert_allclose(numbers[:, 1:], np.tile(numbers[:, :1], 2), rtol=1e-6)


def test_an_sd_given_baseline_is_that_around_a_regression() -> None:
    given = evidence(entry("residual_sd", (0.0, 6.0)))

    numbers: Floats = replicas(given, truth())[:, 0]

    assert_mean(numbers**2, SD["hba1c"] ** 2 * (1 - KEPT**2))


def test_a_diagnosis_clock_and_an_entry_clock_meet_in_the_same_patients() -> None:
    true, enrolled = falling((2.0, 2.0))
    both = evidence(
        entry("median", 8.0, clock="diagnosis"),
        entry("median", 6.0),
        arms=(enrolled,),
    )

    from_diagnosis, from_entry = replicas(both, true, 20).T

    np.testing.assert_allclose(from_diagnosis, from_entry, rtol=1e-7)

import numpy as np
import pytest
from meta_analysis import MapPriors, kernel_density, overall_mean, predict_mean
from scipy import stats

# RBesT 1.9-0, "RBesT for a Normal Endpoint": data set crohn, SD 88, gMAP with beta.prior (0, 88)
# and a half-normal tau.prior of 44; 4,000 draws.
CROHN_PATIENTS = np.array([74, 166, 328, 20, 25, 58])
CROHN_CHANGE = np.array([-51.0, -49.0, -36.0, -47.0, -90.0, -54.0])
CROHN_SE = 88.0 / np.sqrt(CROHN_PATIENTS)
CROHN_PRIORS = MapPriors(mean=0.0, sd=88.0, heterogeneity=44.0)
RBEST_MEAN, RBEST_SD = -50.0, 19.3
RBEST_QUANTILES = {0.025: -93.1, 0.5: -48.6, 0.975: -13.8}
RBEST_TAU_MEAN, RBEST_TAU_SD = 14.30, 9.99
RBEST_DRAWS = 4000


def test_map_prior_agrees_with_rbest() -> None:
    predictive = predict_mean(CROHN_CHANGE, CROHN_SE, CROHN_PRIORS)

    mean, sd = predictive.moments()
    assert abs(mean - RBEST_MEAN) < 4 * RBEST_SD / np.sqrt(RBEST_DRAWS)
    assert sd == pytest.approx(RBEST_SD, abs=4 * RBEST_SD / np.sqrt(RBEST_DRAWS))


@pytest.mark.parametrize(("probability", "value"), RBEST_QUANTILES.items())
def test_quantiles_of_the_map_prior_agree_with_rbest(probability: float, value: float) -> None:
    predictive = predict_mean(CROHN_CHANGE, CROHN_SE, CROHN_PRIORS)

    share = predictive.below(value)  # of RBesT's quantile, whose draws scatter
    error = np.sqrt(probability * (1 - probability) / RBEST_DRAWS)
    assert abs(share - probability) < 4 * error


def test_heterogeneity_agrees_with_rbest() -> None:
    predictive = predict_mean(CROHN_CHANGE, CROHN_SE, CROHN_PRIORS)
    overall = overall_mean(CROHN_CHANGE, CROHN_SE, CROHN_PRIORS)

    tau = np.sqrt(predictive.sd**2 - overall.sd**2)

    error = RBEST_TAU_SD / np.sqrt(RBEST_DRAWS)
    assert abs(np.sum(predictive.weight * tau) - RBEST_TAU_MEAN) < 4 * error


def test_without_studies_the_overall_mean_is_the_prior() -> None:
    overall = overall_mean(np.zeros(0), np.zeros(0), MapPriors(mean=2.0, sd=3.0, heterogeneity=1.0))

    assert overall.moments() == pytest.approx((2.0, 3.0))


def test_without_heterogeneity_studies_are_pooled() -> None:
    y, se = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 2.0])
    priors = MapPriors(mean=0.0, sd=10.0, heterogeneity=1e-6)

    predictive = predict_mean(y, se, priors)

    precision = np.sum(se**-2) + 0.01
    pooled = np.sum(y / se**2) / precision
    assert predictive.moments() == pytest.approx((pooled, precision**-0.5))


def test_one_study_has_the_exact_posterior_of_its_mean_at_each_heterogeneity() -> None:
    """Numerical integration over the overall mean and the heterogeneity, without any algebra."""
    y, se, priors = 1.5, 0.4, MapPriors(mean=0.0, sd=1.0, heterogeneity=0.5)
    mu, tau = np.meshgrid(np.linspace(-6, 6, 1201), np.linspace(1e-4, 2.5, 1000), indexing="ij")
    weight = stats.norm.pdf(mu) * stats.halfnorm.pdf(tau, scale=0.5)
    weight *= stats.norm.pdf(y, mu, np.hypot(tau, se))
    expected = np.sum(weight * mu) / np.sum(weight)

    mean, _ = predict_mean(np.array([y]), np.array([se]), priors).moments()

    assert mean == pytest.approx(expected, abs=2e-3)


def test_a_kernel_density_of_normal_values_is_nearly_their_density() -> None:
    values = stats.norm.ppf((np.arange(5000) + 0.5) / 5000)

    density = kernel_density(values)

    # A normal smoothed by a normal: the variance grows by the square of Scott's bandwidth.
    smoothed = np.sqrt(1 + 5000**-0.4)
    for value in (0.0, 1.0, 2.0):
        expected = stats.norm.logpdf(value, scale=smoothed)
        assert density.log_density(value) == pytest.approx(expected, abs=0.01)

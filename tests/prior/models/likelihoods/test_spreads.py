"""SDs of values that are not normal, and of the same patients at several visits."""

from itertools import product

import numpy as np
import pytest
from scipy import special, stats
from support.known_patients import MEAN, SD, Known, evaluated, kept, known
from support.reports import assert_mean, entry, evidence

from phase2sim.core.errors import BadEvidence
from phase2sim.prior.models.densities.summary_densities import sd_freedom
from phase2sim.prior.models.likelihoods.spreads import joint_spread
from phase2sim.prior.models.unknowns.scales import raw_kurtosis

N = 10


def two_visits(first: float, second: float, n: int = N) -> Known:
    return known(evidence(entry("sd", 1.0, first), entry("mean", 12.0, 8.0, sd=second, n=n)))


def kibble(first: float, second: float, rho: float, df: int) -> float:
    """Log density of the variances of two correlated normal samples (Kibble, Sankhya 1941)."""
    a = df / 2
    x, y = a * first, a * second  # gamma with shape a and scale 1
    product = x * y * rho**2
    log_bessel = np.log(special.ive(a - 1, 2 * np.sqrt(product) / (1 - rho**2)))
    log_bessel += 2 * np.sqrt(product) / (1 - rho**2)
    density = (a - 1) / 2 * (np.log(x * y) - np.log(rho**2)) - special.gammaln(a)
    density += -(x + y) / (1 - rho**2) - np.log(1 - rho**2) + log_bessel
    return float(density + 2 * np.log(a))


def test_sds_of_the_same_patients_have_nearly_their_joint_density() -> None:
    rho = float(kept(1.0, 12.0))
    of_ours, of_independence = [], []
    for first, second in product([0.8, 1.0, 1.3], repeat=2):
        of = two_visits(first * SD["hba1c"], second * SD["hba1c"])
        jacobian = np.log(2 * first / SD["hba1c"]) + np.log(2 * second / SD["hba1c"])
        exact = kibble(first**2, second**2, rho, N - 1) + jacobian
        apart = stats.chi2.logpdf([(N - 1) * first**2, (N - 1) * second**2], N - 1)

        result = evaluated(joint_spread(of.tables.spreads, of.at).density)

        of_ours.append(abs(result - exact))
        of_independence.append(abs(apart.sum() + 2 * np.log(N - 1) + jacobian - exact))
    assert max(of_ours) < 0.15
    assert max(of_independence) > 3.0


def test_an_sd_given_the_others_is_what_its_leaving_out_takes_away() -> None:
    values = (1.4, 0.9)
    both = joint_spread(two_visits(*values).tables.spreads, two_visits(*values).at)
    alone = [
        evaluated(joint_spread(of.tables.spreads, of.at).density)
        for of in (
            known(evidence(entry("sd", 1.0, values[0]))),
            known(evidence(entry("mean", 12.0, 8.0, sd=values[1]))),
        )
    ]

    given = evaluated(both.given_the_others)

    np.testing.assert_allclose(given, evaluated(both.density) - np.array(alone)[::-1])


def test_fewer_patients_share_less_of_their_variance() -> None:
    few = two_visits(1.2, 1.2, n=5).tables.spreads

    assert few.overlap == pytest.approx(np.sqrt(5 / 10))


def test_two_sds_of_the_same_patients_are_refused() -> None:
    twice = evidence(entry("sd", value=1.2), entry("mean", value=8.0, sd=1.2))

    with pytest.raises(BadEvidence, match="unused"):
        known(twice)


@pytest.mark.parametrize("name", ["c_peptide", "insulin", "glucose"])
def test_a_sample_variance_has_the_mean_and_variance_of_its_chi_square(name: str) -> None:
    latent = np.random.default_rng(4).normal(MEAN[name], SD[name], (200_000, N))
    written = {"c_peptide": np.expm1, "insulin": np.square, "glucose": np.exp}
    of = known(evidence(entry("sd", value=1.0, endpoint=name)))
    table = of.tables.spreads

    freedom = sd_freedom(table.n, raw_kurtosis(table.scale, of.at.mean, of.at.sd))

    variance = float(evaluated(of.at.raw_covariance)[0])
    ratio = written[name](latent).var(axis=1, ddof=1) / variance
    assert_mean(ratio, 1.0)
    assert_mean((ratio - 1.0) ** 2, 2.0 / float(evaluated(freedom)[0]))

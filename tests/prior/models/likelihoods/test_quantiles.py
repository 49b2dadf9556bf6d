"""Quartiles and ranges have the densities of order statistics."""

from math import comb, factorial

import numpy as np
import pytensor
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats
from support.known_patients import MEAN, SD, UNCOMPILED, Known, evaluated, known
from support.reports import arm, entry, evidence

from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.order_statistics import quantiles
from phase2sim.prior.models.densities.pytensor_names import pt
from phase2sim.prior.models.likelihoods.means_and_medians import joint_locations
from phase2sim.prior.models.likelihoods.quantiles import positions_of, quantile_density

type Floats = NDArray[np.float64]

SCALE = SD["hba1c"]
NAN = float("nan")


def spanned(low: float, high: float, n: int = 10, **more: object) -> ReportedNumber:
    return entry("range", value=NAN, bounds=(low, high), n=n, **more)


def quartered(low: float, high: float, n: int = 10, **more: object) -> ReportedNumber:
    return entry("quartiles", value=NAN, bounds=(low, high), n=n, **more)


def log_density(of: Evidence) -> Floats:
    """Log density (row,) of the quantiles with the medians beside them."""
    patients = known(of)
    table, medians = patients.tables.quantiles, patients.tables.locations
    where = None
    if medians.cell.size:
        where = joint_locations(medians, patients.layout, patients.at, patients.history)
    density = quantile_density(table, medians, where, patients.at)
    if where is not None:
        density = density + where.density  # what the quantiles' density is taken over
    return evaluated(density)


def order_statistics(values: list[float], ranks: list[int], n: int) -> float:
    """Log joint density of the values of these ranks among n patients, as in any textbook."""
    z = (np.array(values) - MEAN["hba1c"]) / SCALE
    cuts = stats.norm.cdf([-np.inf, *z, np.inf])
    between = np.diff([0, *ranks, n + 1]) - 1
    ways = np.log(float(factorial(n))) - sum(np.log(float(factorial(k))) for k in between)
    return float(
        ways + between @ np.log(np.diff(cuts)) + np.sum(stats.norm.logpdf(z) - np.log(SCALE))
    )


@pytest.mark.parametrize("n", [5, 10])
def test_a_range_has_the_density_of_the_smallest_and_the_largest(n: int) -> None:
    result = log_density(evidence(spanned(6.5, 10.2, n)))

    assert result == pytest.approx(order_statistics([6.5, 10.2], [1, n], n), rel=1e-10)


def test_a_range_beside_an_odd_median_has_the_density_of_all_three() -> None:
    of = evidence(entry("median", value=8.1, n=7), spanned(6.5, 10.2, 7))

    assert log_density(of) == pytest.approx(
        order_statistics([6.5, 8.1, 10.2], [1, 4, 7], 7), rel=1e-10
    )


def test_quartiles_that_are_values_have_the_density_of_all_five() -> None:
    # Of seven patients (n + 1) / 4 is a whole number: the quartiles are the 2nd and the 6th value.
    of = evidence(
        entry("median", value=8.1, n=7),
        quartered(7.3, 8.8, 7, quantile_method="weibull"),
        spanned(6.5, 10.2, 7),
    )

    result = log_density(of)

    expected = order_statistics([6.5, 7.3, 8.1, 8.8, 10.2], [1, 2, 4, 6, 7], 7)
    assert result == pytest.approx(expected, rel=1e-10)


def test_interpolated_quartiles_cut_the_chances_as_a_dirichlet() -> None:
    # 10 p + 0.5 = 3 and 8 by Hazen; by Weibull the positions are 2.75 and 8.25.
    of = evidence(quartered(7.3, 8.8, quantile_method="weibull"))

    z = (np.array([7.3, 8.8]) - MEAN["hba1c"]) / SCALE
    chances = np.diff(stats.norm.cdf([-np.inf, *z, np.inf]))
    expected = stats.dirichlet([2.75, 5.5, 2.75]).logpdf(chances)
    expected += np.sum(stats.norm.logpdf(z) - np.log(SCALE))
    assert log_density(of) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("method", ["hazen", "weibull", "linear"])
@pytest.mark.parametrize("n", [4, 7, 10, 23])
def test_positions_are_those_of_numpys_method(method: str, n: int) -> None:
    low, high = positions_of(quartered(1.0, 2.0, n, quantile_method=method))

    ranks = np.arange(1.0, n + 1)  # a quantile of the ranks is its position among them
    np.testing.assert_allclose([low, high], np.quantile(ranks, [0.25, 0.75], method=method))


@pytest.mark.parametrize("n", [3, 6])
def test_the_density_of_a_range_integrates_to_one(n: int) -> None:
    z = pt.dmatrix()
    spacing = np.array([[0.0, n - 2.0, 0.0]])
    constant = special.gammaln(n + 1) - special.gammaln(n - 1.0)
    node, weight = np.polynomial.legendre.leggauss(60)
    rows = np.ones((60, 2)), np.tile(spacing, (60, 1)), np.full(60, constant)
    compiled = pytensor.function([z], quantiles(z, *rows), mode=UNCOMPILED)

    low = 8.0 * node
    total = 0.0
    for start, node_weight in zip(low, weight, strict=True):
        high = start + (8.0 - start) * (node + 1) / 2
        pairs = np.column_stack([np.full(60, start), high])
        total += 8.0 * node_weight * (8.0 - start) / 2 * float(weight @ np.exp(compiled(pairs)))

    assert total == pytest.approx(1.0, abs=1e-6)


def test_the_lower_quartile_keeps_its_own_density_when_the_upper_is_integrated_out() -> None:
    z = pt.dmatrix()
    positions = np.array([2.0, 6.0])  # of 7 values
    spacing = np.diff([0.0, *positions, 8.0])[None] - 1.0
    constant = special.gammaln(8.0) - special.gammaln(spacing + 1.0).sum(axis=1)
    compiled = pytensor.function(
        [z], quantiles(z, np.ones((1, 2)), spacing, constant), mode=UNCOMPILED
    )

    def joint(upper: float) -> float:
        return float(np.exp(compiled(np.array([[-0.4, upper]])))[0])

    result = integrate.quad(joint, -0.4, 8.0)[0]
    below = stats.norm.cdf(-0.4)
    second = 7 * comb(6, 1) * below * (1 - below) ** 5 * stats.norm.pdf(-0.4)  # of seven values
    assert result == pytest.approx(second, rel=1e-7)


def rows_of_two_visits() -> tuple[Evidence, list[Evidence]]:
    arms = (arm(), arm(study="B"))
    long = [entry("median", value=8.1, n=7), quartered(7.3, 8.8, 7), spanned(6.5, 10.2, 7)]
    short = [spanned(7.0, 9.0, 5, study="B")]
    each = [evidence(*long), evidence(*short, arms=(arm(study="B"),))]
    return evidence(*long, *short, arms=arms), each


def test_rows_that_are_filled_up_keep_their_densities() -> None:
    together, each = rows_of_two_visits()
    patients = known(together)
    medians = patients.tables.locations
    where = joint_locations(medians, patients.layout, patients.at, patients.history)

    result = evaluated(quantile_density(patients.tables.quantiles, medians, where, patients.at))

    first = log_density(each[0]) - evaluated(where.density)
    np.testing.assert_allclose(result, np.append(first, log_density(each[1])), rtol=1e-10)
    assert [len(row) for row in patients.tables.quantiles.entries] == [2, 1]


def test_a_raw_range_is_brought_to_the_model_scale() -> None:
    low, high = 0.2, 1.1  # nmol/L
    of = evidence(spanned(low, high, 9, endpoint="c_peptide"))

    result = log_density(of)

    z = (np.log1p([low, high]) - MEAN["c_peptide"]) / SD["c_peptide"]
    middle = np.log(9 * 8) + 7 * np.log(np.diff(stats.norm.cdf(z))[0])
    expected = middle + np.sum(stats.norm.logpdf(z) - np.log(SD["c_peptide"]))
    assert result == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("beyond", ["below", "above"])
def test_a_count_beside_quantiles_of_the_same_patients_is_refused(beyond: str) -> None:
    counted = entry("count", value=3, threshold=7.5, beyond=beyond, number=2)

    with pytest.raises(BadEvidence, match="no joint likelihood"):
        known(evidence(quartered(7.3, 8.8), counted))


def test_a_count_of_other_patients_stands_beside_quantiles() -> None:
    counted = entry("count", value=3, n=9, threshold=7.5, beyond="below")

    patients: Known = known(evidence(quartered(7.3, 8.8), counted))

    assert patients.tables.counts.n == [9]


def test_values_beyond_each_other_have_no_density() -> None:
    impossible = pt.as_tensor(np.array([[0.5, -0.5]]))

    result = evaluated(
        quantiles(impossible, np.ones((1, 2)), np.array([[0.0, 8.0, 0.0]]), np.zeros(1))
    )

    assert result[0] < -1000.0

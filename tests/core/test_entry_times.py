"""Times from diagnosis to entry: moments, quantiles, cuts, and their Gauss rules."""

import numpy as np
import pytest
from scipy import integrate, stats

from phase2sim.core.entry_times import EntryTime, entry_of_mean, entry_of_moments
from phase2sim.prior.models.densities.quadrature import entry_nodes

GRID = (np.arange(200_000) + 0.5) / 200_000


@pytest.mark.parametrize(
    ("mean", "sd", "within"),
    [(3.4, 1.7, (0.0, 6.0)), (4.7, 3.28, (0.0, 12.0)), (0.94, 0.25, (0.4, 1.3))],
)
def test_a_mean_and_an_sd_within_a_window_are_those_of_a_beta_distribution(
    mean: float, sd: float, within: tuple[float, float]
) -> None:
    entry = entry_of_moments(mean, sd, within)
    width = within[1] - within[0]
    beta = stats.beta(entry.first, entry.second, within[0], width)

    assert (beta.mean(), beta.std()) == pytest.approx((mean, sd))
    assert entry.quantiles(np.array([0.1, 0.5, 0.9])) == pytest.approx(beta.ppf([0.1, 0.5, 0.9]))
    assert entry.share_below(np.array([mean])) == pytest.approx(beta.cdf(mean))


def test_an_even_spread_has_its_own_moments() -> None:
    entry = entry_of_moments(6.0, 12.0 / 12**0.5, (0.0, 12.0))

    assert entry.is_even
    assert entry_of_moments(2.0, 0.5).earliest == 0.0  # 4 SDs on either side
    assert entry_of_moments(2.0, 0.5).latest == 4.0


def test_a_mean_alone_has_the_spread_nearest_to_even() -> None:
    entry = entry_of_mean(2.5, (0.0, 3.0))
    rate = 2.0 * entry.tilt / 3.0  # a truncated exponential distribution, rising

    def density(months: float) -> float:
        return float(rate * np.exp(rate * months) / np.expm1(3.0 * rate))

    mean, _ = integrate.quad(lambda months: months * density(months), 0.0, 3.0)
    below, _ = integrate.quad(density, 0.0, 2.0)
    assert mean == pytest.approx(2.5)
    assert entry.share_below(np.array([2.0])) == pytest.approx(below)
    assert entry.quantiles(np.array([below])) == pytest.approx(2.0)
    assert entry_of_mean(1.5, (0.0, 3.0)) == EntryTime(0.0, 3.0)


@pytest.mark.parametrize("tilt", [-40.0, -3.0, 1e-3, 5.0, 60.0])
def test_quantiles_and_shares_of_a_tilted_spread_are_inverse(tilt: float) -> None:
    entry = EntryTime(2.0, 8.0, tilt=tilt)
    share = np.array([0.001, 0.2, 0.5, 0.8, 0.999])

    assert entry.share_below(entry.quantiles(share)) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize(
    "entry",
    [
        EntryTime(0.0, 12.0),
        entry_of_moments(4.0, 2.0, (0.0, 12.0)),
        EntryTime(0.0, 12.0, tilt=-2.0),
    ],
)
def test_eligibility_keeps_those_between_its_limits(entry: EntryTime) -> None:
    everybody = entry.quantiles(GRID)
    kept = np.sort(everybody[(everybody >= 1.0) & (everybody <= 5.0)])

    cut = entry.cut(1.0, 5.0)

    assert cut.quantiles(GRID).mean() == pytest.approx(kept.mean(), abs=1e-3)
    assert cut.quantiles(GRID).std() == pytest.approx(kept.std(), abs=1e-3)


def test_nobody_is_left_outside_the_window() -> None:
    with pytest.raises(ValueError, match="nobody enters"):
        EntryTime(0.0, 3.0).cut(4.0, 9.0)


@pytest.mark.parametrize(
    ("mean", "sd", "within"), [(7.0, 1.0, (0.0, 6.0)), (3.0, 3.5, (0.0, 6.0)), (3.0, 0.0, None)]
)
def test_moments_that_no_distribution_has_are_refused(
    mean: float, sd: float, within: tuple[float, float] | None
) -> None:
    with pytest.raises(ValueError, match=r"the mean is|the SD is"):
        entry_of_moments(mean, sd, within)


@pytest.mark.parametrize(
    "entry",
    [
        EntryTime(0.0, 12.0),
        entry_of_moments(4.7, 3.28, (0.0, 12.0)),
        entry_of_moments(3.4, 1.7, (0.8, 6.0)),
        entry_of_mean(2.5, (0.0, 12.0)),
        entry_of_moments(4.0, 2.0, (0.0, 12.0)).cut(1.0, 7.5),
    ],
)
def test_averages_of_bent_curves_and_their_squares_are_exact(entry: EntryTime) -> None:
    nodes, weights = entry_nodes(entry, (0.0, 5.0))
    times = entry.quantiles(GRID)

    for bend in (3.0, 6.0, 1.0, 7.0):  # knots at the visits 0 and 5 months after entry
        for power in (1, 2):
            values = np.maximum(times - bend, 0.0) ** power
            average = weights @ np.maximum(nodes - bend, 0.0) ** power
            assert average == pytest.approx(values.mean(), rel=1e-4, abs=1e-5)
    assert weights.sum() == pytest.approx(1.0)

"""Closed-form power against other programs, adaptive integration, simulation and limits."""

import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats
from support.readings import rows_of

from phase2sim.theory import power as closed_form

MEANS = rows_of("means.csv")
SEARCHES = 5e-7  # rpact and pwr stop their search for a size at this relative error
EXACT = 1e-8


@pytest.mark.parametrize("row", MEANS, ids=lambda row: f"{row['case_id']}-{row['quantity']}")
def test_agrees_with_other_programs(row: dict[str, str]) -> None:
    searched = row["task"].endswith("samplesize") and "R 4.2.2" not in row["tool"]

    ours = _one_sample(row) if row["task"] == "power_one_sample" else _two_arms(row)

    assert ours[row["quantity"]] == pytest.approx(
        float(row["value"]), rel=SEARCHES if searched else EXACT
    )


def _one_sample(row: dict[str, str]) -> dict[str, float]:
    delta, sd, alpha, n = (float(row[key]) for key in ("delta", "sd", "alpha", "n_treat"))
    return {"power": float(closed_form.power_t_one_sample(delta, sd, n, alpha))}


def _two_arms(row: dict[str, str]) -> dict[str, float]:
    if row["n_treat"]:
        return _power_of(row)
    delta, sd, alpha, ratio, null, target = (
        float(row[key])
        for key in (
            "delta",
            "sd",
            "alpha",
            "allocation_treat_per_control",
            "thetaH0",
            "target_power",
        )
    )
    normal = row["test"] == "z"
    search = closed_form.patients_z if normal else closed_form.patients_t
    power = closed_form.power_z if normal else closed_form.power_t
    treated, control = search(delta, sd, target, alpha, ratio, null)
    whole = closed_form.whole_patients(
        lambda n1, n0: power(delta, sd, n1, n0, alpha, null), control, target, ratio
    )
    z = -special.ndtri(alpha) * sd * np.sqrt(1 / treated + 1 / control)
    t = closed_form.critical_difference(sd, treated, control, alpha)
    return {
        "n_total_exact": treated + control,
        "n_treat_exact": treated,
        "n_control_exact": control,
        "n_treat_integer": whole[0],
        "n_control_integer": whole[1],
        "power_at_integer_n": float(power(delta, sd, *whole, alpha, null)),
        "critical_value_effect_scale": float(z if normal else t),
    }


def _power_of(row: dict[str, str]) -> dict[str, float]:
    delta, sd, alpha, n_treat, n_control, null = (
        float(row[key]) for key in ("delta", "sd", "alpha", "n_treat", "n_control", "thetaH0")
    )
    given = (delta, sd, n_treat, n_control)
    if row["sided"] == "1":
        power = closed_form.power_z if row["test"] == "z" else closed_form.power_t
        return {"power": float(power(*given, alpha, null))}
    right = float(closed_form.power_t(*given, alpha / 2, null))
    return {
        "power_one_tail_only": right,
        "power_both_tails": float(closed_form.power_t_two_sided(*given, alpha, null)),
        # rpact takes the wrong tail from the normal distribution with the same right tail.
        "power": right + special.ndtr(2 * special.ndtri(alpha / 2) - special.ndtri(right)),
    }


@pytest.mark.parametrize(
    ("sizes", "covariates", "effect"),
    [((12, 12), 1, 0.9), ((20, 10), 1, 0.8), ((5, 4), 1, 2.0), ((10, 9), 3, 1.0)],
    ids=str,
)
def test_ancova_power_is_what_simulated_trials_find(
    sizes: tuple[int, int], covariates: int, effect: float
) -> None:
    trials, alpha, slope = 40_000, 0.05, 1.5
    rng = np.random.default_rng(31)
    arm = np.repeat([1.0, 0.0], sizes)
    x = rng.standard_normal((trials, arm.size, covariates))
    y = effect * arm + slope * x.sum(axis=2) + 0.9 * rng.standard_normal((trials, arm.size))
    fixed = np.broadcast_to(np.stack([np.ones(arm.size), arm], axis=1), (trials, arm.size, 2))
    design = np.concatenate([fixed, x], axis=2)
    inverse = np.linalg.inv(design.transpose(0, 2, 1) @ design)
    beta = (inverse @ design.transpose(0, 2, 1) @ y[..., None])[..., 0]
    df = arm.size - 2 - covariates
    rss = ((y - (design @ beta[..., None])[..., 0]) ** 2).sum(axis=1)
    t = beta[:, 1] / np.sqrt(rss / df * inverse[:, 1, 1])
    simulated = (t > stats.t.isf(alpha, df)).mean()

    power = closed_form.power_ancova(effect, 0.9, *sizes, alpha, covariates=covariates)

    assert abs(simulated - power) < 4 * np.sqrt(power * (1 - power) / trials)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (8, 8), (60, 40)], ids=str)
@pytest.mark.parametrize("effect", [-0.5, 0.0, 0.7, 3.0])
def test_ancova_quadrature_agrees_with_adaptive_integration(
    sizes: tuple[int, int], effect: float
) -> None:
    total = sum(sizes)
    shift = effect / np.sqrt(1 / sizes[0] + 1 / sizes[1])

    def power_at(f: float) -> float:
        imbalance = 1 + f / (total - 2)
        return stats.nct.sf(stats.t.isf(0.025, total - 3), total - 3, shift / np.sqrt(imbalance))

    expected, _ = integrate.quad(
        lambda u: power_at(stats.f.ppf(u, 1, total - 2)), 0, 1, epsabs=1e-10, limit=200
    )

    assert closed_form.power_ancova(effect, 1.0, *sizes, 0.025) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("effect", "fewest", "most"), [(0.4, 160, 200), (0.8, 2, 30), (5.0, 5, 40)]
)
def test_ancova_power_at_many_sizes_is_that_at_each(effect: float, fewest: int, most: int) -> None:
    # Many sizes are interpolated; a single one never is.
    treated, control = np.meshgrid(np.arange(fewest, most + 1.0), np.arange(fewest, most + 1.0))
    some = slice(None, None, 97)

    together = closed_form.power_ancova(effect, 1.2, treated.ravel(), control.ravel(), 0.025)

    pairs = zip(treated.ravel()[some], control.ravel()[some], strict=True)
    alone = [float(closed_form.power_ancova(effect, 1.2, [a], [b], 0.025)[0]) for a, b in pairs]
    assert together[some] == pytest.approx(alone, abs=1e-13, nan_ok=True)


def test_ancova_power_without_effect_is_alpha() -> None:
    sizes = np.arange(4, 60)

    power = closed_form.power_ancova(0.3, 1.0, sizes, sizes[:, None], 0.025, null_effect=0.3)

    np.testing.assert_allclose(power, 0.025, atol=1e-12)


def test_ancova_power_approaches_that_of_known_slopes_in_large_trials() -> None:
    power = closed_form.power_ancova(0.02, 0.8, 40_000, 40_000, 0.025)

    assert power == pytest.approx(closed_form.power_z(0.02, 0.8, 40_000, 40_000, 0.025), abs=1e-4)


def test_power_without_a_degree_of_freedom_is_unknown() -> None:
    assert np.isnan(closed_form.power_t(1.0, 1.0, [1, 0, 9], [1, 9, 0], 0.025)).all()
    assert np.isnan(closed_form.power_ancova(1.0, 1.0, [2, 0], [1, 9], 0.025)).all()
    assert np.isnan(closed_form.power_welch(1.0, (1.0, 1.0), [1, 9], [9, 1], 0.025)).all()


@pytest.mark.parametrize(
    ("sizes", "sd", "effect"),
    [((10, 10), (1.0, 1.0), 1.0), ((6, 18), (2.0, 0.7), 1.5), ((3, 4), (1.0, 1.0), 3.0)],
    ids=str,
)
def test_welch_power_is_what_simulated_trials_find(
    sizes: tuple[int, int], sd: tuple[float, float], effect: float
) -> None:
    trials, alpha = 100_000, 0.05
    rng = np.random.default_rng(32)
    treated = rng.normal(effect, sd[0], (sizes[0], trials))
    control = rng.normal(0.0, sd[1], (sizes[1], trials))
    test = stats.ttest_ind(treated, control, equal_var=False, alternative="greater")
    simulated = (test.pvalue < alpha).mean()

    power = closed_form.power_welch(effect, sd, *sizes, alpha)

    assert abs(simulated - power) < 4 * np.sqrt(power * (1 - power) / trials)


@pytest.mark.parametrize("effect", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("sd", [(1.0, 1.0), (1.0, 3.0), (10.0, 1.0)], ids=str)
@pytest.mark.parametrize("sizes", [(2, 40), (3, 3), (7, 12), (80, 50)], ids=str)
def test_welch_quadrature_agrees_with_adaptive_integration(
    sizes: tuple[int, int], sd: tuple[float, float], effect: float
) -> None:
    k = np.array(sizes) - 1
    variance = np.square(sd) / sizes
    shift = effect / np.sqrt(variance.sum())

    def integrand(log_odds: float) -> float:
        halves = np.array([special.expit(log_odds), special.expit(-log_odds)])
        density = np.exp(k / 2 @ np.log(halves) - special.betaln(*(k / 2)))
        parts = variance * halves * k.sum() / k
        df = parts.sum() ** 2 / (parts**2 / k).sum()
        bound = -special.stdtrit(df, 0.025) * np.sqrt(parts.sum() / variance.sum())
        return density * (1 - special.nctdtr(float(k.sum()), shift, bound))

    edges = np.log(k[0] / k[1]) + np.array([-70, -20, -5, -1, 0, 1, 5, 20, 70])
    expected = sum(
        integrate.quad(integrand, low, high, epsabs=1e-11, limit=200)[0]
        for low, high in pairwise(edges)
    )

    power = closed_form.power_welch(effect, sd, *sizes, 0.025)

    assert power == pytest.approx(expected, abs=1e-7)


def test_welch_approaches_the_z_test_in_large_trials() -> None:
    power = closed_form.power_welch(0.02, (1.0, 1.0), 20_000, 20_000, 0.025)

    assert power == pytest.approx(closed_form.power_z(0.02, 1.0, 20_000, 20_000, 0.025), abs=1e-4)


def test_two_sided_z_power_without_effect_is_alpha() -> None:
    assert closed_form.power_z_two_sided(0.2, 1.0, 9, 7, 0.05, null_effect=0.2) == pytest.approx(
        0.05, abs=1e-14
    )


def test_dropout_is_averaged_over_every_possible_size() -> None:
    sizes, weights = closed_form.sizes_after_dropout(9, 7, (0.8, 0.9))

    def power(treated: np.ndarray, control: np.ndarray) -> np.ndarray:
        return closed_form.power_t(1.0, 1.0, treated, control, 0.025)

    expected = total = 0.0
    for n1 in range(1, 10):
        for n0 in range(1, 8):
            if n1 + n0 > 2:
                chance = stats.binom.pmf(n1, 9, 0.8) * stats.binom.pmf(n0, 7, 0.9)
                df, shift = n1 + n0 - 2, 1 / np.sqrt(1 / n1 + 1 / n0)
                expected += chance * stats.nct.sf(stats.t.isf(0.025, df), df, shift)
                total += chance
    assert weights.sum() == pytest.approx(1.0, abs=1e-11)
    assert closed_form.average_over_sizes(power, sizes, weights) == pytest.approx(
        expected / total, rel=1e-10
    )


def test_sizes_without_dropout_are_the_sizes_planned() -> None:
    sizes, weights = closed_form.sizes_after_dropout(9, 7, (1.0, 1.0))

    assert sizes.tolist() == [[9, 7]]
    assert weights == pytest.approx([1.0], abs=1e-12)


def test_an_average_without_any_answer_is_unknown() -> None:
    def power(treated: np.ndarray, control: np.ndarray) -> np.ndarray:
        return closed_form.power_t(1.0, 1.0, treated, control, 0.025)

    assert np.isnan(closed_form.average_over_sizes(power, [[0, 9], [1, 1]], [0.5, 0.5]))


@pytest.mark.parametrize("search", [closed_form.patients_t, closed_form.patients_z])
def test_no_size_makes_a_harmful_effect_significant(search: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="not above the null effect"):
        search(-0.1, 1.0, 0.8, 0.025)


def test_a_huge_effect_still_needs_a_degree_of_freedom() -> None:
    assert sum(closed_form.patients_t(1000.0, 1.0, 0.9, 0.025)) == pytest.approx(3.0)
    assert closed_form.patients_t(10.0, 1.0, 0.9, 0.025)[0] < 2.5


@pytest.mark.parametrize("allocations", [((32_000, 1.0),), ((31_900, 0.25), (32_100, 0.75))])
def test_a_large_trial_needs_little_memory_and_keeps_its_mean(
    allocations: tuple[tuple[int, float], ...],
) -> None:
    tracemalloc.start()
    sizes, weights = closed_form.sizes_after_allocation(64_000, allocations, (0.9, 0.8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    treated = sum(n * chance for n, chance in allocations)
    mean = closed_form.average_over_sizes(lambda t, _: t, sizes, weights)
    square = closed_form.average_over_sizes(lambda t, c: (t - c) ** 2, sizes, weights)
    known = [  # of binomial moments, by allocation
        (chance, 0.9 * n - 0.8 * (64_000 - n), n * 0.09 + (64_000 - n) * 0.16)
        for n, chance in allocations
    ]
    assert peak < 100e6
    assert len(sizes) < 200_000
    assert mean == pytest.approx(0.9 * treated, rel=1e-7)  # unlikely pairs are left out
    assert square == pytest.approx(sum(p * (m**2 + v) for p, m, v in known), rel=1e-6)


def test_sizes_of_an_allocation_are_those_of_its_parts() -> None:
    allocations = ((3, 0.4), (4, 0.6))

    sizes, weights = closed_form.sizes_after_allocation(7, allocations, (0.7, 0.9))

    for (treated, control), weight in zip(sizes.tolist(), weights.tolist(), strict=True):
        known = sum(
            p * stats.binom.pmf(treated, n, 0.7) * stats.binom.pmf(control, 7 - n, 0.9)
            for n, p in allocations
        )
        assert weight == pytest.approx(known, rel=1e-9)
    assert weights.sum() == pytest.approx(1.0, abs=1e-8)

"""Boundaries against rpact, and what cannot exist."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal, norm
from support.readings import rows_of

from phase2sim.core.arrays import Floats
from phase2sim.theory.group_sequential.boundaries import Boundaries, boundaries
from phase2sim.theory.group_sequential.classical_bounds import (
    HaybittlePeto,
    NoEfficacy,
    OBrienFleming,
    Pocock,
    PosteriorThresholds,
    WangTsiatis,
)
from phase2sim.theory.group_sequential.efficacy import EFFICACIES
from phase2sim.theory.group_sequential.futility import (
    BetaSpending,
    ConditionalPowerLimit,
    EffectLimit,
    PLimit,
    PredictivePowerLimit,
    ZLimit,
)
from phase2sim.theory.group_sequential.integration import exit_probabilities
from phase2sim.theory.group_sequential.spending import (
    SPENDINGS,
    HwangShihDeCani,
    OBrienFlemingType,
    PocockType,
    PowerFamily,
    Spending,
)

type Row = dict[str, str]

CASES: dict[str, list[Row]] = {}
for row in rows_of("group_sequential.csv"):
    CASES.setdefault(row["case"], []).append(row)
HALF = np.array([0.5, 1.0])
OF = OBrienFlemingType()
POWER_OF_THE_ROWS = 0.5 * np.sqrt(150 / 4)  # drift of half an SD in 150 patients
BOUNDS = {"efficacy_z": 1e-7, "futility_z": 1e-7, "cumulative_alpha": 1.1e-8}


def spending(name: str, parameter: str) -> Spending:
    families: dict[str, Callable[[], Spending]] = {
        "OF": OBrienFlemingType,
        "P": PocockType,
        "HSD": lambda: HwangShihDeCani(float(parameter)),
        "KD": lambda: PowerFamily(float(parameter)),
    }
    return families[name]()


def information_of(row: Row) -> Floats:
    """Fractions; thirds are printed with eight digits."""
    given = np.array([float(part) for part in row["information"].split(";")])
    thirds = np.arange(1, given.size + 1) / given.size
    return np.where(np.abs(given - thirds) < 1e-7, thirds, given)


@cache
def design(case: str) -> Boundaries:
    row = CASES[case][0]
    kind = row["type"]
    if kind.startswith("as"):
        efficacy: object = spending(kind[2:], row["gammaA"])
    elif kind == "WT":
        efficacy = WangTsiatis(float(row["deltaWT"]))
    else:
        efficacy = {"OF": OBrienFleming, "P": Pocock, "HP": HaybittlePeto}[kind]()
    futility = beta = None
    if row["futility"]:
        futility = BetaSpending(float(row["beta"]), binding=row["binding"] == "TRUE")
        beta = spending(row["futility"][2:], row["gammaB"])
    alpha = float(row["one_sided_alpha"])
    return boundaries(information_of(row), alpha, efficacy, futility, beta)  # type: ignore[arg-type]  # any of them


def value(case: str, row: Row) -> float:
    found, k = design(case), int(row["look"]) - 1
    power = 1 - float(row["beta"])
    drift = found.drift_for(power)
    there = POWER_OF_THE_ROWS
    spent = found.crossing_spent
    if row["binding"] == "TRUE":
        spent = found.exits(0.0)[0].cumsum()
    quantities: dict[str, Callable[[], float]] = {
        "efficacy_z": lambda: found.efficacy[k],
        "futility_z": lambda: found.futility[k],
        "cumulative_alpha": lambda: spent[k],
        "inflation_factor": lambda: found.inflation(power),
        "expected_ratio_h1": lambda: found.inflation(power) * found.expected_information(drift),
        "expected_ratio_h0": lambda: found.inflation(power) * found.expected_information(0),
        "power_d05_n150": lambda: found.power(there),
        "stage_reject_d05_n150": lambda: found.exits(there)[0, k],
        "stage_futility_d05_n150": lambda: found.exits(there)[1, k],
        "stage_futility_d0_n150": lambda: found.exits(0.0)[1, k],
        "expected_n_d05_n150": lambda: 150 * found.expected_information(there),
        "expected_n_d0_n150": lambda: 150 * found.expected_information(0),
        "type1_n150": lambda: found.power(0.0),
    }
    return float(quantities[row["quantity"]]())


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_rpact(case: str) -> None:
    for row in CASES[case]:
        allowed = BOUNDS.get(row["quantity"], 1e-7)

        assert value(case, row) == pytest.approx(float(row["value"]), rel=allowed, abs=allowed), row


def test_exit_probabilities_are_those_of_the_multivariate_normal() -> None:
    information, upper = np.array([0.2, 0.5, 0.55, 1.0]), np.array([2.9, 2.5, 2.4, 2.0])
    lower, drift = np.array([-1.0, 0.0, 0.2, 2.0]), 2.2
    root = np.sqrt(information)
    correlation = np.minimum.outer(root, root) / np.maximum.outer(root, root)

    def chance(low: Floats, high: Floats) -> float:
        k = low.size
        joint = multivariate_normal(
            drift * root[:k], correlation[:k, :k], abseps=1e-9, maxpts=10**6, seed=1
        )
        return float(joint.cdf(high, lower_limit=low))

    found = exit_probabilities(information, lower, upper, drift)

    for k in range(4):
        above = chance(np.append(lower[:k], upper[k]), np.append(upper[:k], 12.0))
        below = chance(np.append(lower[:k], -12.0), np.append(upper[:k], lower[k]))
        assert found[:, k] == pytest.approx([above, below], abs=1e-7)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("closest", [0.001, 0.01])
def test_looks_close_together_lose_no_digits(closest: float) -> None:
    information = np.array([0.5, 1 - closest, 1.0])
    upper = boundaries(information, 0.025, OF).efficacy
    nobody = np.full(3, -np.inf)

    assert exit_probabilities(information, nobody, upper, 0.0).sum(axis=1)[0] == pytest.approx(
        0.025, abs=1e-12
    )


@pytest.mark.parametrize("name", SPENDINGS)
def test_spending_rises_from_nothing_to_all(name: str) -> None:
    options = {"hwang_shih_decani": {"gamma": -3.0}, "power": {"rho": 2.0}}.get(name, {})
    part = SPENDINGS[name](**options)

    spent = part.spent(np.linspace(0.0, 1.2, 121), 0.025)

    assert spent[0] == pytest.approx(0.0, abs=1e-15)
    assert (np.diff(spent) >= -1e-18).all()
    assert spent[100:] == pytest.approx(0.025)


def test_spending_without_parameter_is_linear_and_late_families_meet() -> None:
    t = np.array([0.1, 0.4, 0.9])

    assert HwangShihDeCani(0.0).spent(t, 0.05) == pytest.approx(0.05 * t)
    assert HwangShihDeCani(1e-7).spent(t, 0.05) == pytest.approx(0.05 * t, rel=1e-6)
    assert PowerFamily(1.0).spent(t, 0.05) == pytest.approx(0.05 * t)


def test_one_look_is_the_fixed_design() -> None:
    for part in (OF, OBrienFleming(), Pocock(), HaybittlePeto(), NoEfficacy()):
        found = boundaries(np.array([1.0]), 0.025, part)

        assert found.efficacy[0] == pytest.approx(-ndtri(0.025), abs=1e-10)
        assert found.inflation(0.9) == pytest.approx(1.0, abs=1e-9)


def test_futility_that_binds_lowers_efficacy_and_one_that_does_not_leaves_it() -> None:
    alone = boundaries(HALF, 0.025, OF)
    loose = boundaries(HALF, 0.025, OF, ZLimit((0.3,)))
    bound = boundaries(HALF, 0.025, OF, ZLimit((0.3,), binding=True))

    assert loose.efficacy == pytest.approx(alone.efficacy)
    assert bound.efficacy[1] < alone.efficacy[1]
    assert bound.power(0.0) == pytest.approx(0.025, abs=1e-10)
    assert loose.power(0.0) < 0.025
    assert loose.crossing_spent[-1] == pytest.approx(0.025, abs=1e-10)


def test_futility_scales_say_the_same() -> None:
    z = boundaries(HALF, 0.025, OF, ZLimit((0.6,))).futility[0]
    root = 5.0  # of all information
    final = boundaries(HALF, 0.025, OF).efficacy[1]
    trend = (0.6 / np.sqrt(0.5) - final) / np.sqrt(0.5)
    other = (0.6 / np.sqrt(0.5) - final) / np.sqrt(0.5 / 0.5)
    given = (0.6 * np.sqrt(0.5) + 0.5 * 0.7 * root - final) / np.sqrt(0.5)

    for part in (
        PLimit((float(norm.sf(0.6)),)),
        EffectLimit((0.6 / (root * np.sqrt(0.5)),)),
        ConditionalPowerLimit((float(norm.cdf(trend)),)),
        ConditionalPowerLimit((float(norm.cdf(given)),), benefit=0.7),
        PredictivePowerLimit((float(norm.cdf(other)),)),
    ):
        found = boundaries(HALF, 0.025, OF, part, drift_per_effect=root)
        assert found.futility[0] == pytest.approx(z, abs=1e-9), part


def test_binding_limits_on_conditional_power_keep_the_level() -> None:
    part = ConditionalPowerLimit((0.2,), binding=True)
    information = np.array([0.4, 0.7, 1.0])

    found = boundaries(information, 0.025, OF, part)

    assert found.power(0.0) == pytest.approx(0.025, abs=1e-10)


@pytest.mark.parametrize(
    ("information", "alpha", "said"),
    [
        ([0.5, 0.5, 1.0], 0.025, "0.5, 0.5, 1; it must be above 0 and rise"),
        ([0.7, 0.5, 1.0], 0.025, "rise"),
        ([0.0, 1.0], 0.025, "above 0"),
        ([0.5, 0.9], 0.025, "end at 1"),
        ([0.5, 0.9999, 1.0], 0.025, "0.001 apart"),
        ([0.5, 1.0], 0.0, "one_sided_alpha is 0"),
        ([0.5, 1.0], 0.5, "between 0 and 0.5"),
    ],
)
def test_what_cannot_exist_is_refused(information: list[float], alpha: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        boundaries(np.array(information), alpha, OF)


def test_futility_above_efficacy_is_refused() -> None:
    greedy = BetaSpending(0.2)

    with pytest.raises(ValueError, match=r"look 1 is z = 0.88.* not below its efficacy bound"):
        boundaries(np.array([0.9, 1.0]), 0.2, PocockType(), greedy, PowerFamily(0.01))
    with pytest.raises(ValueError, match="it must be below"):
        boundaries(HALF, 0.025, OF, BetaSpending(0.98), OF)
    with pytest.raises(ValueError, match="not below its efficacy"):
        boundaries(HALF, 0.025, Pocock(), ZLimit((2.5,)))
    with pytest.raises(ValueError, match="needs efficacy that spends"):
        boundaries(HALF, 0.025, Pocock(), BetaSpending(0.2, binding=True), OF)
    with pytest.raises(ValueError, match="2 limits, but there are 1"):
        boundaries(HALF, 0.025, OF, ZLimit((0.0, 0.1)))
    with pytest.raises(ValueError, match=r"use up .* Raise it"):
        boundaries(HALF, 0.025, HaybittlePeto(1.9))


def test_thresholds_of_a_flat_posterior_are_bounds_on_z() -> None:
    by_posterior = PosteriorThresholds((norm.cdf(3.0),))

    found = boundaries(HALF, 0.025, by_posterior)

    assert found.efficacy == pytest.approx(boundaries(HALF, 0.025, HaybittlePeto()).efficacy)
    with pytest.raises(ValueError, match="one for each of the 2 interim looks"):
        boundaries(np.array([0.3, 0.6, 1.0]), 0.025, by_posterior)
    with pytest.raises(ValueError, match=r"use up .* Raise it"):
        boundaries(HALF, 0.025, PosteriorThresholds((0.97,)))


def test_every_efficacy_part_keeps_the_level() -> None:
    options = {
        "hwang_shih_decani_spending": {"gamma": -4.0},
        "power_spending": {"rho": 3.0},
        "wang_tsiatis": {"delta": 0.25},
        "posterior": {"probability": (0.999, 0.995, 0.99)},
    }
    information = np.array([0.3, 0.55, 0.8, 1.0])
    for name, part in EFFICACIES.items():
        found = boundaries(information, 0.025, part(**options.get(name, {})))

        assert found.crossing_spent[-1] == pytest.approx(0.025, abs=1e-10), name

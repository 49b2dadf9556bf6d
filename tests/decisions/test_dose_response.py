"""Rules for several doses: Dunnett's critical values, and the contrast test of MCP-Mod."""

import re
from collections import defaultdict
from functools import partial

import numpy as np
import pytest
from scipy import stats
from support.agreement import STANDARD_ERRORS, se_of_share
from support.readings import rows_of
from support.small_trials import assembled, design, one_endpoint, scenario

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.decision import AnalysisResults, Hypothesis
from phase2sim.core.errors import BadScenario
from phase2sim.decisions.dose_response import (
    Curve,
    contrast_correlation,
    optimal_contrasts,
    power_of_contrasts,
)
from phase2sim.decisions.dunnett import Dunnett
from phase2sim.decisions.largest_t import chance_below, correlated_chance_below, critical_value
from phase2sim.decisions.mcp_mod import McpMod
from phase2sim.operating.simulation import simulate

HALF = 0.5**0.5
# Dunnett, JASA 1955, table 1a: one-sided 5 %, equal arms, to two decimals.
DUNNETT = {
    (10, 1): 1.81, (10, 2): 2.15, (10, 3): 2.34, (10, 4): 2.47, (20, 2): 2.03, (20, 3): 2.19,
    (20, 4): 2.30, (np.inf, 2): 1.92, (np.inf, 3): 2.06, (np.inf, 4): 2.16,
}  # fmt: skip
TWO_ARMS = (Hypothesis("low", arm=1), Hypothesis("high", arm=2))


@pytest.mark.parametrize(("at", "published"), DUNNETT.items(), ids=str)
def test_critical_values_are_dunnetts(at: tuple[float, int], published: float) -> None:
    df, arms = at
    below = partial(chance_below, df=df, loadings=(HALF,) * arms)

    # The table is rounded, for infinitely many degrees of freedom to 1.645 cut off.
    assert critical_value(below, 0.05, df, arms) == pytest.approx(published, abs=0.0051)


@pytest.mark.parametrize(("alpha", "several"), [(0.001, 2), (0.025, 3)])
def test_tests_that_are_alike_need_the_value_of_one(alpha: float, several: int) -> None:
    def below(value: float) -> float:  # one t, with the error of a rule at most
        return float(stats.t.cdf(value, 20)) + 5e-6

    found = critical_value(below, alpha, 20, several)

    assert found == pytest.approx(stats.t.isf(alpha, 20), abs=2e-3)


def test_two_ways_to_the_distribution_of_the_largest_agree() -> None:
    loadings = np.sqrt([1 / 3, 1 / 2, 3 / 5])  # 2:1:2:3
    between = np.outer(loadings, loadings)
    np.fill_diagonal(between, 1.0)

    quick = chance_below(2.1, 30.0, tuple(loadings))

    assert quick == pytest.approx(correlated_chance_below(2.1, 30.0, between), abs=2e-6)


def found(
    t: Floats, df: float, hypotheses: tuple[Hypothesis, ...], se: float = 1.0
) -> AnalysisResults:
    p = stats.t.sf(t, df)
    return AnalysisResults(t * se, np.full(t.shape, se), np.full(t.shape, df), p, hypotheses)


def test_dunnett_steps_down_where_the_best_arm_is_significant() -> None:
    # With 20 degrees of freedom the limits at 5 % are 2.03 for two arms and 1.72 for one.
    t = np.array([[2.1, 1.8], [1.9, 1.8], [2.1, np.nan]])

    one_step = Dunnett(0.05, step_down=False).decide(found(t, 20.0, TWO_ARMS))
    down = Dunnett(0.05).decide(found(t, 20.0, TWO_ARMS))

    assert one_step.tolist() == [[GO, STOP, GO], [STOP] * 3, [GO, UNDECIDED, GO]]
    assert down.tolist() == [[GO, GO, GO], [STOP] * 3, [GO, UNDECIDED, GO]]


@pytest.mark.parametrize("rule", [Dunnett(0.025), Dunnett(0.025, step_down=False)], ids=str)
@pytest.mark.parametrize("far", [(), (0,), (0, 2)])
def test_dunnett_keeps_the_familywise_error(rule: Dunnett, far: tuple[int, ...]) -> None:
    trials, df = 40_000, 24.0
    rng = np.random.default_rng(20261125)
    shared, own = rng.standard_normal((trials, 1)), rng.standard_normal((trials, 3))
    scale = np.sqrt(rng.chisquare(df, (trials, 1)) / df)
    z = HALF * shared + HALF * own
    z[:, list(far)] += 9.0
    arms = tuple(Hypothesis(str(arm), arm=arm) for arm in (1, 2, 3))

    verdicts = rule.decide(found(z / scale, df, arms))

    null = [arm for arm in range(3) if arm not in far]
    error = float((verdicts[:, null] == GO).any(axis=1).mean())
    se = float(se_of_share(0.025, trials))
    assert error <= 0.025 + STANDARD_ERRORS * se
    if not far:  # all arms without an effect: the level is used up
        assert error >= 0.025 - STANDARD_ERRORS * se


def cases() -> dict[str, list[dict[str, str]]]:
    rows = defaultdict(list)
    for row in rows_of("mcpmod.csv"):
        rows[row["case_id"]].append(row)
    return rows


def numbers(text: str) -> Floats:
    return np.array([float(part) for part in text.split(";")])


def curves_of(row: dict[str, str]) -> dict[str, Curve]:
    """Curves by their names in the published rows: emax1 where there are two of a kind."""
    said = [part.strip() for part in row["models"].removesuffix("; decreasing").split(";")]
    kinds = [re.match(r"\w+", part)[0] for part in said]  # type: ignore[index]  # each has one
    keys = {"linear": (), "emax": ("ed50",), "sigEmax": ("ed50", "h"), "quadratic": ("delta",),
            "logistic": ("ed50", "delta"), "betaMod": ("delta1", "delta2", "scale")}  # fmt: skip
    curves = {}
    for place, (kind, part) in enumerate(zip(kinds, said, strict=True)):
        given = [float(x) for x in re.findall(r"-?\d*\.?\d+", part.removeprefix(kind))]
        alike = kinds.count(kind) > 1
        name = f"{kind}{kinds[: place + 1].count(kind)}" if alike else kind
        curves[name] = Curve(kind.lower(), **dict(zip(keys[kind], given, strict=True)))  # type: ignore[arg-type]  # a literal
    return curves


@pytest.mark.parametrize("case", sorted(cases()))
def test_contrasts_and_their_tests_are_those_of_dosefinding(case: str) -> None:
    rows = cases()[case]
    doses, n = numbers(rows[0]["doses"]), numbers(rows[0]["n_per_dose"])
    alpha, sd = float(rows[0]["alpha"]), float(rows[0]["sd"])
    sign = -1 if rows[0]["direction"] == "decreasing" else 1
    curves = curves_of(rows[0])
    names, df = list(curves), n.sum() - len(n)
    contrasts = optimal_contrasts(tuple(curves.values()), doses, n)
    between = contrast_correlation(contrasts, n)
    means = numbers(rows[0]["observed_means"])
    rule = McpMod(alpha, tuple(doses), tuple(curves.values()))
    arms = tuple(
        Hypothesis(str(arm), benefit_sign=sign, arm=arm, allocation=(int(n[0]), int(n[arm])))
        for arm in range(1, len(n))
    )
    effect, se = (means[1:] - means[0])[None], (sd * np.sqrt(1 / n[0] + 1 / n[1:]))[None]
    seen = AnalysisResults(effect, se, np.full(effect.shape, df), np.full(effect.shape, 0.5), arms)
    t, _ = rule.statistics(seen)
    checked = 0
    for row in rows:
        kind, _, rest = row["quantity"].partition("_")
        value = float(row["value"])
        if kind == "contrast" and not rest.startswith("corr"):
            name, _, dose = rest.rpartition("_dose")
            place = list(doses).index(float(dose))
            assert sign * contrasts[names.index(name), place] == pytest.approx(value, abs=1e-6)
        elif kind == "contrast":
            one, other = rest.removeprefix("corr_").split("_")
            assert between[names.index(one), names.index(other)] == pytest.approx(value, abs=1e-6)
        elif row["quantity"] == "critical_value_t":
            # R's qmvt stops within 1e-3 of the level: on the scale of chances it is in place.
            assert correlated_chance_below(value, df, between) == pytest.approx(1 - alpha, abs=1e-4)
        elif row["quantity"].startswith("MCTtest_t_"):
            assert t[0, names.index(rest[2:])] == pytest.approx(value, rel=1e-6)
        elif row["quantity"].startswith("MCTtest_adj_p_"):
            largest = t[0, names.index(rest[6:])]
            chance = 1 - correlated_chance_below(largest, df, between)
            assert chance == pytest.approx(value, abs=1e-4)
        elif row["quantity"] == "MCTtest_reject_any":
            assert rule.decide(seen)[0, -1] == (GO if value else STOP)
        else:
            continue
        checked += 1
    assert checked >= 15


@pytest.mark.parametrize("case", ["MC004", "MC005"])
def test_the_power_of_the_contrasts_is_that_of_dosefinding(case: str) -> None:
    rows = cases()[case]
    doses, n = numbers(rows[0]["doses"]), numbers(rows[0]["n_per_dose"])
    sd = float(rows[0]["sd"])
    sign = -1 if rows[0]["direction"] == "decreasing" else 1
    curves = curves_of(rows[0])
    contrasts = optimal_contrasts(tuple(curves.values()), doses, n)
    value = {row["quantity"]: float(row["value"]) for row in rows}
    name = next(iter(curves))
    limit = value["critical_value_t"]
    means = [value[f"true_mean_{name}_dose{dose:g}"] for dose in doses]

    power = power_of_contrasts(contrasts, sign * np.array(means), sd, n, limit)

    assert power == pytest.approx(value[f"power_{name}"], abs=1e-4)


def test_two_doses_in_a_simulated_trial() -> None:
    ancova = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}
    table = one_endpoint(
        design=design(60, [0, 12], arms=["control", "low", "high"], allocation=[1, 1, 1]),
        analysis=[ancova | {"arm": arm} for arm in ("low", "high")],
        decision={"kind": "dunnett", "one_sided_alpha": 0.05},
        trials=2_000,
    )
    by_dunnett = simulate(scenario(table))
    models = [{"shape": "linear"}, {"shape": "emax", "ed50": 1.0}]
    rule = {"kind": "mcp_mod", "one_sided_alpha": 0.05, "doses": [0, 1, 2], "models": models}
    by_curve = simulate(scenario(table | {"decision": rule}))

    for error in (by_dunnett.type_i_error["at_least_one"], by_curve.type_i_error["dose_response"]):
        assert abs(error.estimate - 0.05) <= STANDARD_ERRORS * error.mcse
    assert set(by_dunnett.power) == {"c_peptide_low", "c_peptide_high", "at_least_one"}


@pytest.mark.parametrize(
    ("decision", "part"),
    [
        ({"kind": "dunnett", "one_sided_alpha": 0.9}, "one_sided_alpha is 0.9"),
        ({"doses": [0, 1, 2]}, "there are 1"),
        ({"doses": [0, 2, 1]}, r"doses is \[0\.0, 2\.0, 1\.0\]"),
        ({"models": [{"shape": "emax"}]}, "ed50 of shape 'emax' is missing"),
        ({"models": [{"shape": "linear", "h": 1.0}]}, "h of shape 'linear' is not its key"),
    ],
)
def test_a_rule_that_does_not_fit_the_doses_is_refused(
    decision: dict[str, object], part: str
) -> None:
    rule = {"kind": "mcp_mod", "one_sided_alpha": 0.05, "doses": [0, 1, 2]}
    rule |= {"models": [{"shape": "linear"}]}

    with pytest.raises(BadScenario, match=part):
        assembled(one_endpoint(decision=decision if "kind" in decision else rule | decision))

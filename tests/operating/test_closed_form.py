"""Simulated power and type I error against theory, other programs, and a published trial."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees, se_of_share
from support.readings import rows_of
from support.small_trials import Table, assembled, design, one_endpoint, scenario

from phase2sim.analyses import ANALYSES
from phase2sim.core.measured import proportion
from phase2sim.operating.closed_form import _FORMULAS, ClosedForm, closed_form_power
from phase2sim.operating.simulation import Characteristic, Result, prepare_scenario, simulate
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.trial.engine import simulate_batch

TRIALS = 20_000
MELD_ATG = Path(__file__).parents[2] / "scenarios" / "meld-atg.toml"

ANCOVA = {"method": "ancova"}
UNADJUSTED = {"method": "ancova", "covariates": []}
T_TEST, T_CHANGE = {"method": "t_test"}, {"method": "t_test", "of": "change"}
WELCH, WELCH_CHANGE = {"method": "welch"}, {"method": "welch", "of": "change"}

# analysis, allocation, patients, effect / SD, correlation, share lost, alpha, margin / SD, tossed;
# effect and margin count towards benefit, so that a negative margin allows for harm.
DESIGNS = [
    (T_TEST, (1, 1), 12, 1.8, 0.0, 0.0, 0.025, 0.0, False),
    (T_TEST, (1, 1), 40, 0.8, 0.5, 0.2, 0.05, 0.0, False),
    (T_TEST, (2, 1), 60, 0.7, 0.3, 0.0, 0.1, 0.2, False),
    (T_TEST, (1, 3), 80, 0.8, 0.9, 0.3, 0.025, 0.0, True),
    (T_TEST, (1, 1), 200, 0.4, 0.6, 0.1, 0.05, -0.1, True),
    (T_CHANGE, (1, 1), 16, 1.2, 0.7, 0.0, 0.05, 0.0, False),
    (T_CHANGE, (2, 1), 30, 0.9, 0.8, 0.3, 0.025, 0.0, False),
    (T_CHANGE, (1, 3), 120, 0.5, 0.5, 0.2, 0.1, 0.1, False),
    (T_CHANGE, (1, 1), 50, 0.4, 0.9, 0.0, 0.025, 0.0, True),
    (WELCH, (1, 1), 12, 1.6, 0.2, 0.0, 0.1, 0.0, False),
    (WELCH, (1, 3), 24, 1.3, 0.5, 0.1, 0.025, 0.0, False),
    (WELCH, (2, 1), 90, 0.6, 0.4, 0.0, 0.05, -0.2, False),
    (WELCH, (1, 1), 60, 0.8, 0.0, 0.4, 0.025, 0.0, True),
    (WELCH_CHANGE, (1, 1), 40, 0.6, 0.8, 0.25, 0.05, 0.0, False),
    (WELCH_CHANGE, (1, 3), 48, 0.9, 0.6, 0.0, 0.1, 0.3, True),
    (ANCOVA, (1, 1), 12, 1.5, 0.6, 0.0, 0.025, 0.0, False),
    (ANCOVA, (1, 1), 12, 1.2, 0.8, 0.3, 0.1, 0.0, False),
    (ANCOVA, (2, 1), 18, 1.0, 0.7, 0.0, 0.05, 0.0, False),
    (ANCOVA, (1, 3), 20, 1.0, 0.9, 0.2, 0.025, 0.4, False),
    (ANCOVA, (1, 1), 40, 0.7, 0.0, 0.0, 0.025, 0.0, False),
    (ANCOVA, (1, 1), 60, 0.5, 0.5, 0.1, 0.025, 0.0, False),
    (ANCOVA, (2, 1), 60, 0.6, 0.3, 0.15, 0.05, -0.1, True),
    (ANCOVA, (1, 3), 100, 0.4, 0.8, 0.0, 0.1, 0.1, False),
    (ANCOVA, (1, 1), 150, 0.3, 0.7, 0.2, 0.025, 0.0, False),
    (ANCOVA, (1, 1), 200, 0.35, 0.4, 0.0, 0.05, 0.0, True),
    (UNADJUSTED, (1, 1), 32, 1.0, 0.6, 0.1, 0.025, 0.0, False),
]


def _table(row: tuple) -> Table:
    """Give a scenario of one endpoint: HbA1c, where lower is better, or C-peptide."""
    analysis, allocation, patients, effect, correlation, share, alpha, margin, tossed = row
    number = DESIGNS.index(row)
    endpoint, mean, sd = ("hba1c", 7.5, -1.3) if number % 2 else ("c_peptide", 0.5, 0.28)
    randomisation = "simple" if tossed else "permuted_blocks"
    dropout = {"mechanism": "mcar", "share": share, "by_month": 12} if share else None
    return one_endpoint(
        seed=3000 + number,
        trials=TRIALS,
        design=design(patients, [0, 12], allocation=allocation, randomisation=randomisation),
        outcome={endpoint: {"control_mean": mean, "sd": abs(sd), "correlation": correlation}},
        truth={"target": {endpoint: {"effect": effect * sd, "month": 12, "shape": "linear"}}},
        missing={"dropout": dropout or {"mechanism": "none"}},
        analysis=[{"endpoint": endpoint, "month": 12, "null_effect": margin * sd} | analysis],
        decision={"kind": "significance", "one_sided_alpha": alpha},
        failures_allowed=1.0,
    )


def _row(result: Result, name: str) -> Characteristic:
    return next(row for row in result.characteristics if row.name == name)


def _says(row: tuple) -> str:
    analysis, allocation, patients, effect, correlation, share, alpha, margin, tossed = row
    name = "-".join(map(str, analysis.values()))
    ratio = ":".join(map(str, allocation)) + (" tossed" if tossed else "")
    return f"{name} {ratio} {patients} d{effect} r{correlation} lost{share} a{alpha} m{margin}"


@pytest.mark.parametrize("row", DESIGNS, ids=_says)
def test_simulated_power_and_type_one_error_agree_with_theory(row: tuple) -> None:
    result = simulate(scenario(_table(row)))

    for name in ("power", "type_i_error"):
        row = _row(result, name)
        assert row.closed_form is not None
        assert row.closed_form.is_exact
        exact = row.closed_form.value
        assert_agrees(row.measured, exact, se_of_share(exact, row.measured.used))


@pytest.mark.parametrize("row", [DESIGNS[2], DESIGNS[11], DESIGNS[18], DESIGNS[21]], ids=_says)
def test_type_one_error_is_nominal_at_the_margin(row: tuple) -> None:
    table = _table(row)
    [analysis], [target] = table["analysis"], table["truth"]["target"].values()
    target["effect"] = analysis["null_effect"]

    measured = _row(simulate(scenario(table)), "power").measured

    alpha = table["decision"]["one_sided_alpha"]
    assert_agrees(measured, alpha, se_of_share(alpha, measured.used))


def test_a_scenario_file_agrees_with_theory(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")

    row = _row(simulate(load_scenario(path)), "power")

    assert row.closed_form is not None
    assert row.closed_form.is_exact
    assert row.gap is not None
    assert abs(row.gap) < 4


FILE = """
title = "A small trial"
seed = 11
trials = 20_000
[design]
kind = "fixed"
arms = ["placebo", "active"]
patients = 36
visits_months = [0, 6, 12]
[outcome.glucose]
control_mean = 2.2
sd = 0.3
correlation = { share = 0.5, per_month = 0.9 }
[truth.target]
glucose = { effect = -0.2, month = 12, shape = "immediate" }
[missing.dropout]
mechanism = "mcar"
share = 0.15
by_month = 12
[[analysis]]
endpoint = "glucose"
month = 6
method = "ancova"
[decision]
kind = "significance"
one_sided_alpha = 0.05
"""


@pytest.mark.parametrize(
    "mistake",
    [
        {"outcome": {"c_peptide": {"control_mean": 0.5, "sd": 0.28, "correlation": 0.6}}},
        {"outcome": {"c_peptide": {"control_mean": 0.5, "sd": 0.26, "correlation": 0.5}}},
        {"design": design(72, [0, 12])},
        {"missing": {"dropout": {"mechanism": "none"}}},
        {"decision": {"kind": "significance", "one_sided_alpha": 0.035}},
    ],
    ids=["correlation", "sd", "patients", "dropout", "alpha"],
)
def test_the_comparison_catches_a_wrong(mistake: Table) -> None:
    table = _table(DESIGNS[20])
    mistaken = assembled(table | mistake)

    measured = _row(simulate(scenario(table)), "power").measured

    wrong = closed_form_power(mistaken, 0, mistaken.sources[0])
    assert wrong is not None
    with pytest.raises(AssertionError, match="standard errors away"):
        assert_agrees(measured, wrong.value, se_of_share(wrong.value, measured.used))


PUBLISHED = [
    row
    for row in rows_of("means.csv")
    if row["quantity"] == "power" and row["sided"] == "1" and row["tool"] == "R 4.2.2"
    if row["group"] == "power_t"
]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["case_id"])
def test_simulated_power_agrees_with_other_programs(row: dict[str, str]) -> None:
    treated, control = int(row["n_treat"]), int(row["n_control"])
    delta, sd, alpha, null = (float(row[key]) for key in ("delta", "sd", "alpha", "thetaH0"))
    target = {"effect": -delta, "month": 6, "shape": "immediate"}
    table = one_endpoint(
        trials=TRIALS,
        design=design(treated + control, [0, 6], allocation=(control, treated)),
        outcome={"hba1c": {"control_mean": 7.5, "sd": sd, "correlation": 0.3}},
        truth={"target": {"hba1c": target}},
        analysis=[{"endpoint": "hba1c", "month": 6, "method": "t_test", "null_effect": -null}],
        decision={"kind": "significance", "one_sided_alpha": alpha},
    )

    measured = _row(simulate(scenario(table)), "power").measured

    exact = float(row["value"])
    assert_agrees(measured, exact, se_of_share(exact, measured.used))


def _meld_atg_standard_errors() -> np.ndarray:
    ready = prepare_scenario(load_scenario(MELD_ATG), report=lambda _line: None).assembled
    return simulate_batch(ready.study, ready.sources[0], 0, TRIALS).estimates[0].se


def test_meld_atg_has_the_standard_error_of_its_published_interval() -> None:
    se = _meld_atg_standard_errors().mean()

    # 0.124 (95 % CI 0.043 to 0.205): each limit is 1.96 standard errors away, give or take the
    # 0.0005 to which it is rounded.
    half_width = stats.norm.ppf(0.975) * se
    assert (0.205 - 0.043) / 2 - 0.0005 < half_width < (0.205 - 0.043) / 2 + 0.0005


def test_meld_atg_has_the_published_p_at_the_published_difference() -> None:
    se = _meld_atg_standard_errors().mean()

    # 0.0028, two-sided, at a difference of 0.124 to three digits.
    largest, smallest = (2 * stats.norm.sf(difference / se) for difference in (0.1235, 0.1245))
    assert smallest < 0.0028 < largest


def test_meld_atg_has_the_power_that_theory_gives_it() -> None:
    row = _row(simulate(load_scenario(MELD_ATG)), "power")

    assert row.gap is not None
    assert abs(row.gap) < 4


def test_every_closed_form_that_an_analysis_declares_is_there() -> None:
    declared = {part.closed_form for part in ANALYSES.values()}

    assert declared - {None} == set(_FORMULAS)


@pytest.mark.parametrize("analysis", [ANCOVA, T_CHANGE, WELCH_CHANGE, {"method": "mmrm"}])
def test_patients_who_keep_their_baseline_for_ever_have_no_closed_form(analysis: Table) -> None:
    ready = assembled(
        one_endpoint(
            outcome={"c_peptide": {"control_mean": 0.5, "sd": 0.3, "correlation": 1}},
            analysis=[{"endpoint": "c_peptide", "month": 12} | analysis],
            decision={"kind": "significance", "one_sided_alpha": 0.025},
        )
    )

    assert closed_form_power(ready, 0, ready.sources[0]) is None


@pytest.mark.parametrize(("effect", "power"), [(0.9, 1.0), (-0.9, 0.0)])
def test_an_exact_power_of_0_or_1_is_compared_like_any_other(effect: float, power: float) -> None:
    setting = f"truth.target.c_peptide.effect={effect}"

    row = _row(simulate(load_scenario(MELD_ATG, [setting]), trials=400), "power")

    assert row.closed_form is not None
    assert row.closed_form.value == pytest.approx(power, abs=1e-12)
    assert 0.0 <= row.closed_form.value <= 1.0
    assert row.gap == pytest.approx(0.0, abs=1e-3)


def test_one_trial_that_contradicts_an_exact_power_of_1_is_a_gap() -> None:
    measured = proportion(399, 400, 400)

    row = Characteristic("power", "hba1c", "hba1c", 6, "target", measured, ClosedForm(1.0))

    assert row.gap is not None
    assert row.gap < -4

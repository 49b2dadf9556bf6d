"""How often a trial goes although an effect is absent, against closed forms."""

from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats
from support.agreement import assert_agrees
from support.small_reports import dossier_of_table
from support.small_trials import Table, design, two_endpoints

from phase2sim.reporting.report.protocol import protocol_text
from phase2sim.reporting.report.sections.checks import verification_section
from phase2sim.reporting.report.sections.false_go import false_goes, worst_null_blocks
from phase2sim.reporting.report.sections.question import question_section
from phase2sim.studies.dossier.dossier import Dossier

TRIALS, PATIENTS, ALPHA = 4_000, 40, 0.025
EFFECT, SD = {"hba1c": -0.8, "c_peptide": 0.2}, {"hba1c": 1.3, "c_peptide": 0.3}
NO_HBA1C, NO_C_PEPTIDE = (f"no effect on {name}, else as hoped" for name in ("HbA1c", "C-peptide"))


def independent_endpoints() -> Table:
    """Two t tests of outcomes that have nothing to do with each other, nobody lost."""
    return two_endpoints(
        design=design(PATIENTS, [0, 12]),
        outcome={
            "hba1c": {"control_mean": 8.0, "sd": SD["hba1c"], "correlation": 0.5},
            "c_peptide": {"control_mean": 0.5, "sd": SD["c_peptide"], "correlation": 0.5},
        },
        endpoint_correlation=0.0,
        analysis=[
            {"endpoint": name, "month": 12, "method": "t_test"} for name in ("hba1c", "c_peptide")
        ],
    )


def power_of_a_t_test(endpoint: str) -> float:
    """One-sided, from the noncentral t distribution."""
    df = PATIENTS - 2
    shift = abs(EFFECT[endpoint]) / (SD[endpoint] * (4 / PATIENTS) ** 0.5)
    return float(stats.nct.sf(stats.t.isf(ALPHA, df), df, shift))


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    return dossier_of_table(independent_endpoints(), tmp_path_factory.mktemp("nulls"), TRIALS)


def test_the_worst_null_of_co_primary_endpoints_is_not_that_nothing_works(
    dossier: Dossier,
) -> None:
    exact = {
        "no effect on anything": ALPHA * ALPHA,
        NO_HBA1C: ALPHA * power_of_a_t_test("c_peptide"),
        NO_C_PEPTIDE: ALPHA * power_of_a_t_test("hba1c"),
    }

    nulls = list(false_goes(dossier))

    assert {false_go.what for false_go in nulls} == set(exact)
    for false_go in nulls:
        for row, expected in ((false_go.go, exact[false_go.what]), (false_go.alone, ALPHA)):
            assert row["used"] == TRIALS
            assert_agrees(row["estimate"], expected, (expected * (1 - expected) / TRIALS) ** 0.5)


def test_the_report_and_the_protocol_show_it(dossier: Dossier) -> None:
    by_truth = {false_go.what: false_go.go for false_go in false_goes(dossier)}

    for shown in (str(list(worst_null_blocks(dossier))), str(question_section(dossier))):
        for label in (NO_HBA1C, NO_C_PEPTIDE):
            row = by_truth[label]
            assert label in shown
            assert f"{row['estimate']:.3f} ± {row['mcse']:.3f}" in shown
    assert "that is not the worst case" in str(list(worst_null_blocks(dossier)))
    assert "where nothing works, and " in protocol_text(dossier)
    assert "in every null simulated" in str(verification_section(dossier))


def test_a_null_is_no_move_of_an_assumption(dossier: Dossier) -> None:
    assert not [
        false_go for false_go in dossier.sensitivities if "no effect" in str(false_go.value)
    ]


def test_other_rules_show_each_analysis_where_its_own_effect_is_absent(
    tmp_path: Path,
) -> None:
    table = independent_endpoints() | {"decision": {"kind": "holm", "one_sided_alpha": ALPHA}}

    nulls = {
        (false_go.what, false_go.go["analysis"]): false_go.go["estimate"]
        for false_go in false_goes(dossier_of_table(table, tmp_path, TRIALS))
    }

    # Holm: alpha where the other is rejected, alpha / 2 else; the tests are independent.
    other_power = stats.nct.sf(
        stats.t.isf(ALPHA / 2, PATIENTS - 2), PATIENTS - 2,
        EFFECT["c_peptide"] / (SD["c_peptide"] * (4 / PATIENTS) ** 0.5),
    )  # fmt: skip
    exact = ALPHA / 2 + ALPHA / 2 * other_power
    assert_agrees(nulls[NO_HBA1C, "hba1c"], exact, (exact * (1 - exact) / TRIALS) ** 0.5)
    assert set(nulls) >= {(NO_C_PEPTIDE, "c_peptide"), ("no effect on anything", "hba1c")}


def test_a_go_that_needs_all_of_several_thresholds_is_judged_like_co_primary_ends(
    tmp_path: Path,
) -> None:
    rule = {"kind": "posterior", "probability": 1 - ALPHA, "together": "all"}
    table = independent_endpoints() | {"decision": rule}

    nulls = list(false_goes(dossier_of_table(table, tmp_path, TRIALS)))

    # Without a prior the posterior probability of an effect is 1 - p of the t test.
    exact = ALPHA * power_of_a_t_test("c_peptide")
    (go,) = (false_go.go for false_go in nulls if false_go.what == NO_HBA1C)
    assert go["analysis"] == "all_analyses"
    assert_agrees(go["estimate"], exact, (exact * (1 - exact) / TRIALS) ** 0.5)


def test_without_those_cells_the_report_says_what_is_missing(dossier: Dossier) -> None:
    rows = tuple(row for row in dossier.rows if "no effect" not in str(row.get("assumption")))
    without_others = replace(dossier, rows=rows)

    assert "Only the case that nothing works was simulated here" in str(
        list(worst_null_blocks(without_others))
    )

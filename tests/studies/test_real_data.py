"""Real data sets analysed: values of other programs, baselines at month 0, units, counts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.data_files import (
    COUNTS,
    PATIENTS,
    c_peptide_trial,
    csv_file,
    hba1c_trial,
    lines_of,
    rows_of_file,
)

from phase2sim.core.errors import AnalysisFailed, BadData
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.data_options import with_data
from phase2sim.studies.real_data import analyse, check_answered

OF_HBA1C = (
    "ancova", "anhecova", "clda", "conditional_mean_imputation", "mmrm", "multiple_imputation",
    "rank_ancova", "t_test", "van_elteren", "welch", "wilcoxon",
)  # fmt: skip


def said(unit: str, built: BuiltScenario) -> BuiltScenario:
    return replace(built, scenario=with_data(built.scenario, [unit], []))


def least_squares(y: list[float], base: list[float], treated: list[bool]) -> tuple[float, float]:
    """Effect of treatment and its standard error, by the normal equations."""
    x = np.column_stack([np.ones(len(y)), base, np.array(treated, float)])
    slopes, squares, _, _ = np.linalg.lstsq(x, np.array(y), rcond=None)
    variance = squares[0] / (len(y) - 3) * np.linalg.inv(x.T @ x)[2, 2]
    return float(slopes[2]), float(np.sqrt(variance))


def baseline_rows(lines: list[str], *, with_base: bool) -> list[str]:
    """The two visits, with the baseline as a row at month 0, as CDISC files have it."""
    made = ["id,arm,base,months,y"]
    for line in lines[1:]:
        patient, arm, base, month, y = line.split(",")
        kept = base if with_base else ""
        if month == "3":
            made.append(f"{patient},{arm},{kept},0,{base}")
        made.append(f"{patient},{arm},{kept},{month},{y}")
    return made


def test_two_visits_agree_with_r() -> None:
    """R 4.2.2, lm(y ~ base + arm) at month 6."""
    (finding,) = analyse(hba1c_trial(3.0, 6.0), PATIENTS / "two-visits.csv").findings

    assert finding.effect == pytest.approx(-1.288792, abs=5e-7)
    assert finding.se == pytest.approx(0.380068, abs=5e-7)
    assert finding.df == 21


@pytest.mark.parametrize("with_base", [True, False], ids=["beside base", "alone"])
@pytest.mark.parametrize("method", OF_HBA1C)
def test_month_0_is_the_baseline_of_every_analysis(
    tmp_path: Path, method: str, *, with_base: bool
) -> None:
    strata = {"population": {"age_years": [8, 17], "age_strata": [12]}}
    analysis = [{"endpoint": "hba1c", "month": 6.0, "method": method}]
    trial = hba1c_trial(3.0, 6.0, analysis=analysis, **strata)
    lines = [f"{line},{'stratum' if n == 0 else 'young'}"
             for n, line in enumerate(lines_of("two-visits.csv"))]  # fmt: skip
    month_0 = baseline_rows(lines_of("two-visits.csv"), with_base=with_base)
    month_0 = [f"{line},{'stratum' if n == 0 else 'young'}" for n, line in enumerate(month_0)]

    planned = analyse(trial, csv_file(tmp_path, lines))
    with_rows = analyse(trial, csv_file(tmp_path, month_0))

    assert not planned.findings[0].failed
    assert with_rows.findings == planned.findings
    assert with_rows.counts == planned.counts


def test_hba1c_in_mmol_per_mol_agrees_with_the_same_data_in_percent() -> None:
    """R 4.2.2 on NGSP = 0.09148 IFCC + 2.152, the rounded master equation: -0.6748."""
    rows = rows_of_file("hba1c-mmol.csv")
    in_percent = {c: [float(row[c]) / 10.929 + 2.15 for row in rows] for c in ("y", "base")}

    result = analyse(said("hba1c=mmol/mol", hba1c_trial()), PATIENTS / "hba1c-mmol.csv")

    (finding,) = result.findings
    effect, se = least_squares(**in_percent, treated=[row["arm"] == "drug" for row in rows])
    assert finding.effect * 10.929 * 0.09148 == pytest.approx(-0.6748, abs=5e-5)
    assert (finding.effect, finding.se) == pytest.approx((effect, se), rel=1e-10)
    assert {count.unit for count in result.counts} == {"%"}


def test_c_peptide_in_pmol_per_litre_is_analysed_on_the_model_scale(tmp_path: Path) -> None:
    values = [("a", 320, 230), ("b", 480, 60), ("c", 700, 320), ("d", 390, 420)]
    values += [("e", 600, 60), ("f", 670, 430), ("g", 560, 360), ("h", 310, 350)]
    lines = [f"{p},{'control' if p < 'e' else 'drug'},{base},{y}" for p, base, y in values]
    file = csv_file(tmp_path, ["id,arm,base,y", *lines])

    (finding,) = analyse(said("c_peptide=pmol/L", c_peptide_trial()), file).findings

    logs = [
        [float(np.log(v / 1000 + 1)) for v in column]
        for column in list(zip(*values, strict=True))[1:]
    ]
    effect, se = least_squares(logs[1], logs[0], [p >= "e" for p, _, _ in values])
    assert (finding.effect, finding.se) == pytest.approx((effect, se), rel=1e-10)


def test_a_unit_that_makes_all_values_far_too_small_is_refused(tmp_path: Path) -> None:
    lines = ["id,arm,base,y", "a,control,0.3,0.2", "b,control,0.5,0.1", "c,drug,0.6,0.5",
             "d,drug,0.7,0.4"]  # fmt: skip

    with pytest.raises(BadData, match="far too small in it and plausible in nmol/L"):
        analyse(said("c_peptide=pmol/L", c_peptide_trial()), csv_file(tmp_path, lines))


def test_who_was_analysed_and_who_was_left_out_is_counted(tmp_path: Path) -> None:
    lines = ["id,arm,base,visit,y"]
    lines += [f"c{n},control,{8 + n / 10},1,{7.5 + n % 3}" for n in range(5)]
    lines += [f"c{n},control,{8 + n / 10},2,{7.4 + n % 3}" for n in range(4)]  # c4 has no row
    lines += [f"d{n},drug,{8 + n / 10},1,{7.1 + n % 3}" for n in range(5)]
    lines += [f"d{n},drug,{8 + n / 10},2,{7 + n % 3}" for n in range(3)]
    lines += ["d3,drug,8.3,2,", "d4,drug,8.4,2,NA", "e,drug,,1,7.5", "e,drug,,2,7.7"]

    result = analyse(hba1c_trial(3.0, 6.0), csv_file(tmp_path, lines))

    patients = result.findings[0].patients
    assert patients is not None
    assert patients.by_arm == {"control": 4, "drug": 3}
    assert patients.left_out == {"no value at month 6": 3, "no baseline": 1}
    by_visit = {(count.arm, count.month): count.patients for count in result.counts}
    assert by_visit == {
        ("control", 0.0): 5, ("control", 3.0): 5, ("control", 6.0): 4,
        ("drug", 0.0): 5, ("drug", 3.0): 6, ("drug", 6.0): 4,
    }  # fmt: skip
    assert result.counts[0].mean == pytest.approx(8.2)


@pytest.mark.parametrize(
    ("method", "options", "analysed", "unseen"),
    [
        ("fisher", {"responder": {"below": 7.5}}, 8, 2),
        ("fisher", {"responder": {"below": 7.5}, "missing": "complete_cases"}, 6, 0),
        ("mmrm", {}, 8, 2),
        ("conditional_mean_imputation", {}, 8, 2),
        ("wilcoxon", {}, 6, 0),
    ],
)
def test_those_analysed_without_a_value_are_counted(
    tmp_path: Path, method: str, options: dict[str, object], analysed: int, unseen: int
) -> None:
    rows = [(n, v, 7.0 + (n * n + 2 * v) % 5 / 4) for n in range(8) for v in (1, 2)]
    lines = [f"{n},{n % 2},{8 + n % 3},{v},{'' if v == 2 and n < 2 else y}" for n, v, y in rows]
    analysis = [{"endpoint": "hba1c", "month": 6.0, "method": method} | options]
    file = csv_file(tmp_path, ["id,arm,base,visit,y", *lines])

    (finding,) = analyse(hba1c_trial(3.0, 6.0, analysis=analysis), file).findings

    patients = finding.patients
    assert patients is not None
    assert (sum(patients.by_arm.values()), patients.unseen) == (analysed, unseen)


def test_codes_of_missing_values_are_left_out() -> None:
    trial = hba1c_trial()
    coded = replace(trial, scenario=with_data(trial.scenario, [], ["7.0"]))

    with pytest.raises(BadData, match="named as a code of missing values, but may be a value"):
        analyse(coded, PATIENTS / "hba1c.csv")


def test_a_code_that_no_patient_can_have_is_missing(tmp_path: Path) -> None:
    trial = hba1c_trial()
    lines = lines_of("hba1c.csv")
    coded = [*lines[:4], lines[4].rpartition(",")[0] + ",999", *lines[5:]]
    empty = [*lines[:4], lines[4].rpartition(",")[0] + ",", *lines[5:]]
    missing = replace(trial, scenario=with_data(trial.scenario, [], ["999.0"]))

    result = analyse(missing, csv_file(tmp_path, coded))

    assert result.findings == analyse(trial, csv_file(tmp_path, empty)).findings
    with pytest.raises(BadData, match=r"line 5: y is '999'; HbA1c lies between 3 and 20 %"):
        analyse(trial, csv_file(tmp_path, coded))


def test_an_analysis_that_failed_is_named_after_the_others(tmp_path: Path) -> None:
    lines = ["id,arm,base,y", *(f"{n},{n % 2},{8 + n / 10},8.5" for n in range(10))]

    result = analyse(hba1c_trial(), csv_file(tmp_path, lines))

    with pytest.raises(AnalysisFailed, match=r"1 of 1 analyses failed: hba1c \(no variation"):
        check_answered(result)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("a,0,6,3,6", "b,1,6,2,0"), "line 3: time is '0'; months at risk at month 6 lie above 0"),
        (("a,0,6,3,6", "b,1,6,2,-1"), "time is '-1'"),
        (("a,0,6,3,6", "b,1,6,2,182"), "time is '182'; months at risk at month 6 lie above 0 and"),
        (("a,0,6,3,6", "b,1,6,2.5,6"), "y is '2.5'; it must be a whole number"),
        (("a,0,6,3,6", "b,1,6,-2,6"), "y is '-2'; it must be a whole number"),
        (("a,0,6,3,6", "b,1,6,999,6"), "y is '999'; it must be a whole number"),
        (("a,0,6,3,6", "b,1,6,2,"), "time is ''"),
        (("a,0,0,0,0", "a,0,6,3,6", "b,1,6,2,6"), "events are counted from baseline on"),
        (("a,0,3,4,3", "a,0,6,3,6", "b,1,6,2,6"), "y is 3 (patient a; 4 in line 2)"),
        (("a,0,3,1,4", "a,0,6,3,3.5", "b,1,6,2,6"), "time is 3.5 (patient a; 4 in line 2)"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    tmp_path: Path, rows: tuple[str, ...], message: str
) -> None:
    analysis = [{"endpoint": "hypoglycaemia", "month": 6.0, "method": "poisson"}]
    trial = hba1c_trial(3.0, 6.0, events=COUNTS, analysis=analysis)

    with pytest.raises(BadData) as refused:
        analyse(trial, csv_file(tmp_path, ["id,arm,months,y,time", *rows]))

    assert message in str(refused.value)

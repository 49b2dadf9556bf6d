"""One trial through the commands: a data set analysed, a simulated trial replayed."""

import csv
from pathlib import Path

import pytest
from support.commands import DATA, SMALL, phase2sim, printed
from support.readings import PUBLISHED, rows_of

from phase2sim.scenario.scenario_file import load_scenario

OPTIONS_OF = {
    "ancova y~base+arm": [],
    "ancova y~base+arm HC3": ["--set", "analysis.1.standard_error=hc3"],
    "ancova y~base+stratum+arm": ["--set", 'analysis.1.covariates=["baseline", "stratum"]'],
    "welch y": ["--set", 'analysis=[{ endpoint="hba1c", month=12, method="welch" }]'],
}
FIELD_OF = {"est": "effect", "se": "se", "t": "t", "p": "p_two_sided", "df": "df"}
PUBLISHED_CASES = [
    (dataset, method)
    for dataset in ("a01", "a04", "a08", "a10")
    for method in OPTIONS_OF
    if any((row["dataset"], row["method"]) == (dataset, method) for row in rows_of("analysis.csv"))
]


SHRUNK, SHIFT = 0.8, 3.0  # of the outcomes of the published data sets


def in_range(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = (
        f"{row['id']},{row['arm']},{row['stratum']},{row['base']},"
        f"{SHIFT + SHRUNK * float(row['y'])!r}"
        for row in rows
    )
    return table(*lines, head="id,arm,stratum,base,y")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def data_scenario(tmp_path: Path) -> Path:
    path = tmp_path / "data.toml"
    path.write_text(DATA, encoding="utf-8")
    return path


@pytest.mark.parametrize(("dataset", "method"), PUBLISHED_CASES)
def test_analyse_agrees_with_r(
    tmp_path: Path, data_scenario: Path, dataset: str, method: str
) -> None:
    """Outcomes are shrunk into the plausible range of HbA1c; t, p and df do not change by it."""
    data = tmp_path / f"{dataset}.csv"
    data.write_text(in_range(PUBLISHED / "analysis" / data.name), encoding="utf-8")

    finding = printed("analyse", data_scenario, data, *OPTIONS_OF[method])["findings"][0]

    rows = [
        row
        for row in rows_of("analysis.csv")
        if (row["dataset"], row["method"]) == (dataset, method)
    ]
    assert rows
    for row in rows:
        ours = finding[FIELD_OF[row["quantity"]]]
        scale = SHRUNK if row["quantity"] in {"est", "se"} else 1.0
        assert ours == pytest.approx(scale * float(row["value"]), rel=1e-8), row["quantity"]


def test_factors_are_columns_of_the_data_and_not_simulated(
    tmp_path: Path, data_scenario: Path
) -> None:
    data, factors = tmp_path / "sites.csv", ("--set", 'analysis.1.factors=["site"]')
    rows = (f"{row},{site}" for row, site in zip((*SIX, *EIGHT), "aabbabaabb", strict=False))
    data.write_text(table(*rows, head="id,arm,base,y,site"), encoding="utf-8")

    finding = printed("analyse", data_scenario, data, *factors)["findings"][0]
    no_column = phase2sim("analyse", data_scenario, PUBLISHED / "analysis" / "a01.csv", *factors)
    simulated = phase2sim("run", data_scenario, *factors)

    assert finding["df"] == 8 - 4
    assert no_column.exit_code == simulated.exit_code == 2
    assert "column 'site' is missing" in no_column.stderr
    assert "analysis[1].factors names 'site'" in simulated.stderr


def test_analyse_prints_estimate_interval_and_decision(data_scenario: Path) -> None:
    screen = phase2sim("analyse", data_scenario, PUBLISHED / "analysis" / "a08.csv").stdout

    assert "effect (95 % CI)" in screen
    assert "ANCOVA" in screen
    assert "Decision: hba1c:" in screen


def table(*rows: str, head: str = "id,arm,base,y") -> str:
    return "\n".join([head, *rows]) + "\n"


EIGHT = ("7,0,8.5,7.2", "8,1,8.2,6.8")
SIX = ("1,0,8,7", "2,0,7,6", "3,0,9,7.5", "4,1,8,6", "5,1,7,5.5", "6,1,9,7")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no rows"),
        ("id,arm,y\n", "holds no rows"),
        (table(*SIX, head="id,arm,base,why"), "column 'y' is missing"),
        (table(*SIX, head="patient,arm,base,y"), "column 'id' is missing"),
        (table(*SIX, head="id,group,base,y"), "column 'arm' is missing"),
        (table("1,0,8,low", *SIX[1:]), "line 2: y is 'low'"),
        (table(SIX[0], "2,0,low,6", *SIX[2:]), "line 3: base is 'low'"),
        (table("1,0,8,inf", *SIX[1:]), "line 2: y is 'inf'"),
        (table("1,placebo,8,7", *SIX[1:]), "line 2: arm is 'placebo'; it must be control or"),
        (table("1,2,8,7", *SIX[1:]), "arm is '2'"),
        (table(*SIX, "6,1,9,7"), "line 8: id is '6' (line 7); a second row"),
        (table(*(f"{r},1" for r in SIX), head="id,arm,base,y,visit").replace("7,1\n", "7,4\n"),
         "visit is '4'; it must be 0 (baseline) or one of the planned visits 1 to 1"),
        (table(*(f"{r},6" for r in SIX), head="id,arm,base,y,months"), "months is '6'"),
        (table(*(f"{r},x" for r in SIX), head="id,arm,base,y,endpoint"), "no row has endpoint"),
        (table("1,0,8,7,0", "1,0,9,7,12", head="id,arm,base,y,months"), "base is 9 (patient 1; 8"),
        (table("1,0,8,7,0", "1,1,8,7,12", head="id,arm,base,y,months"),
         "arm is 'treated' (patient 1; 'control' in line 2)"),
    ],
)  # fmt: skip
def test_data_that_an_analysis_cannot_read_is_refused(
    tmp_path: Path, data_scenario: Path, content: str, message: str
) -> None:
    path = tmp_path / "trial.csv"
    path.write_text(content, encoding="utf-8")

    result = phase2sim("analyse", data_scenario, path)

    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert message in result.stderr


def test_what_the_command_says_of_units_and_missing_values(
    tmp_path: Path, data_scenario: Path
) -> None:
    path = tmp_path / "ifcc.csv"
    rows = (f"{n},{n % 2},{60 + n % 7},{999 if n == 3 else 55 + n % 5}" for n in range(20))
    path.write_text(table(*rows), encoding="utf-8")
    in_file = tmp_path / "units.toml"
    unit = '\n[data]\nunit.hba1c = "mmol/mol"\nmissing = [999]\n'
    in_file.write_text(DATA + unit, encoding="utf-8")

    asked = phase2sim("analyse", data_scenario, path, "--missing", "999")
    answered = printed(
        "analyse", data_scenario, path, "--missing", "999", "--unit", "hba1c=mmol/mol"
    )
    unknown = phase2sim("analyse", data_scenario, path, "--unit", "hba1c=mmol")
    no_unit = phase2sim("analyse", data_scenario, path, "--unit", "hba1c")

    assert asked.exit_code == unknown.exit_code == no_unit.exit_code == 2
    assert "These look like mmol/mol: say so with --unit 'hba1c=mmol/mol'" in asked.stderr
    assert "data.unit.hba1c is 'mmol'; HbA1c is given in '%', 'mmol/mol'" in unknown.stderr
    assert "--unit hba1c: write it as endpoint=unit" in no_unit.stderr
    assert answered == printed("analyse", in_file, path)
    assert answered["findings"][0]["left_out"] == {"no value at month 12": 1}


def test_units_of_a_data_file_change_no_simulation(tmp_path: Path, data_scenario: Path) -> None:
    in_file = tmp_path / "units.toml"
    in_file.write_text(DATA + '\n[data]\nunit.hba1c = "mmol/mol"\n', encoding="utf-8")

    digests = {load_scenario(path).digest for path in (data_scenario, in_file)}

    assert len(digests) == 1


def test_counts_of_patients_are_printed(data_scenario: Path, tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text(table(*SIX, "7,0,8.5,", "8,1,,6.8"), encoding="utf-8")

    screen = phase2sim("analyse", data_scenario, path).stdout
    values = printed("analyse", data_scenario, path)

    assert "3 control, 3 treated analysed; left out: 1 no value at month 12, 1 no baseline." in (
        " ".join(screen.split())
    )
    assert [(row["arm"], row["month"], row["n"]) for row in values["patients"]] == [
        ("control", 0.0, 4), ("control", 12.0, 3), ("treated", 0.0, 3), ("treated", 12.0, 4),
    ]  # fmt: skip
    assert values["findings"][0]["analysed"] == {"control": 3, "treated": 3}


@pytest.mark.parametrize("predict", [(), ("--predict", "--completions", "100")])
def test_a_failed_analysis_exits_1_after_all_others_are_printed(
    tmp_path: Path, data_scenario: Path, predict: tuple[str, ...]
) -> None:
    path = tmp_path / "alike.csv"
    rows = (f"{n},{n % 2},{8 + n / 10},{8 if n % 2 else 7}" for n in range(20))
    path.write_text(table(*rows), encoding="utf-8")
    one = '{{ endpoint="hba1c", month=12, method="{}", name="{}" }}'
    two = f"analysis=[{one.format('welch', 'alike')}, {one.format('wilcoxon', 'ranks')}]"

    result = phase2sim("analyse", data_scenario, path, "--set", two, "--set",
                       'decision.kind="holm"', *predict)  # fmt: skip

    assert result.exit_code == 1
    assert "failed: no variation in the outcome" in " ".join(result.stdout.split())
    assert "Wilcoxon" in result.stdout
    assert "Decision:" in result.stdout
    assert "1 of 2 analyses failed: alike (no variation in the outcome)" in result.stderr


def test_data_that_is_no_text_is_refused(tmp_path: Path, data_scenario: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_bytes(b"id,arm,y\n\xff,0,1\n")

    result = phase2sim("analyse", data_scenario, path)

    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_several_endpoints_need_a_column_or_a_choice(tmp_path: Path, small: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text(table(*SIX), encoding="utf-8")

    result = phase2sim("analyse", small, path)
    unknown = phase2sim("analyse", small, path, "--endpoint", "glucose")

    assert result.exit_code == unknown.exit_code == 2
    assert "column 'endpoint' is missing" in result.stderr
    assert "--endpoint is 'glucose', which no analysis of" in unknown.stderr


def test_arms_may_be_called_as_in_the_scenario(tmp_path: Path, data_scenario: Path) -> None:
    numbered, named = tmp_path / "numbered.csv", tmp_path / "named.csv"
    numbered.write_text(table(*SIX), encoding="utf-8")
    in_words = (row.replace(",0,", ",control,", 1).replace(",1,", ",treated,", 1) for row in SIX)
    named.write_text(table(*in_words), encoding="utf-8")

    findings = [printed("analyse", data_scenario, path)["findings"] for path in (numbered, named)]

    assert findings[0] == findings[1]


@pytest.mark.parametrize("truth", ["target", "null"])
def test_replayed_patients_read_back_give_the_replayed_estimates(
    tmp_path: Path, small: Path, truth: str
) -> None:
    out = tmp_path / "patients.csv"

    replayed = printed("replay", small, "--trial", 17, "--truth", truth, "--out", out)
    analysed = printed("analyse", small, out)

    assert (replayed["trial"], replayed["truth"]) == (17, truth)
    assert replayed["decision"] == analysed["decision"]
    for ours, theirs in zip(analysed["findings"], replayed["findings"], strict=True):
        for key in ("effect", "se", "df", "p_one_sided"):
            assert ours[key] == pytest.approx(theirs[key], rel=1e-9)


def test_replayed_patients_are_as_planned(tmp_path: Path, small: Path) -> None:
    out = tmp_path / "patients.csv"

    phase2sim("replay", small, "--trial", 3, "--out", out)

    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120 * 2 * 3  # patients, endpoints, visits after baseline
    arms = {row["id"]: row["arm"] for row in rows}
    assert sorted(arms.values()) == ["control"] * 60 + ["drug"] * 60
    assert all(6 <= float(row["age"]) <= 18 for row in rows)
    assert all(row["y"] in {"", row["complete"]} for row in rows)
    assert any(row["y"] == "" for row in rows)  # dropout


def test_replayed_trials_are_those_that_a_run_counts(small: Path) -> None:
    """Bias and go decisions of a run of 20 trials are the mean over its 20 replayed trials."""
    run = printed("run", small, "--trials", 20)["operating_characteristics"]
    replayed = [printed("replay", small, "--trial", trial) for trial in range(20)]

    errors = [r["findings"][0]["effect"] - r["findings"][0]["true_effect"] for r in replayed]
    goes = [r["decision"]["co_primary"] == "go" for r in replayed]
    estimates = {(row["name"], row["endpoint"], row["truth"]): row["estimate"] for row in run}
    assert estimates["bias", "hba1c", "target"] == pytest.approx(sum(errors) / 20, rel=1e-9)
    assert estimates["power", "co_primary", "target"] == pytest.approx(sum(goes) / 20)


def test_replay_prints_the_true_effect_beside_the_estimate(small: Path) -> None:
    screen = phase2sim("replay", small, "--trial", 0).stdout

    assert "Trial 0 of" in screen
    assert "true effect" in screen
    assert "-0.500" in screen

"""What a data file may not hold: each refusal names line, column, value and what is allowed."""

from pathlib import Path

import pytest

from phase2sim.analyses.real_data.data_plan import DataPlan, Need
from phase2sim.analyses.real_data.trial_data import TrialData, read_trial
from phase2sim.core.errors import BadData

HEAD = "id,arm,base,visit,y"
GOOD = (
    HEAD,
    "a,control,8.1,1,7.9",
    "a,control,8.1,2,7.5",
    "b,drug,7.7,1,7.1",
    "b,drug,7.7,2,6.9",
)


def plan(*columns: str, endpoint: str = "hba1c", **changes: object) -> DataPlan:
    need = Need("analysis one (ANCOVA)", endpoint, (6.0,), columns)
    settings = {"arms": ("control", "drug"), "visits_months": (0.0, 3.0, 6.0), "needs": (need,)}
    return DataPlan(**(settings | changes))  # type: ignore[arg-type]  # of one table


def read(folder: Path, content: str | bytes, data_plan: DataPlan | None = None) -> TrialData:
    path = folder / "trial.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_trial(path, data_plan or plan("base"))


def changed(line: int, text: str) -> str:
    lines = list(GOOD)
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


def refusal(folder: Path, content: str | bytes, data_plan: DataPlan | None = None) -> str:
    with pytest.raises(BadData) as refused:
        read(folder, content, data_plan)
    message = str(refused.value)
    assert message.startswith(str(folder / "trial.csv"))
    return message


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (3, "a,control,8.1,3,7.5", "line 3: visit is '3'; it must be 0 (baseline) or one of the"),
        (3, "a,control,8.1,1.5,7.5", "line 3: visit is '1.5'"),
        (3, "a,control,8.1,-1,7.5", "line 3: visit is '-1'"),
        (3, "a,control,8.1,,7.5", "line 3: visit is ''"),
        (3, "a,control,8.1,Week 26,7.5", "line 3: visit is 'Week 26'"),
        (3, "a,control,8.1,2", "line 3: 4 fields under 5 headings"),
        (3, "a,control,8,1,2,7,5", "line 3: 7 fields under 5 headings"),
        (3, ",control,8.1,2,7.5", "line 3: id is ''; it must name the patient"),
        (3, "NA,control,8.1,2,7.5", "line 3: id is 'NA'"),
        (3, "A,control,8.1,2,7.5", "line 3: id is 'A'; line 2 has 'a'"),
        (3, "a,placebo,8.1,2,7.5", "line 3: arm is 'placebo'; it must be control or drug"),
        (3, "a,2,8.1,2,7.5", "line 3: arm is '2'"),
        (3, "a,drug,8.1,2,7.5", "line 3: arm is 'drug' (patient a; 'control' in line 2)"),
        (3, "a,control,8.2,2,7.5", "line 3: base is 8.2 (patient a; 8.1 in line 2)"),
        (3, "a,control,8.1,1,7.5", "line 3: id is 'a' (line 2); a second row"),
        (3, "a,control,8.1,2,999", "line 3: y is '999'; HbA1c lies between 3 and 20 %"),
        (3, "a,control,8.1,2,-1", "line 3: y is '-1'; HbA1c lies between 3 and 20 %"),
        (3, "a,control,8.1,2,0", "line 3: y is '0'"),
        (3, "a,control,8.1,2,75", "20 %. It would be plausible in mmol/mol. Correct it"),
        (3, "a,control,8.1,2,7_5", "line 3: y is '7_5'; it must be a number written with the dig"),
        (3, 'a,control,8.1,2,"7,5"', "line 3: y is '7,5'; a number has a decimal point"),
        (3, "a,control,8.1,2,\u0667", "line 3: y is '\u0667'; it must be a number written"),
        (3, "a,control,8.1,2,inf", "line 3: y is 'inf'; it must be a number"),
        (3, "a,control,8.1,2,1e999", "line 3: y is '1e999'; it must be a number"),
        (3, "a,control,8.1,2,0x7", "line 3: y is '0x7'; it must be a number"),
        (3, "a,control,8.1,2,<4", "line 3: y is '<4'; it must be a number. For a value below the"),
        (3, "a,control,8.1,0,7.5", "line 3: y is 7.5 (patient a, base 8.1); at month 0 it is the"),
        (1, "id,arm,base,y,y", "line 1: the heading is 'y'; 2 columns have it"),
        (1, "id,arm,base,Y,y", "line 1: the heading is 'y'; 2 columns have it"),
        (1, "id,arm,start,visit,y", "column 'base' is missing, and analysis one (ANCOVA) needs it"),
        (1, "USUBJID,arm,base,visit,y", "column 'id' is missing; USUBJID looks like it. Rename it"),
        (1, "id,arm,base,visit,result", "column 'y' is missing; the file has id, arm, base, visit"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: int, text: str, message: str) -> None:
    assert message in refusal(tmp_path, changed(line, text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no rows"),
        (b"\n\n", "holds no rows"),
        (b"id,arm,y\n", "holds no rows"),
        ("\n".join(GOOD).replace(",", ";").encode(), "line 1: columns are separated by semicolons"),
        ("\n".join(GOOD).replace(",", "\t").encode(), "line 1: columns are separated by tabs"),
        ("\n".join(["sep=,", *GOOD]).encode(), "line 1: is 'sep=,'; the first line holds the"),
        ("\n".join(["# 24 children", *GOOD]).encode(), "line 1: is '# 24 children'; the first"),
        ("\n".join(GOOD).encode("utf-16"), "is UTF-16 text"),
        ("\n".join(GOOD).encode("utf-16-le"), "holds binary data"),
        (b"PK\x03\x04rest", "is a workbook"),
        (b"HEADER RECORD*******LIBRARY", "is a SAS transport file"),
        (b"id,arm,y\n\xff,0,1\n", "byte 9 is not UTF-8"),
        (b'id,arm,y\n"a,0,1\n', "line 2: is not CSV"),
    ],
)
def test_a_file_that_holds_no_comma_separated_text_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert message in refusal(tmp_path, content)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trial.csv").mkdir()

    with pytest.raises(BadData, match="is a folder, not a file"):
        read_trial(tmp_path / "trial.csv", plan("base"))


@pytest.mark.parametrize(
    "content",
    [
        "﻿" + "\n".join(GOOD),
        "\r\n".join(GOOD) + "\r\n",
        "\n".join(GOOD) + "\n\n,,,,\n\n",
        "\n" + "\n".join(GOOD),
        "\n".join(GOOD).replace("control", '"control"').replace("8.1", '"8.1"'),
        "\n".join(GOOD).replace(",", " , "),
        "\n".join(GOOD).replace(HEAD, "ID,Arm,BASE,Visit,Y"),
        "\n".join(GOOD).replace("control", "0").replace("drug", "1"),
        "\n".join(GOOD).replace("8.1", "8.10", 1).replace("7.7", "77e-1", 1),
        "\n".join(f",{line}" for line in GOOD),
        "\n".join(GOOD).replace("8.1,2", ",2").replace("7.7,1", ",1"),
    ],
    ids=["byte-order mark", "CRLF", "blank lines at the end", "blank line at the start", "quotes",
         "spaces", "upper case", "arms by number", "the same number", "row names",
         "baseline once"],
)  # fmt: skip
def test_what_spreadsheets_add_changes_nothing(tmp_path: Path, content: str) -> None:
    usual = read(tmp_path, "\n".join(GOOD)).reading("hba1c", 1)

    reading = read(tmp_path, content).reading("hba1c", 1)

    assert reading.arm.tolist() == usual.arm.tolist() == [[0, 1]]
    assert reading.baseline.tolist() == usual.baseline.tolist() == [[8.1, 7.7]]
    assert reading.value.tolist() == usual.value.tolist() == [[[7.9, 7.1], [7.5, 6.9]]]
    assert reading.visits_months == (3.0, 6.0)


@pytest.mark.parametrize(
    ("months", "message"),
    [
        ("6.1", "months is '6.1'; it must be a planned month: 0, 3, 6, where 0 is the baseline"),
        ("-3", "months is '-3'"),
        ("", "months is ''"),
        ("3", "months is '3'; visit 2 is at month 6"),
        ("0", "months is '0'; visit 2 is at month 6"),
    ],
)
def test_months_that_are_not_planned_are_refused(tmp_path: Path, months: str, message: str) -> None:
    lines = [f"{HEAD},months", *(f"{line},{3 * int(line.split(',')[3])}" for line in GOOD[1:])]
    lines[2] = f"a,control,8.1,2,7.5,{months}"

    assert f"line 3: {message}" in refusal(tmp_path, "\n".join(lines))


def test_a_month_may_be_written_with_a_point(tmp_path: Path) -> None:
    lines = [f"{HEAD},months", *(f"{line},{3 * int(line.split(',')[3])}.0" for line in GOOD[1:])]

    assert read(tmp_path, "\n".join(lines)).reading("hba1c", 1).visits_months == (3.0, 6.0)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    lines = ["id,arm,base,visit,y", "a,placebo,8.1,1,7.9", "a,placebo,8.1,2,7.5"]
    lines += [f"p{n},drug,7.7,4,7.1" for n in range(50)] + ["b,drug,7.7,2,6,9", "c,drug,7,2,999"]

    message = refusal(tmp_path, "\n".join(lines))

    assert message.splitlines()[1:] == [
        (
            "  lines 2 and 3: arm is 'placebo'; it must be control or drug, or 0 (control) or 1."
            " Correct it."
        ),
        (
            "  lines 4, 5, 6 and 47 more: visit is '4'; it must be 0 (baseline) or one of the"
            " planned visits 1 to 2 after baseline (months 3, 6). Correct it."
        ),
        (
            "  line 54: 6 fields under 5 headings. Correct the commas; a number has a decimal"
            " point, and text with a comma stands in quotes."
        ),
        (
            "  line 55: y is '999'; HbA1c lies between 3 and 20 %. Correct it; if it stands for a"
            " missing value, leave it empty or name the code with --missing."
        ),
    ]
    assert "4 corrections:" in message.splitlines()[0]


def test_a_long_list_is_cut_and_says_how_many_more(tmp_path: Path) -> None:
    kinds = [*GOOD, *(f"{'x' * n},drug,7.7,0,{7 + n / 100}" for n in range(1, 31))]
    sites = [f"{line},{'' if n % 2 else n}" for n, line in enumerate(kinds[1:])]
    wide = ["id,arm,base,visit,y,months", *sites]

    message = refusal(tmp_path, "\n".join(wide))

    assert len(message.splitlines()) <= 22
    assert message.count("\n") > 1


def test_a_cdisc_file_is_refused_once(tmp_path: Path) -> None:
    """One message for headings, arms, visits, ages and endpoint, not one after another."""
    rows = (Path(__file__).parents[2] / "published" / "patients" / "adam.csv").read_bytes()

    message = refusal(tmp_path, rows)

    for part in ("USUBJID looks like it", "TRT01P looks like it", "AVAL looks like it",
                 "arm is 'IL2 1 MIU' and 'Placebo'", "visit is '13', '26' and '52'",
                 "endpoint is 'CPEP'", "age is 37 (patient P2-101-001; 29 in line 2)"):  # fmt: skip
        assert part in message


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("age", "130", "age is '130'; an age lies between 0 and 120 years"),
        ("age", "-3", "age is '-3'"),
        ("age", "twelve", "age is 'twelve'; it must be a number"),
        ("stratum", "", "stratum is ''; an analysis needs it"),
        ("stratum", "NA", "stratum is 'NA'"),
        ("site", "", "site is ''; an analysis needs it"),
    ],
)
def test_what_an_analysis_adjusts_for_must_be_there(
    tmp_path: Path, column: str, cell: str, message: str
) -> None:
    lines = [f"{GOOD[0]},{column}", *(f"{line},12" for line in GOOD[1:])]
    lines[2] = f"{GOOD[2]},{cell}"

    assert f"line 3: {message}" in refusal(tmp_path, "\n".join(lines), plan("base", column))


def test_a_patient_has_one_stratum(tmp_path: Path) -> None:
    lines = [f"{GOOD[0]},stratum", *(f"{line},{n}" for n, line in enumerate(GOOD[1:]))]

    assert "stratum is '1' (patient a; '0' in line 2)" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    "heading",
    ["month", "Week", "day", "study day", "AVISIT", "timepoint", "visit_name", "visit month",
     "ADY", "time"],
)  # fmt: skip
def test_a_time_under_another_heading_is_not_read_as_the_last_visit(
    tmp_path: Path, heading: str
) -> None:
    lines = [f"id,arm,base,{heading},y", "a,control,8.1,3,7.9", "b,drug,7.7,3,7.1"]

    assert f"column {heading!r} seems to say when" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("heading", ["months_since_diagnosis", "date", "weight", "timed"])
def test_other_columns_are_no_times(tmp_path: Path, heading: str) -> None:
    lines = [f"id,arm,base,{heading},y", "a,control,8.1,3,7.9", "b,drug,7.7,3,7.1"]

    assert read(tmp_path, "\n".join(lines)).reading("hba1c", 1).arm.shape == (1, 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [("001", "1"), ("1.0", "1"), ("P 3", "P3"), ("P2-001", "P2-1"), ("p\uff11", "p1")],
)
def test_a_patient_is_named_in_one_way(tmp_path: Path, one: str, other: str) -> None:
    content = "\n".join(GOOD).replace("a,", f"{one},").replace("b,", f"{other},")

    assert f"lines 4 and 5: id is {other!r}; line 2 has {one!r}. Write" in refusal(
        tmp_path, content
    )


@pytest.mark.parametrize(("one", "other"), [("10", "1"), ("1.5", "15"), ("P1", "P11"), ("0", "0a")])
def test_patients_with_different_numbers_are_two(tmp_path: Path, one: str, other: str) -> None:
    content = "\n".join(GOOD).replace("a,", f"{one},").replace("b,", f"{other},")

    assert read(tmp_path, content).reading("hba1c", 1).arm.shape == (1, 2)


@pytest.mark.parametrize("column", ["base", "age", "stratum", "site"])
def test_a_column_that_an_analysis_needs_is_asked_for(tmp_path: Path, column: str) -> None:
    message = refusal(tmp_path, "\n".join(GOOD).replace("base", "x"), plan(column))

    assert f"column {column!r} is missing, and analysis one (ANCOVA) needs it" in message


@pytest.mark.parametrize("column", ["base", "age"])
def test_a_needed_column_may_not_be_empty(tmp_path: Path, column: str) -> None:
    lines = ["id,arm,visit,y,base,age", "a,control,2,7.5,,", "b,drug,2,6.9,,"]

    message = refusal(tmp_path, "\n".join(lines), plan(column))

    assert f"column {column!r} is empty for hba1c, and analysis one (ANCOVA) needs it" in message


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line for line in GOOD if "drug" not in line], "no row of hba1c has arm 'drug'"),
        ([line for line in GOOD if "control" not in line], "no row of hba1c has arm 'control'"),
        ([line for line in GOOD if ",2," not in line], "no row of hba1c is at month 6, which anal"),
    ],
)
def test_arms_and_visits_that_are_compared_must_be_there(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    assert message in refusal(tmp_path, "\n".join(lines))


def test_arms_whose_names_are_numbers_go_by_name_alone(tmp_path: Path) -> None:
    named = plan("base", arms=("1", "0"))
    lines = [line.replace("control", "1").replace("drug", "0") for line in GOOD]

    assert read(tmp_path, "\n".join(lines), named).reading("hba1c", 1).arm.tolist() == [[0, 1]]


def test_an_unknown_endpoint_is_refused_and_another_one_is_not_analysed(tmp_path: Path) -> None:
    both = ["endpoint," + HEAD, *(f"hba1c,{line}" for line in GOOD[1:])]
    unknown = [*both, "weight,a,control,50,1,51"]
    other = [*both, "c_peptide,a,control,0.5,1,0.4"]

    assert "line 6: endpoint is 'weight'; it is not an endpoint" in refusal(
        tmp_path, "\n".join(unknown)
    )
    assert read(tmp_path, "\n".join(other)).reading("hba1c", 1).value.shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("y", "unit", "message"),
    [
        ("-1.5", None, "C-peptide lies between 0 and 6 nmol/L"),
        ("400", None, "These look like pmol/L"),
        ("7000", "pmol/L", "C-peptide lies between 0 and 6000 pmol/L"),
        ("2.5", "ln(nmol/L + 1)", "C-peptide lies between 0 and 1.946 ln(nmol/L + 1)"),
    ],
)
def test_the_range_is_that_of_the_unit(
    tmp_path: Path, y: str, unit: str | None, message: str
) -> None:
    lines = ["id,arm,visit,y", f"a,control,2,{y}", f"b,drug,2,{y}"]
    units = {} if unit is None else {"c_peptide": unit}

    said = refusal(tmp_path, "\n".join(lines), plan(endpoint="c_peptide", units=units))

    assert message in said


def test_a_code_in_a_file_of_another_unit_is_told_from_its_values(tmp_path: Path) -> None:
    lines = ["id,arm,visit,y", *(f"{n},{n % 2},2,{50 + n}" for n in range(9)), "x,1,2,999"]

    groups = refusal(tmp_path, "\n".join(lines), plan()).splitlines()[1:]

    assert ["look like mmol/mol" in group for group in groups] == [True, False]
    assert "y is '999'; HbA1c lies between 3 and 20 %. Correct it; if it stands for" in groups[1]


def test_the_patients_of_two_simulated_trials_are_not_mixed(tmp_path: Path) -> None:
    lines = [f"{HEAD},trial", *(f"{line},{n}" for n, line in enumerate(GOOD[1:]))]

    assert "column 'trial' has 4 different cells" in refusal(tmp_path, "\n".join(lines))

"""The ledger lists every reported number and marks what is ours."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.reported import Evidence
from phase2sim.reporting.ledger import ledger_rows, ledger_table

PRIORS = Path(__file__).parents[2] / "priors"
FIELDS = {
    *("number", "file", "study", "arm", "endpoint", "months", "clock", "statistic"),
    *("as_reported", "value", "n", "unit", "status", "source", "place", "used"),
    *("unused_because", "elicited", "why", "note"),
}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return load_evidence([PRIORS / "gxipc1.toml", PRIORS / "t1d-natural-history.toml"])


def printed(evidence: Evidence, width: int) -> str:
    console = Console(markup=False, file=StringIO(), width=width, color_system=None)
    console.print(ledger_table(evidence))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("endpoint", "as_reported"),
    [
        ("serious_adverse_events", "0 events"),
        ("adverse_events", "6 of 10 with an event"),
        ("adverse_events", "8 events"),
        (
            "vital_signs_and_laboratory",
            '"Vital signs and laboratory parameters remained stable"',
        ),
        ("glucose", "15.3 mmol/L"),
        ("glucose", "5.8 mmol/L"),
        ("insulin", "-44 %"),
        ("insulin", "22.5 IU/day / elicited weight N(35, 10) kg"),
        ("insulin", "12.5 IU/day / elicited weight N(35, 10) kg"),
        ("insulin", "1 of 10 without insulin"),
        ("hba1c", "7.41 %"),
        ("hba1c", "8.27 %"),
        ("hba1c", "3 of 10 below own baseline"),
        ("hba1c", "2 of 10 below 7.5 %"),
        ("hba1c", '"Median HbA1c remained stable at 3 months"'),
        ("c_peptide", '"C-peptide levels remained stable"'),
    ],
)
def test_every_number_of_the_abstract_is_listed(
    evidence: Evidence, endpoint: str, as_reported: str
) -> None:
    listed = [
        (row["endpoint"], row["as_reported"])
        for row in ledger_rows(evidence)
        if row["study"] == "GXIPC1 phase 1"
    ]

    assert listed.count((endpoint, as_reported)) == 1


def test_rows_are_plain_values(evidence: Evidence) -> None:
    rows = ledger_rows(evidence)

    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert all(set(row) == FIELDS for row in rows)


def test_every_row_is_read_or_says_why_not(evidence: Evidence) -> None:
    rows = ledger_rows(evidence)

    assert all(row["used"] is not bool(row["unused_because"]) for row in rows)


def test_files_are_named_without_the_place_of_the_project(evidence: Evidence) -> None:
    files = {row["file"] for row in ledger_rows(evidence) if row["statistic"] != "effect"}

    assert files == {"priors/gxipc1.toml", "priors/t1d-natural-history.toml"}


def test_weight_and_assumed_effects_are_marked_as_ours(evidence: Evidence) -> None:
    marked = [row for row in ledger_rows(evidence) if row["elicited"]]

    doses = [row["as_reported"] for row in marked if row["endpoint"] == "insulin"]
    assert len([texts for texts in doses if "elicited weight" in str(texts)]) == 2
    effects = {row["endpoint"] for row in marked if row["statistic"] == "effect"}
    assert effects == {"hba1c", "c_peptide", "insulin", "glucose"}
    assert all(row["why"] for row in marked if row["statistic"] == "effect")


def test_class_assumptions_and_informative_priors_are_marked_as_ours() -> None:
    names = ("gxipc1", "msc-randomised", "enthusiastic")
    rows = ledger_rows(load_evidence([PRIORS / f"{name}.toml" for name in names]))

    texts = {(row["statistic"], row["endpoint"]): str(row["as_reported"]) for row in rows}
    assert "N(0, 0.5), half-normal between trials 0.3" in texts["class_effect", "hba1c"]
    assert "N(-0.5, 0.4) at month 6, onset" in texts["effect", "hba1c"]
    assert "sceptical SD 0.15" in texts["effect", "glucose"]
    assert "N(-0.1, 0.12) at month 6, onset" in texts["effect", "glucose"]


def test_a_shared_part_of_the_variance_is_said(tmp_path: Path) -> None:
    text = (PRIORS / "gxipc1.toml").read_text(encoding="utf-8")
    path = tmp_path / "gxipc1.toml"
    path.write_text(text.replace("shared = 0\n", "shared = 0.3\n"), encoding="utf-8")

    rows = ledger_rows(load_evidence([path]))

    texts = {(row["statistic"], row["endpoint"]): str(row["as_reported"]) for row in rows}
    assert "0.3 of its variance shared" in texts["effect", "glucose"]


def test_own_data_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "id,endpoint,month,value\na,hba1c,0,8\na,hba1c,6,7\nb,hba1c,0,9\nb,hba1c,6,\n"
    )
    path = tmp_path / "own.toml"
    path.write_text(
        '[study]\nname = "Ours"\ndesign = "control-arm"\nmonths_since_diagnosis = [0, 1]\n'
        'source = "us"\n[[individual]]\nfile = "own.csv"\nunits = { hba1c = "%" }\n'
    )
    evidence = load_evidence([path])

    (row,) = ledger_rows(evidence)

    assert set(row) == FIELDS
    assert (row["statistic"], row["n"], row["months"]) == ("individual", 2, [0.0, 6.0])
    assert row["as_reported"] == "2 patients, 3 values: HbA1c at months 0, 6"
    assert "2 patients, 3 values" in printed(evidence, 100)


@pytest.mark.parametrize("width", [100, 120])
def test_table_marks_what_is_elicited_and_fits(evidence: Evidence, width: int) -> None:
    text = printed(evidence, width)

    elicited = sum(bool(row["elicited"]) for row in ledger_rows(evidence))
    marks = " ".join(text.split()).count("◆ ELICITED")  # a line may break within
    assert marks == elicited + 1  # and once in the caption
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_table_gives_the_reason_beside_what_is_not_read(evidence: Evidence) -> None:
    text = " ".join(printed(evidence, 200).split())

    assert "a change without its SD, SE or interval cannot be weighed" in text
    assert "baseline HbA1c is not reported" in text


def test_words_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(
        '[study]\nname = "[bold]odd[/]"\ndesign = "control-arm"\npatients = 9\n'
        'months_since_diagnosis = [0, 1]\nsource = "[red]x"\n[[reported]]\nendpoint = "hba1c"\n'
        'month = 1\nstatement = "[/nothing]"\n',
        encoding="utf-8",
    )

    text = printed(load_evidence([path]), 120)

    assert "[bold]odd[/]" in text
    assert "[/nothing]" in text

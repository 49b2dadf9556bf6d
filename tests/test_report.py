"""A report holds what its store holds, is refused for a fault, and can be checked by others."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner
from small_reports import small_dossier, small_page

from phase2sim.cli import main
from phase2sim.decisions.graphical import Graphical
from phase2sim.dossier.dossier import needed
from phase2sim.dossier.record import read_record
from phase2sim.reporting.document import Document, Grid, Number, Prose, Section
from phase2sim.reporting.full_report import SECTIONS, full_report
from phase2sim.reporting.html_page import html_page
from phase2sim.reporting.lint import Unfit, check, faults
from phase2sim.reporting.protocol import protocol_json
from phase2sim.reporting.word_file import word_file
from phase2sim.store.folder import reading
from phase2sim.verifying.reports import check_report


@pytest.fixture(scope="module")
def document() -> Document:
    return full_report(small_dossier())


@pytest.fixture(scope="module")
def page() -> Path:
    return small_page()


def with_words(*words: str | Number, simulated: bool = True) -> Document:
    return Document("Title", "About", (Section("Results", (Prose(words),), simulated),))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("Power is {power}.", "not filled in"),
        ("Power is <number>.", "not filled in"),
        ("TODO: say why.", "note to oneself"),
        ("Power is x.xx.", "not filled in"),
        ("Power is nan.", "no value"),
        ("Power is 0.802.", "without a standard error"),
        ("It goes in 80 % of trials.", "without a standard error"),
        (Number("0.802", "simulated"), "has no standard error"),
        (Number("0.802", "simulated", 0.004, 1000), "does not show"),
        (Number("0.802 ± nan", "simulated", float("nan"), 1000), "has no standard error"),
    ],
    ids=str,
)
def test_a_planted_fault_is_refused(fault: str | Number, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        check(with_words(fault))


def test_a_fault_in_a_table_is_found() -> None:
    grid = Grid(("What", "Power"), ((("go",), ("0.8",)),), "Table")

    assert list(faults(Document("Title", "", (Section("Results", (grid,), True),))))  # noqa: FBT003


def test_sound_numbers_pass() -> None:
    sure = Number("0.802 ± 0.004", "simulated", 0.004, 10_000, "cell")

    assert not list(faults(with_words("Power is ", sure, ", alpha ", Number("0.025", "given"))))


def test_every_section_is_there(document: Document) -> None:
    assert len(document.sections) == len(SECTIONS)
    assert all(section.blocks for section in document.sections)


def test_every_row_of_the_planned_trial_is_in_the_page(document: Document) -> None:
    text = html_page(document)

    shown = set(re.findall(r'<data class="simulated"[^>]*>([^<]*)</data>', text))
    rows = [row for row in small_dossier().of_main if row["estimate"] is not None]
    assert rows
    for row in rows:
        assert any(one.startswith(f"{row['estimate']:.3f}"[:5]) for one in shown), row


def test_a_new_kind_of_result_shows_up_by_itself() -> None:
    dossier = small_dossier()
    row = {**dossier.of_main[0], "name": "stopped_early", "estimate": 0.125, "mcse": 0.003}

    text = html_page(full_report(replace(dossier, rows=(*dossier.rows, row))))

    assert "Stopped early" in text
    assert "0.125 ± 0.003" in text


def test_the_page_asks_nothing_of_the_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)

    assert not re.findall(r'(?:src|href)="(?!#|data:)', outside)
    assert not re.findall(r"<script[^>]*\bsrc=|@import|url\(\s*['\"]?http", text)
    assert len(text) < 5_000_000


def test_the_word_file_holds_the_same_tables(document: Document) -> None:
    word = docx.Document(io.BytesIO(word_file(document)))

    grids = [b for s in document.sections for b in s.blocks if isinstance(b, Grid)]
    assert [len(table.rows) for table in word.tables] == [len(grid.rows) + 1 for grid in grids]
    assert word.tables[0].cell(1, 1).text == str(grids[0].rows[0][1][0])


def test_numbers_of_the_protocol_are_those_of_the_store() -> None:
    dossier = small_dossier()
    stored = {row["cell"] for row in dossier.rows}

    said = protocol_json(dossier)

    power = next(row for row in dossier.of_main if row["name"] == "power")
    assert f"power is {power['estimate']:.3f} ± {power['mcse']:.3f}" in said["text"]
    assert said["numbers"]
    assert {number["cell"] for number in said["numbers"]} <= stored


def test_examples_are_the_stored_trials(document: Document) -> None:
    dossier = small_dossier()
    answers = reading(dossier.folder).answers(dossier.main.study)

    assert dossier.examples
    for example in dossier.examples:
        assert example.same_as_stored
        stored = answers[example.truth].estimates[0].p[example.trial]
        assert example.examined.findings[0].p_one_sided == pytest.approx(stored, rel=1e-9)
        assert f"--trial {example.trial} " in str(document.sections)


def test_a_true_report_is_verified_and_a_changed_one_is_not(page: Path, tmp_path: Path) -> None:
    found = check_report(page, 0.01, 1, lambda _line: None)
    changed = tmp_path / "changed.html"
    key = re.search(r"cell (\w+)", found.checks[0].name)
    assert key is not None
    hash_of = read_record(page)["cells"][key[1]]["fingerprint"]
    text = page.read_text(encoding="utf-8")
    changed.write_text(text.replace(hash_of, hash_of[::-1]), encoding="utf-8")

    assert found.passed
    assert not check_report(changed, 0.01, 1, lambda _line: None).passed


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text("<html></html>", encoding="utf-8")

    done = CliRunner().invoke(main, ["verify", str(other)])

    assert done.exit_code == 2
    assert "is no report" in done.stderr


def test_an_option_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    of_a_folder = CliRunner().invoke(main, ["report", str(tmp_path), "--trials", "20"])
    of_no_report = CliRunner().invoke(main, ["verify", "--share", "0.5"])

    assert of_a_folder.exit_code == of_no_report.exit_code == 2
    assert "--trials and --store are for a scenario" in of_a_folder.stderr
    assert "--share is for a report" in of_no_report.stderr


def test_no_estimate_is_said_to_be_enough_where_a_rule_leaves_it_a_part_of_alpha() -> None:
    dossier = small_dossier()
    parts = dossier.assembled.parts
    shared = Graphical(parts.decision.one_sided_alpha, (0.5,), ((0.0,),))
    under = replace(dossier.assembled, parts=replace(parts, decision=shared))

    assert len(list(needed(dossier.assembled, dossier.answers))) == len(parts.analyses) == 1
    assert list(needed(under, dossier.answers)) == []


def test_the_installation_is_sound() -> None:
    done = CliRunner().invoke(main, ["verify", "--json"])

    found = json.loads(done.stdout)
    assert [check["name"] for check in found["checks"] if not check["passed"]] == []
    assert {"published value", "closed form", "reproducibility", "calibration"} == {
        check["kind"] for check in found["checks"]
    }


def test_a_report_goes_to_a_page_or_a_word_file_only(tmp_path: Path) -> None:
    out = str(tmp_path / "report.pdf")

    done = CliRunner().invoke(main, ["report", "scenarios/meld-atg.toml", "--out", out])

    assert done.exit_code == 2
    assert "report.html" in done.stderr
    assert not list(tmp_path.iterdir())

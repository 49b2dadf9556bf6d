"""A report holds what its store holds, is refused for a fault, and can be checked by others."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner
from support.flipped_bits import with_flipped_bits
from support.small_sweeps import SWEEP, swept, write_sweep

from phase2sim.cli import main
from phase2sim.core.errors import BadInput
from phase2sim.core.io.digests import UNSEALED, seal
from phase2sim.decisions.graphical import Graphical
from phase2sim.reporting.report.document import Document, FigureBlock, Grid, Number, Prose, Section
from phase2sim.reporting.report.full_report import SECTIONS
from phase2sim.reporting.report.lint import Unfit, check_document, faults
from phase2sim.reporting.report.protocol import protocol_json
from phase2sim.reporting.report.sections.results import results_section
from phase2sim.reporting.report.word_file import word_file
from phase2sim.studies.dossier.dossier import Dossier, ReportOptions, gather, needed
from phase2sim.studies.dossier.embedded_record import read_record
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.sweep import SweepOptions
from phase2sim.studies.verification.reports import check_report


def with_words(*words: str | Number, simulated: bool = True) -> Document:
    return Document("Title", "About", (Section("Results", (Prose(words),), simulated),))


@pytest.mark.parametrize(
    ("fault", "message"),
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
def test_a_planted_fault_is_refused(fault: str | Number, message: str) -> None:
    with pytest.raises(Unfit, match=message):
        check_document(with_words(fault))


def test_a_fault_in_a_table_is_found() -> None:
    grid = Grid(("What", "Power"), ((("go",), ("0.8",)),), "Table")

    assert list(faults(Document("Title", "", (Section("Results", (grid,), True),))))  # noqa: FBT003


def test_sound_numbers_pass() -> None:
    sure = Number("0.802 ± 0.004", "simulated", 0.004, 10_000, "cell")

    assert not list(faults(with_words("Power is ", sure, ", alpha ", Number("0.025", "given"))))


def test_every_section_is_there(document: Document) -> None:
    assert len(document.sections) == len(SECTIONS)
    assert all(section.blocks for section in document.sections)


def test_every_row_of_the_planned_trial_is_in_the_page(dossier: Dossier, page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    shown = set(re.findall(r'<data class="simulated"[^>]*>([^<]*)</data>', text))
    rows = [row for row in dossier.of_main if row["estimate"] is not None]
    assert rows
    for row in rows:
        assert any(text.startswith(f"{row['estimate']:.3f}"[:5]) for text in shown), row


def test_a_new_kind_of_result_shows_up_by_itself(dossier: Dossier) -> None:
    row = {**dossier.of_main[0], "name": "stopped_early", "estimate": 0.125, "mcse": 0.003}

    section = results_section(replace(dossier, rows=(*dossier.rows, row)))

    assert "Stopped early" in str(section)
    assert "0.125 ± 0.003" in str(section)


def test_people_read_titles_and_units_and_no_name_of_a_key(page: Path) -> None:
    text = re.sub(r"<(script|pre|style)\b.*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"<data [^>]*>", "", text)

    assert "C-peptide (nmol/L), month 12" in text
    assert "c_peptide" not in text


def test_the_page_asks_nothing_of_the_network(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)

    assert not re.findall(r'(?:src|href)="(?!#|data:)', outside)
    assert not re.findall(r"<script[^>]*\bsrc=|@import|url\(\s*['\"]?http", text)
    assert len(text) < 5_000_000


def test_the_word_file_holds_the_same_tables(document: Document) -> None:
    # One picture shows that pictures are put in; all would take seconds.
    figures = [b for s in document.sections for b in s.blocks if isinstance(b, FigureBlock)][1:]
    few = tuple(
        replace(s, blocks=tuple(b for b in s.blocks if b not in figures)) for s in document.sections
    )
    document = replace(document, sections=few)

    word = docx.Document(io.BytesIO(word_file(document)))

    grids = [b for s in document.sections for b in s.blocks if isinstance(b, Grid)]
    assert [len(table.rows) for table in word.tables] == [len(grid.rows) + 1 for grid in grids]
    assert len(word.inline_shapes) == 1
    assert word.tables[0].cell(1, 1).text == str(grids[0].rows[0][1][0])


def test_numbers_of_the_protocol_are_those_of_the_store(dossier: Dossier) -> None:
    stored = {row["cell"] for row in dossier.rows}

    protocol = protocol_json(dossier)

    power = next(row for row in dossier.of_main if row["name"] == "power")
    assert f"power is {power['estimate']:.3f} ± {power['mcse']:.3f}" in protocol["text"]
    assert protocol["numbers"]
    assert {number["cell"] for number in protocol["numbers"]} <= stored


def test_examples_are_the_stored_trials(dossier: Dossier, document: Document) -> None:
    answers = open_store(dossier.folder).batch_results(dossier.main.study)

    assert dossier.examples
    for example in dossier.examples:
        assert example.same_as_stored
        stored = answers[example.truth].estimates[0].p[example.trial]
        assert example.result.findings[0].p_one_sided == pytest.approx(stored, rel=1e-9)
        assert f"--trial {example.trial} " in str(document.sections)


def test_a_true_report_is_verified_and_a_changed_one_is_not(page: Path, tmp_path: Path) -> None:
    verification = check_report(page, 0.01, 1, lambda _line: None)
    changed = tmp_path / "changed.html"
    key = re.search(r"cell (\w+)", verification.checks[0].name)
    assert key is not None
    hash_of = read_record(page)["cells"][key[1]]["fingerprint"]
    text = page.read_text(encoding="utf-8").replace(hash_of, hash_of[::-1])
    digest = re.search(rb"phase2sim-sha256:[0-9a-f]{64}", text.encode())
    assert digest is not None
    changed.write_bytes(seal(text.encode().replace(digest[0], UNSEALED)))

    assert verification.passed
    assert not check_report(changed, 0.01, 1, lambda _line: None).passed


@pytest.mark.parametrize("flips", [40, pytest.param(4_000, marks=pytest.mark.calibration)])
def test_a_flipped_bit_of_a_page_is_found(page: Path, tmp_path: Path, flips: int) -> None:
    copy = tmp_path / "copy.html"
    copy.write_bytes(page.read_bytes())
    altered: list[int] = []
    refused: list[str] = []

    for bit in with_flipped_bits(copy, flips):
        try:
            assert not check_report(copy, 0.01, 1, lambda _line: None).passed
            altered.append(bit)
        except BadInput as refusal:  # the digest itself was hit
            refused.append(str(refusal))

    assert len(altered) + len(refused) == flips
    assert len(altered) > 0.9 * flips
    assert all("is no report of this version" in message for message in refused)


def test_a_folder_of_an_own_sweep_becomes_a_report(tmp_path: Path) -> None:
    sweep = swept(write_sweep(tmp_path), tmp_path / "out", SweepOptions(trials=50))
    page = tmp_path / "sweep.html"

    done = CliRunner().invoke(main, ["report", str(tmp_path / "out"), "--out", str(page)])

    assert done.exit_code == 0, done.stderr
    record = read_record(page)
    assert record["cells"].keys() == {row["cell"] for row in sweep.rows}
    assert record["main"] == sweep.rows[0]["cell"]  # nothing is compared: the first
    text = page.read_text(encoding="utf-8")
    assert "<td>12; 20; 30</td>" in text
    assert "<td>0.1; 0.2</td>" in text
    power = sweep.rows[0]
    assert power["name"] == "power"
    assert f"{power['estimate']:.3f} ± {power['mcse']:.3f}" in text


def test_the_planned_trial_of_a_sweep_is_the_one_that_others_are_compared_with(
    tmp_path: Path,
) -> None:
    compared = "reference = { patients = 20, effect = 0.2 }\n" + SWEEP
    sweep = swept(write_sweep(tmp_path, compared), tmp_path / "out", SweepOptions(trials=20))

    dossier = gather(tmp_path / "out", "test", ReportOptions(examples=False))

    assert dict(dossier.main.labels) == {"patients": 20, "effect": 0.2}
    assert dossier.of_main == tuple(r for r in sweep.rows if r["cell"] == dossier.main.key)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    other_page = tmp_path / "other.html"
    other_page.write_text("<html></html>", encoding="utf-8")

    done = CliRunner().invoke(main, ["verify", str(other_page)])

    assert done.exit_code == 2
    assert "is no report" in done.stderr


def test_an_option_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    of_a_folder = CliRunner().invoke(main, ["report", str(tmp_path), "--trials", "20"])
    of_no_report = CliRunner().invoke(main, ["verify", "--share", "0.5"])

    assert of_a_folder.exit_code == of_no_report.exit_code == 2
    assert "--trials and --store are for a scenario" in of_a_folder.stderr
    assert "--share is for a report" in of_no_report.stderr


def test_no_estimate_is_said_to_be_enough_where_a_rule_leaves_it_a_part_of_alpha(
    dossier: Dossier,
) -> None:
    built = dossier.assembled.built
    shared = Graphical(built.study.decision.one_sided_alpha, (0.5,), ((0.0,),))
    other = replace(built, study=replace(built.study, decision=shared))
    under = replace(dossier.assembled, built=other)

    assert len(list(needed(dossier.assembled, dossier.answers))) == len(built.study.analyses) == 1
    assert list(needed(under, dossier.answers)) == []


def test_the_installation_is_sound() -> None:
    done = CliRunner().invoke(main, ["verify", "--json"])

    verification = json.loads(done.stdout)
    assert [check["name"] for check in verification["checks"] if not check["passed"]] == []
    assert {"published value", "closed form", "reproducibility", "calibration"} == {
        check["kind"] for check in verification["checks"]
    }


def test_a_report_goes_to_a_page_or_a_word_file_only(tmp_path: Path) -> None:
    out = str(tmp_path / "report.pdf")

    done = CliRunner().invoke(main, ["report", "scenarios/meld-atg.toml", "--out", out])

    assert done.exit_code == 2
    assert "report.html" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("title", "faulty"),
    [("<script>alert(1)</script>", 0), ("<b>New</b> drug", 0), ("<drug name> in T1D", 1)],
)
def test_tags_are_text_and_a_name_in_angle_brackets_is_to_be_replaced(
    title: str, faulty: int
) -> None:
    assert len(list(faults(Document(title, "", ())))) == faulty

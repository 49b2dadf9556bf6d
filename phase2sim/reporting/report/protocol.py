"""The sample-size section of a protocol; every simulated number is of a stored cell."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.figures.trial_figures import sensitivity_label
from phase2sim.reporting.ledger import ledger_rows
from phase2sim.reporting.report.document import Document, Number, Piece, Prose, Section, Words
from phase2sim.reporting.report.lint import check_document
from phase2sim.reporting.report.numbers import measured_number, row_number, stated_number
from phase2sim.reporting.report.sections.false_go import false_goes
from phase2sim.reporting.report.sections.question import planned_row
from phase2sim.reporting.words import truth, verdict_label
from phase2sim.studies.dossier.dossier import Dossier

_MOST_MOVES = 4  # the largest are named
_REFERENCES = (
    "(1) O'Hagan A, Stevens JW, Campbell MJ. Assurance in clinical trial design. Pharm Stat"
    " 2005;4:187. (2) Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate"
    " statistical methods. Stat Med 2019;38:2074. (3) ICH E9(R1). Addendum on estimands and"
    " sensitivity analysis in clinical trials. 2019."
)


def protocol_text(dossier: Dossier) -> str:
    """Return the section as Markdown; raises ``Unfit`` if it has a fault."""
    paragraphs = protocol_section(dossier).blocks
    body = "\n\n".join(
        f"**{block.lead}** {''.join(map(str, block.words))}"
        for block in paragraphs
        if isinstance(block, Prose)
    )
    return f"## Sample size\n\n{body}\n"


def protocol_json(dossier: Dossier) -> dict[str, Any]:
    """Return the text, and each simulated number with its cell."""
    numbers = [
        {"text": piece.text, "mcse": piece.mcse, "used": piece.used, "cell": piece.cell}
        for block in protocol_section(dossier).blocks
        if isinstance(block, Prose)
        for piece in block.words
        if isinstance(piece, Number) and piece.kind == "simulated"
    ]
    text = protocol_text(dossier)
    return {"text": text, "store": str(dossier.folder), "numbers": numbers}


def protocol_section(dossier: Dossier) -> Section:
    """Return the section from hypothesis to references; raises ``Unfit`` if it has a fault."""
    parts = (
        Prose(tuple(_hypothesis(dossier)), "Hypothesis."),
        Prose(tuple(_estimand(dossier)), "Estimand."),
        Prose(tuple(_assumptions(dossier)), "Assumptions."),
        Prose(_method(dossier), "Method."),
        Prose(tuple(_sizes(dossier)), "Sample size."),
        Prose(tuple(_sensitivity(dossier)), "Sensitivity."),
        Prose((_REFERENCES,), "References."),
    )
    sample_size = Section("Sample size", parts, simulated=True)
    check_document(Document(dossier.scenario.title, "", (sample_size,)))
    return sample_size


def _hypothesis(dossier: Dossier) -> Iterator[Piece]:
    arms, decision = dossier.main.built.study.plan.arms, dossier.main.built.study.decision
    endpoints = " and ".join(
        f"{background.label} at {background.when}" for background in dossier.background
    )
    yield f"{', '.join(arms[1:])} is better than {arms[0]} on {endpoints}. The null hypothesis of"
    yield " no benefit is tested at a one-sided level of "
    yield stated_number(decision.one_sided_alpha)
    yield f" ({decision.title})."


def _estimand(dossier: Dossier) -> Iterator[Piece]:
    for background in dossier.background:
        events = "; ".join(
            f"{event.replace('_', ' ')} by {strategy.replace('_', ' ')}"
            for event, strategy in background.strategies.items()
        )
        yield f"{background.label} at {background.when}: mean difference between arms in all who"
        yield f" are randomised, {events or 'treatment policy'}. "


def _assumptions(dossier: Dossier) -> Iterator[Piece]:
    for endpoint, target in dossier.scenario.truth.target.items():
        measure = MEASURES[endpoint]
        size = target.in_words(measure.model_unit)
        yield f"Effect on {measure.label} at month {target.month:g}: "
        yield stated_number(size)
        yield ". "
    dropout = dossier.scenario.missing.dropout
    if "share" in dropout:
        yield "Lost by month "
        yield stated_number(dropout["by_month"])
        yield ": "
        yield stated_number(f"{100 * dropout['share']:g} %")
        yield f" ({dossier.main.built.dropout.title}). "
    if dossier.evidence is None:
        yield "Means, SDs and correlations of untreated patients are stated in the scenario file."
        return
    used = [row for row in ledger_rows(dossier.evidence) if row["used"]]
    published = [row for row in used if not row["elicited"]]
    sources = dict.fromkeys(str(row["source"]) for row in published if row["source"])
    yield f"Untreated patients follow a model fitted to {len(published)} published numbers ("
    yield Number("; ".join(sources), "reported")
    yield f") and {len(used) - len(published)} judgements of our own."


def _method(dossier: Dossier) -> Words:
    titles = dict.fromkeys(analysis.title for analysis in dossier.main.built.study.analyses)
    trials = max(row["trials"] for row in dossier.of_main)
    words = (
        f"Trials were simulated patient by patient and each analysed by {' and '.join(titles)}."
        f" {trials:,} trials under each truth; seed "
    )
    program = f"; phase2sim {version('phase2sim')}, results version {RESULTS_VERSION}."
    error_note = " The number behind ± is the Monte Carlo standard error"
    error_note += ", for assurance from trials and prior draws." if dossier.prior else "."
    return (words, stated_number(dossier.scenario.seed), Number(program, "given"), error_note)


def _sizes(dossier: Dossier) -> Iterator[Piece]:
    verdict = dossier.main_verdict
    yield "With "
    yield stated_number(dossier.main.built.design.patients)
    yield " patients in all"
    power = planned_row(dossier, "power", "target", verdict)
    if power is not None:
        yield ", power is "
        yield row_number(power)
        yield from _power_of_each(dossier)
    error = planned_row(dossier, "type_i_error", "null", verdict)
    if error is not None:
        yield "; the type I error is "
        yield row_number(error)
        yield from _worst_null(dossier)
    yield ". "
    assurance = planned_row(dossier, "assurance", "prior", verdict)
    if assurance is not None:
        yield "Averaged over the prior of the effect, the trial succeeds with probability "
        yield row_number(assurance)
        yield " (assurance). "
    other_sizes = [row for row in dossier.sized("power", "target") if _is_other(dossier, row)]
    for number, row in enumerate(other_sizes):
        yield "Power with other sizes: " if number == 0 else "; "
        yield f"{row['patients']}: "
        yield row_number(row)
    if other_sizes:
        yield "."


def _worst_null(dossier: Dossier) -> Iterator[Piece]:
    """Yield the largest type I error with some effects absent and the others as targeted."""
    partial = [false_go for false_go in false_goes(dossier) if false_go.what != truth("null")]
    estimated = [false_go for false_go in partial if false_go.go["estimate"] is not None]
    if estimated:
        worst = max(estimated, key=lambda false_go: float(false_go.go["estimate"]))
        yield " where nothing works, and "
        yield row_number(worst.go)
        yield f" with {worst.what}"


def _is_other(dossier: Dossier, row: Row) -> bool:
    planned = dossier.main.built.design.patients
    return bool(row["analysis"] == dossier.main_verdict and row["patients"] != planned)


def _power_of_each(dossier: Dossier) -> Iterator[Piece]:
    """Yield the power of each analysis if the verdict is on several."""
    names = dossier.main.built.study.names
    if dossier.main_verdict in names and len(names) == 1:
        return
    for number, name in enumerate(names):
        row = planned_row(dossier, "power", "target", name)
        if row is not None:
            yield " (" if number == 0 else ", "
            yield f"{verdict_label(dossier.background, name)}: "
            yield row_number(row)
    yield ")"


def _sensitivity(dossier: Dossier) -> Iterator[Piece]:
    sensitivities = [
        sensitivity for sensitivity in dossier.sensitivities
        if (sensitivity.row["name"], sensitivity.row["analysis"]) == ("power", dossier.main_verdict)
        and sensitivity.change.estimate != 0.0
    ]  # fmt: skip
    if not sensitivities:
        yield "No other assumption was simulated."
        return
    yield "Largest changes of power, one assumption moved at a time on the same patients: "
    ordered = sorted(sensitivities, key=lambda sensitivity: -abs(sensitivity.change.estimate))[
        :_MOST_MOVES
    ]
    for number, sensitivity in enumerate(ordered):
        yield "; " if number else ""
        yield stated_number(sensitivity_label(sensitivity))
        yield " "
        yield measured_number(sensitivity.change, sensitivity.row["cell"], signed=True)
    yield "."

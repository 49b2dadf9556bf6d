"""The sample-size section of a protocol: every simulated number comes from a stored cell."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.data_frames import Row
from phase2sim.reporting.figures.trial_figures import sensitivity_label
from phase2sim.reporting.ledger import ledger_rows
from phase2sim.reporting.report.document import Document, Number, Piece, Prose, Section, Words
from phase2sim.reporting.report.labels import verdict_label
from phase2sim.reporting.report.lint import check
from phase2sim.reporting.report.numbers import of_measured, of_row, stated_number
from phase2sim.reporting.report.sections.false_go import false_goes
from phase2sim.reporting.report.sections.question import planned_row
from phase2sim.reporting.words import truth
from phase2sim.studies.dossier.dossier import Dossier

_MOST_MOVES = 4  # the largest are named
_REFERENCES = (
    "(1) O'Hagan A, Stevens JW, Campbell MJ. Assurance in clinical trial design. Pharm Stat"
    " 2005;4:187. (2) Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate"
    " statistical methods. Stat Med 2019;38:2074. (3) ICH E9(R1). Addendum on estimands and"
    " sensitivity analysis in clinical trials. 2019."
)


def protocol_text(dossier: Dossier) -> str:
    """Return the section as Markdown; raises ``Unfit`` for one with a fault."""
    paragraphs = section(dossier).blocks
    body = "\n\n".join(
        f"**{block.lead}** {''.join(map(str, block.words))}"
        for block in paragraphs
        if isinstance(block, Prose)
    )
    return f"## Sample size\n\n{body}\n"


def protocol_json(dossier: Dossier) -> dict[str, Any]:
    """The text, and each simulated number of it with the cell that it comes from."""
    numbers = [
        {"text": piece.text, "mcse": piece.mcse, "used": piece.used, "cell": piece.cell}
        for block in section(dossier).blocks
        if isinstance(block, Prose)
        for piece in block.words
        if isinstance(piece, Number) and piece.kind == "simulated"
    ]
    text = protocol_text(dossier)
    return {"text": text, "store": str(dossier.folder), "numbers": numbers}


def section(dossier: Dossier) -> Section:
    """Hypothesis to references, checked by the linter of reports."""
    parts = (
        Prose(tuple(_hypothesis(dossier)), "Hypothesis."),
        Prose(tuple(_estimand(dossier)), "Estimand."),
        Prose(tuple(_assumptions(dossier)), "Assumptions."),
        Prose(_method(dossier), "Method."),
        Prose(tuple(_sizes(dossier)), "Sample size."),
        Prose(tuple(_sensitivity(dossier)), "Sensitivity."),
        Prose((_REFERENCES,), "References."),
    )
    made = Section("Sample size", parts, simulated=True)
    check(Document(dossier.scenario.title, "", (made,)))
    return made


def _hypothesis(dossier: Dossier) -> Iterator[Piece]:
    arms, decision = dossier.main.built.study.plan.arms, dossier.main.built.study.decision
    looked_at = " and ".join(f"{known.label} at {known.when}" for known in dossier.background)
    yield f"{', '.join(arms[1:])} is better than {arms[0]} on {looked_at}. The null hypothesis of"
    yield " no benefit is tested at a one-sided level of "
    yield stated_number(decision.one_sided_alpha)
    yield f" ({decision.title})."


def _estimand(dossier: Dossier) -> Iterator[Piece]:
    for known in dossier.background:
        events = "; ".join(
            f"{event.replace('_', ' ')} by {strategy.replace('_', ' ')}"
            for event, strategy in known.strategies.items()
        )
        yield f"{known.label} at {known.when}: mean difference between arms in all who are"
        yield f" randomised, {events or 'treatment policy'}. "


def _assumptions(dossier: Dossier) -> Iterator[Piece]:
    for endpoint, target in dossier.scenario.truth.target.items():
        of, effect = MEASURES[endpoint], target.effect
        size = f"{effect:+g} {of.model_unit}" if isinstance(effect, float | int) else (
            f"{effect.percent:+g} %"
        )  # fmt: skip
        yield f"Effect on {of.label} at month {target.month:g}: "
        yield stated_number(size)
        yield ". "
    missing = dossier.scenario.missing.dropout
    if "share" in missing:
        yield "Lost by month "
        yield stated_number(missing["by_month"])
        yield ": "
        yield stated_number(f"{100 * missing['share']:g} %")
        yield f" ({dossier.main.built.dropout.title}). "
    if dossier.evidence is None:
        yield "Means, SDs and correlations of untreated patients are stated in the scenario file."
        return
    read = [row for row in ledger_rows(dossier.evidence) if row["used"]]
    published = [row for row in read if not row["elicited"]]
    sources = dict.fromkeys(str(row["source"]) for row in published if row["source"])
    yield f"Untreated patients follow a model fitted to {len(published)} published numbers ("
    yield Number("; ".join(sources), "reported")
    yield f") and {len(read) - len(published)} judgements of our own."


def _method(dossier: Dossier) -> Words:
    titles = dict.fromkeys(analysis.title for analysis in dossier.main.built.study.analyses)
    trials = max(row["trials"] for row in dossier.of_main)
    words = (
        f"Trials were simulated patient by patient and each analysed by {' and '.join(titles)}."
        f" {trials:,} trials under each truth; seed "
    )
    program = f"; phase2sim {version('phase2sim')}, results version {RESULTS_VERSION}."
    after = " The number behind ± is the Monte Carlo standard error."
    return (words, stated_number(dossier.scenario.seed), Number(program, "given"), after)


def _sizes(dossier: Dossier) -> Iterator[Piece]:
    verdict = dossier.main_verdict
    yield "With "
    yield stated_number(dossier.main.built.design.patients)
    yield " patients in all"
    power = planned_row(dossier, "power", "target", verdict)
    if power is not None:
        yield ", power is "
        yield of_row(power)
        yield from _alone(dossier)
    error = planned_row(dossier, "type_i_error", "null", verdict)
    if error is not None:
        yield "; the type I error is "
        yield of_row(error)
        yield from _worst_null(dossier)
    yield ". "
    assurance = planned_row(dossier, "assurance", "prior", verdict)
    if assurance is not None:
        yield "Averaged over the prior of the effect, the trial succeeds with probability "
        yield of_row(assurance)
        yield " (assurance). "
    others = [row for row in dossier.sized("power", "target") if _is_other(dossier, row)]
    for number, row in enumerate(others):
        yield "Power with other sizes: " if number == 0 else "; "
        yield f"{row['patients']}: "
        yield of_row(row)
    if others:
        yield "."


def _worst_null(dossier: Dossier) -> Iterator[Piece]:
    """The largest false go where one effect is absent and the others are there."""
    others = [one for one in false_goes(dossier) if one.what != truth("null")]
    known = [one for one in others if one.go["estimate"] is not None]
    if known:
        worst = max(known, key=lambda one: float(one.go["estimate"]))
        yield " where nothing works, and "
        yield of_row(worst.go)
        yield f" with {worst.what}"


def _is_other(dossier: Dossier, row: Row) -> bool:
    planned = dossier.main.built.design.patients
    return bool(row["analysis"] == dossier.main_verdict and row["patients"] != planned)


def _alone(dossier: Dossier) -> Iterator[Piece]:
    """Power of each analysis, where they are judged together."""
    names = dossier.main.built.study.names
    if dossier.main_verdict in names and len(names) == 1:
        return
    for number, name in enumerate(names):
        row = planned_row(dossier, "power", "target", name)
        if row is not None:
            yield " (" if number == 0 else ", "
            yield f"{verdict_label(dossier, name)}: "
            yield of_row(row)
    yield ")"


def _sensitivity(dossier: Dossier) -> Iterator[Piece]:
    moved = [
        one for one in dossier.moved
        if (one.row["name"], one.row["analysis"]) == ("power", dossier.main_verdict)
        and one.change.estimate != 0.0
    ]  # fmt: skip
    if not moved:
        yield "No other assumption was simulated."
        return
    yield "Largest changes of power, one assumption moved at a time on the same patients: "
    ordered = sorted(moved, key=lambda one: -abs(one.change.estimate))[:_MOST_MOVES]
    for number, one in enumerate(ordered):
        yield "; " if number else ""
        yield stated_number(sensitivity_label(one))
        yield " "
        yield of_measured(one.change, one.row["cell"], signed=True)
    yield "."

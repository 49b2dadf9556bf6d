"""Section 1: the question, the decision, and what a clinician asks first."""

from collections.abc import Iterator

from phase2sim.core.decision import ByReference, Decision
from phase2sim.core.io.data_frames import Row
from phase2sim.operating.background import Background
from phase2sim.reporting.figures.trial_figures import decision_flow
from phase2sim.reporting.ledger import ledger_rows
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Number,
    Piece,
    Prose,
    Section,
)
from phase2sim.reporting.report.labels import verdict_label
from phase2sim.reporting.report.numbers import in_100, of_measured, of_row, stated_number
from phase2sim.reporting.report.sections.false_go import rows_under
from phase2sim.reporting.words import truth
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.report_cells import partial_nulls
from phase2sim.studies.sweeps.results import DECIDED

_ASSURANCES = {"prior": "given all the evidence", "sceptical": "for a sceptic"}


def question(dossier: Dossier) -> Section:
    """Question, five answers, and the table of the decision."""
    blocks: list[Block] = [
        _asked(dossier),
        _how_many(dossier),
        _which(dossier),
        _how_sure(dossier),
        _what_stops(dossier),
        _assumed(dossier),
        _table(dossier),
        FigureBlock(decision_flow(list(_ends(dossier))), "Shares of go and stop under each truth"),
    ]
    return Section("Question and decision", tuple(blocks), simulated=True)


def planned_row(dossier: Dossier, name: str, under: str, analysis: str) -> Row | None:
    """One row of the planned trial."""
    for row in dossier.of_main:
        if (row["name"], row["truth"], row["analysis"]) == (name, under, analysis):
            return row
    return None


def _asked(dossier: Dossier) -> Prose:
    arms = dossier.main.built.study.plan.arms
    looked_at = " and ".join(f"{known.label} at {known.when}" for known in dossier.background)
    versus = f"{', '.join(arms[1:])} against {arms[0]}"
    return Prose((f"Should a trial of {versus} be run, of this size, judged by {looked_at}?",),
                 "The question.")  # fmt: skip


def _how_many(dossier: Dossier) -> Prose:
    plan = dossier.main.built.study.plan
    ratio = ":".join(map(str, dossier.main.built.design.allocation))
    words: list[Piece] = [
        stated_number(dossier.main.built.design.patients),
        f" in all, {ratio}, seen until month ",
    ]
    words += [stated_number(plan.visits_months[-1]), "."]
    missing = planned_row(dossier, "missing", "target", dossier.assembled.built.study.names[0])
    if missing is not None:
        words += [" Share of them without the value at the first analysis: ", of_row(missing), "."]
    return Prose(tuple(words), "How many patients?")


def _which(dossier: Dossier) -> Prose:
    analyses = dossier.assembled.built.study.analyses
    words: list[Piece] = []
    for number, (known, analysis) in enumerate(zip(dossier.background, analyses, strict=True)):
        words += ["; " if number else "", f"{known.label} at {known.when}, by {analysis.title}"]
        row = planned_row(dossier, "power", "target", known.analysis)
        if row is not None:
            words += [", which alone shows the hoped-for effect in ", in_100(row), " trials"]
    return Prose((*words, "."), "Which endpoint?")


def _how_sure(dossier: Dossier) -> Prose:
    verdict = dossier.main_verdict
    words: list[Piece] = []
    row = planned_row(dossier, "power", "target", verdict)
    if row is not None:
        words += ["If the hoped-for effect is real, the trial goes in ", in_100(row), " tries. "]
    for under, given in _ASSURANCES.items():
        row = planned_row(dossier, "assurance", under, verdict)
        if row is not None:
            words += [f"{given[0].upper()}{given[1:]}, it goes in ", in_100(row), " tries. "]
    for known in dossier.background:
        words += _evidence_words(known)
    words.append("The number behind ± is Monte Carlo error, not uncertainty about the treatment.")
    return Prose(tuple(words), "How sure are we that it works?")


def _evidence_words(known: Background) -> list[Piece]:
    if known.effect is None:
        return []
    mean, low, high = known.effect
    interval = Number(f"{mean:+.2f} ({low:+.2f} to {high:+.2f})", "fitted")
    untreated = Number(f"{known.untreated:.3g} {known.unit}", "fitted")
    words: list[Piece] = [f"The evidence puts the effect on {known.label} at ", interval]
    words += ["; untreated patients would have averaged about ", untreated, " anyway"]
    if known.reported:
        words += [" (phase 1: ", Number(known.reported, "reported"), ")"]
    return [*words, ". "]


def _what_stops(dossier: Dossier) -> Prose:
    decision = dossier.main.built.study.decision
    words: list[Piece] = [f"The rule: {decision.title}, "]
    words += [
        "one-sided alpha ",
        stated_number(decision.one_sided_alpha),
        f". {_otherwise(decision)}",
    ]
    labels = {known.analysis: known for known in dossier.background}
    for one in dossier.needed:
        known = labels[one.analysis]
        words += [f" To count, {known.label} at {known.when} must differ by about "]
        words += [of_measured(one.effect, dossier.main.key, signed=True), f" {one.scale} or more"]
        if known.target is not None:
            words += [" (hoped for: ", stated_number(f"{known.target:+.3g}"), ")"]
        words.append(".")
    return Prose(tuple(words), "What would make us stop?")


def _otherwise(decision: Decision) -> str:
    if isinstance(decision, ByReference) and decision.considers:
        return "What is neither a go nor a stop is to be considered."
    return "The trial stops otherwise."


def _assumed(dossier: Dossier) -> Prose:
    words: list[Piece] = []
    for known in dossier.background:
        if known.target is not None:
            words += [f"An effect on {known.label} of ", stated_number(f"{known.target:+.3g}")]
            words += [f" at {known.when} (the scenario). "]
    evidence = dossier.evidence
    if evidence is None:
        words.append("All else is what the scenario itself states; section 11 has it whole.")
    else:
        read = [row for row in ledger_rows(evidence) if row["used"]]
        elicited = sum(bool(row["elicited"]) for row in read)
        words += [f"{len(read) - elicited} published numbers of {len(evidence.arms)} study arms,"]
        words += [f" each with its source in section 2, and {elicited} judgements of our own,"]
        words += [" marked there."]
    return Prose(tuple(words), "What did we assume, and from where?")


def _table(dossier: Dossier) -> Grid:
    verdicts = dossier.main.verdicts
    kinds = list(dict.fromkeys(
        (row["name"], row["truth"]) for row in dossier.of_main if row["name"] in DECIDED
    ))  # fmt: skip
    rows = []
    for name, under in kinds:
        found = [planned_row(dossier, name, under, verdict) for verdict in verdicts]
        cells = [(of_row(row),) if row else ("-",) for row in found]
        rows.append(((truth(under),), *cells))
    for label in partial_nulls(dossier.assembled):
        under_it = rows_under(dossier, label)
        if under_it:
            rows.append(((label,), *((of_row(under_it[one]),) for one in verdicts)))
    return Grid(
        ("What is true", *(verdict_label(dossier, one) for one in verdicts)), tuple(rows),
        "Share of trials that go, by what is true and by what is looked at", len(verdicts),
    )  # fmt: skip


def _ends(dossier: Dossier) -> Iterator[dict[str, object]]:
    """Shares of each end of the main verdict, by truth."""
    for row in dossier.of_main:
        if row["name"] in DECIDED and row["analysis"] == dossier.main_verdict:
            if row["estimate"] is None:
                continue
            go, under = row["estimate"], truth(row["truth"])
            consider = planned_row(dossier, "consider", row["truth"], dossier.main_verdict)
            between = 0.0 if consider is None else consider["estimate"]
            ends = [("go", go), ("consider", between), ("stop", 1.0 - go - between)]
            for place, (decision, part) in enumerate(ends if consider else ends[::2]):
                yield {"truth": under, "decision": decision, "share": part, "place": place}

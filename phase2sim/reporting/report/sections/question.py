"""Section 1: the question, the decision, and the main answers."""

from collections.abc import Iterator

from phase2sim.core.decision import Decision
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
from phase2sim.reporting.report.numbers import (
    measured_number,
    number_in_100,
    row_number,
    stated_number,
)
from phase2sim.reporting.report.sections.false_go import rows_of_null
from phase2sim.reporting.words import truth, verdict_label
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.report_cells import partial_nulls
from phase2sim.studies.sweeps.results import GO_SHARES

_ASSURANCES = {
    "prior": "given all the evidence",
    "fitted": "by the fitted prior alone, without its sceptical part",
    "sceptical": "for a sceptic",
}


def question_section(dossier: Dossier) -> Section:
    """Return the question, five answers, and the table of decisions."""
    blocks: list[Block] = [
        _question(dossier),
        _patients(dossier),
        _endpoints(dossier),
        _chances(dossier),
        _rule(dossier),
        _assumptions(dossier),
        _table(dossier),
        FigureBlock(
            decision_flow(list(_decision_shares(dossier))), "Shares of go and stop under each truth"
        ),
    ]
    return Section("Question and decision", tuple(blocks), simulated=True)


def planned_row(dossier: Dossier, name: str, truth_name: str, analysis: str) -> Row | None:
    """Return one row of the planned trial; None if there is none."""
    for row in dossier.of_main:
        if (row["name"], row["truth"], row["analysis"]) == (name, truth_name, analysis):
            return row
    return None


def _question(dossier: Dossier) -> Prose:
    arms = dossier.main.built.study.plan.arms
    endpoints = " and ".join(
        f"{background.label} at {background.when}" for background in dossier.background
    )
    versus = f"{', '.join(arms[1:])} against {arms[0]}"
    return Prose((f"Should a trial of {versus} be run, of this size, judged by {endpoints}?",),
                 "The question.")  # fmt: skip


def _patients(dossier: Dossier) -> Prose:
    plan = dossier.main.built.study.plan
    ratio = ":".join(map(str, dossier.main.built.design.allocation))
    words: list[Piece] = [
        stated_number(dossier.main.built.design.patients),
        f" in all, {ratio}, seen until month ",
    ]
    words += [stated_number(plan.visits_months[-1]), "."]
    missing_share = planned_row(
        dossier, "missing", "target", dossier.assembled.built.study.names[0]
    )
    if missing_share is not None:
        words += [
            " Share of them without the value at the first analysis: ",
            row_number(missing_share),
            ".",
        ]
    return Prose(tuple(words), "How many patients?")


def _endpoints(dossier: Dossier) -> Prose:
    analyses = dossier.assembled.built.study.analyses
    words: list[Piece] = []
    for number, (background, analysis) in enumerate(zip(dossier.background, analyses, strict=True)):
        words += [
            "; " if number else "",
            f"{background.label} at {background.when}, by {analysis.title}",
        ]
        row = planned_row(dossier, "power", "target", background.analysis)
        if row is not None:
            words += [", which alone shows the hoped-for effect in ", number_in_100(row), " trials"]
    return Prose((*words, "."), "Which endpoint?")


def _chances(dossier: Dossier) -> Prose:
    verdict = dossier.main_verdict
    words: list[Piece] = []
    row = planned_row(dossier, "power", "target", verdict)
    if row is not None:
        words += [
            "If the hoped-for effect is real, the trial goes in ",
            number_in_100(row),
            " tries. ",
        ]
    for truth_name, condition in _ASSURANCES.items():
        row = planned_row(dossier, "assurance", truth_name, verdict)
        if row is not None:
            words += [
                f"{condition[0].upper()}{condition[1:]}, it goes in ",
                number_in_100(row),
                " tries. ",
            ]
    for background in dossier.background:
        words += _evidence_words(background)
    words.append("The number behind ± is Monte Carlo error, not uncertainty about the treatment.")
    return Prose(tuple(words), "How sure are we that it works?")


def _evidence_words(background: Background) -> list[Piece]:
    if background.effect is None:
        return []
    mean, low, high = background.effect
    interval = Number(f"{mean:+.2f} ({low:+.2f} to {high:+.2f})", "fitted")
    untreated = Number(f"{background.untreated:.3g} {background.unit}", "fitted")
    words: list[Piece] = [f"The evidence puts the effect on {background.label} at ", interval]
    words += ["; untreated patients would have averaged about ", untreated, " anyway"]
    if background.reported:
        words += [" (phase 1: ", Number(background.reported, "reported"), ")"]
    return [*words, ". "]


def _rule(dossier: Dossier) -> Prose:
    decision = dossier.main.built.study.decision
    words: list[Piece] = [f"The rule: {decision.title}, "]
    words += [
        "one-sided alpha ",
        stated_number(decision.one_sided_alpha),
        f". {_without_go(decision)}",
    ]
    labels = {background.analysis: background for background in dossier.background}
    for needed in dossier.needed:
        background = labels[needed.analysis]
        words += [f" To count, {background.label} at {background.when} must differ by about "]
        words += [
            measured_number(needed.effect, dossier.main.key, signed=True),
            f" {needed.scale} or more",
        ]
        if background.target is not None:
            words += [" (hoped for: ", stated_number(f"{background.target:+.3g}"), ")"]
        words.append(".")
    return Prose(tuple(words), "What would make us stop?")


def _without_go(decision: Decision) -> str:
    if decision.considers:
        return "What is neither a go nor a stop is to be considered."
    return "The trial stops otherwise."


def _assumptions(dossier: Dossier) -> Prose:
    words: list[Piece] = []
    for background in dossier.background:
        if background.target is not None:
            words += [
                f"An effect on {background.label} of ",
                stated_number(f"{background.target:+.3g}"),
            ]
            words += [f" at {background.when} (the scenario). "]
    evidence = dossier.evidence
    if evidence is None:
        words.append("All else is what the scenario itself states; section 12 has it whole.")
    else:
        used = [row for row in ledger_rows(evidence) if row["used"]]
        elicited = sum(bool(row["elicited"]) for row in used)
        words += [f"{len(used) - elicited} published numbers of {len(evidence.arms)} study arms,"]
        words += [f" each with its source in section 2, and {elicited} judgements of our own,"]
        words += [" marked there."]
    return Prose(tuple(words), "What did we assume, and from where?")


def _table(dossier: Dossier) -> Grid:
    verdicts = dossier.main.verdicts
    kinds = list(dict.fromkeys(
        (row["name"], row["truth"]) for row in dossier.of_main if row["name"] in GO_SHARES
    ))  # fmt: skip
    rows = []
    for name, truth_name in kinds:
        planned = [planned_row(dossier, name, truth_name, verdict) for verdict in verdicts]
        cells = [(row_number(row),) if row else ("-",) for row in planned]
        rows.append(((truth(truth_name),), *cells))
    for label in partial_nulls(dossier.assembled):
        shares = rows_of_null(dossier, label)
        if shares:
            rows.append(((label,), *((row_number(shares[verdict]),) for verdict in verdicts)))
    labels = [verdict_label(dossier.background, verdict) for verdict in verdicts]
    return Grid(
        ("What is true", *labels), tuple(rows),
        "Share of trials that go, by what is true and by what is looked at", len(verdicts),
    )  # fmt: skip


def _decision_shares(dossier: Dossier) -> Iterator[dict[str, object]]:
    """Yield the share of each decision of the main verdict, by truth."""
    for row in dossier.of_main:
        if row["name"] in GO_SHARES and row["analysis"] == dossier.main_verdict:
            if row["estimate"] is None or row["truth"] == "fitted":
                continue  # a part of the trials under ``prior``
            go, truth_name = row["estimate"], truth(row["truth"])
            consider = planned_row(dossier, "consider", row["truth"], dossier.main_verdict)
            between = 0.0 if consider is None else consider["estimate"]
            ends = [("go", go), ("consider", between), ("stop", 1.0 - go - between)]
            for position, (decision, part) in enumerate(ends if consider else ends[::2]):
                yield {"truth": truth_name, "decision": decision, "share": part, "place": position}

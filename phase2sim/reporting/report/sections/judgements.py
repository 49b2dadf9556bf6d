"""What the elicited inputs do: effect and assurance with each of them moved."""

from collections.abc import Iterator

from phase2sim.prior.reweighting import Change
from phase2sim.reporting.figures.knob_figures import assurance_tornado
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Listing,
    Number,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.numbers import stated_number
from phase2sim.reporting.screens.knob_sensitivity import assurance_rows, effect_text, method_text
from phase2sim.reporting.words import verdict_label
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.knob_runs import MovedKnob
from phase2sim.studies.knob_sensitivity import KnobSensitivity

_TITLE = "What our judgements do"
_NONE = "Without a fitted prior, or without assurance, no judgement of a prior is moved."
_ABOUT = (
    "Each line changes one elicited input and nothing else. The draws of the prior are reweighted;"
    " a fit of its own stands where one is kept. The fitted part and the sceptical part are the two"
    " parts of the mixture prior, each of them alone."
)


def judgements_section(dossier: Dossier) -> Section:
    """Return the tornado and the table of elicited inputs moved one at a time."""
    result = dossier.knobs
    if result is None:
        return Section(_TITLE, (Prose((_NONE,)),), simulated=True)
    verdict = dossier.main_verdict
    label = verdict_label(dossier.background, verdict)
    figure = assurance_tornado(result, verdict)
    blocks: list[Block] = [
        Prose((_ABOUT,)),
        _parts(dossier, result),
        FigureBlock(figure, f"Assurance of {label} with elicited inputs moved: tornado"),
        _table(dossier, result, verdict),
        *_not_moved(result),
    ]
    return Section(_TITLE, tuple(blocks), simulated=True)


def _parts(dossier: Dossier, result: KnobSensitivity) -> Grid:
    stated = result.stated
    rows = tuple(
        (
            (verdict_label(dossier.background, verdict),),
            (_share(mixture, result.trials),),
            (_share(stated.fitted[verdict], result.trials),),
            (_share(stated.sceptical[verdict], result.trials),),
        )
        for verdict, mixture in stated.assurance.items()
    )
    columns = ("Assurance of", "Mixture", "Fitted part alone", "Sceptical part alone")
    return Grid(columns, rows, "Assurance as stated, and under each part of the mixture", 3)


def _table(dossier: Dossier, result: KnobSensitivity, verdict: str) -> Grid:
    names = list(result.analyses)
    rows = [_row(result, row, change, names) for row, change in assurance_rows(result, verdict)]
    effects = [f"Effect on {a.title}, {a.unit}" for a in result.analyses.values()]
    columns = ("Moved", *effects, "Assurance", "Change", "By (Pareto k)")
    caption = f"Elicited inputs moved: {verdict_label(dossier.background, verdict)}"
    return Grid(columns, tuple(rows), caption, len(names) + 2)


def _row(
    result: KnobSensitivity, row: MovedKnob, change: Change, names: list[str]
) -> tuple[Words, ...]:
    effects: list[Words] = [
        (Number(effect_text(result.analyses[name], row.effect[name]), "fitted"),)
        if name in row.effect
        else ("-",)
        for name in names
    ]
    moved = Number(
        f"{change.difference:+.3f} ± {change.difference_mcse:.3f}",
        "simulated",
        change.difference_mcse,
        result.trials,
    )
    title = "" if row.move is None else row.move.title
    return (
        (stated_number(title),),
        *effects,
        (_share(change, result.trials),),
        (moved,),
        (stated_number(method_text(row), "derived"),),
    )


def _share(change: Change, trials: int) -> Number:
    return Number(f"{change.value:.3f} ± {change.mcse:.3f}", "simulated", change.mcse, trials)


def _not_moved(result: KnobSensitivity) -> Iterator[Block]:
    refused = [row.move.title for row in result.moved if row.refused and row.move is not None]
    if refused:
        words = f"Not moved here, for they need the likelihood or a fit: {'; '.join(refused)}."
        yield Prose((stated_number(words),))
    command = f"phase2sim prior sensitivity {result.scenario.path}"
    yield Listing(command, "All elicited inputs moved, with fits where they are needed")

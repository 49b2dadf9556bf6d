"""Sections 2 and 3: the inputs, and the check of the fitted model against them."""

from collections.abc import Iterator, Mapping
from typing import Any

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.operating.judgements import elicited_of
from phase2sim.reporting.figures.effect_figures import effect_figure
from phase2sim.reporting.figures.history_figures import history_figures
from phase2sim.reporting.figures.replica_figure import replica_figure
from phase2sim.reporting.ledger import ledger_rows
from phase2sim.reporting.plain_tables import number
from phase2sim.reporting.report.document import (
    Block,
    FigureBlock,
    Grid,
    Heading,
    Number,
    Prose,
    Section,
    Words,
)
from phase2sim.reporting.report.numbers import stated_number
from phase2sim.reporting.screens.prior_check import reported_quantity
from phase2sim.studies.dossier.dossier import Dossier

_NO_EVIDENCE = (
    "The scenario names no evidence: what it assumes of untreated patients stands in its own file"
    " (section 12), with its sources as comments there."
)

_LEDGER = (
    *("Entry", "Study and arm", "Endpoint", "Month", "As reported", "n", "Source"),
    "In the fit",
)


def inputs_section(dossier: Dossier) -> Section:
    """Return every reported number with its source and use, and the fitted effects."""
    if dossier.evidence is None:
        return Section("Inputs and their sources", (Prose((_NO_EVIDENCE,)),))
    rows = ledger_rows(dossier.evidence)
    unused = frozenset(position for position, row in enumerate(rows) if not row["used"])
    elicited = sum(bool(row["elicited"]) for row in rows)
    about = (
        f"{len(rows)} entries. {elicited} are elicited: our judgement, not published, marked ◆."
        f" {len(unused)} are listed and not read, for the reason given."
    )
    blocks: list[Block] = [
        Prose((about,)),
        Grid(
            _LEDGER,
            tuple(_entry(row) for row in rows),
            "Inputs ledger: number, source, how the likelihood reads it",
            dim=unused,
        ),
    ]  # fmt: skip
    blocks += [_judgements(dossier), *_what_was_learned(dossier)]
    return Section("Inputs and their sources", tuple(blocks))


def _judgements(dossier: Dossier) -> Grid:
    rows = tuple(
        ((given.key,), (stated_number(given.value),), (given.reason,))
        for given in elicited_of(dossier.scenario, dossier.evidence)
    )
    columns = ("Elicited input", "Value", "Reason")
    return Grid(columns, rows, "Everything that is our judgement and not published")


def _entry(row: Mapping[str, Any]) -> tuple[Words, ...]:
    months = " to ".join(f"{month:g}" for month in row["months"])
    clock = " after diagnosis" if row["clock"] == "diagnosis" else ""
    label = ENDPOINTS[row["endpoint"]].label if row["endpoint"] in ENDPOINTS else row["endpoint"]
    reading = "yes" if row["used"] else f"no: {row['unused_because']}"
    if row["elicited"]:
        reading = f"◆ elicited: {(row['why'] or row['note']).removeprefix('elicited: ')}"
    # An assumption already says what it is of.
    statistic = f"{row['statistic'].replace('_', ' ')} " if row["number"] else ""
    source = ", ".join(filter(None, (row["source"], row["place"])))
    return (
        (f"{row['number']}" if row["number"] else "assumed",),
        (", ".join(filter(None, (row["study"], row["arm"]))) or "the fit's own assumption",),
        (label.replace("_", " "),),
        (f"{months}{clock}",),
        (Number(f"{statistic}{row['as_reported']}", "reported"),),
        (f"{row['n']}" if row["n"] else "-",),
        (source,),
        (reading,),
    )


def _what_was_learned(dossier: Dossier) -> Iterator[Block]:
    if dossier.check is None:
        return
    effects = [learned for learned in dossier.check.learned if learned.what == "treatment effect"]
    if effects:
        rows = tuple(
            (
                (f"{ENDPOINTS[learned.endpoint].label}, {ENDPOINTS[learned.endpoint].model_unit}",),
                (f"{number(learned.before_mean)} ({number(learned.before_sd)})",),
                (f"{number(learned.after_mean)} ({number(learned.after_sd)})",),
            )
            for learned in effects
        )
        yield Heading("What the evidence taught about the effect")
        columns = ("Effect on", "Before: mean (SD)", "After: mean (SD)")
        yield Grid(columns, rows, "The effect before and after the evidence", 2)
    for endpoint in dossier.check.prior.endpoints:
        if endpoint in dossier.check.prior.effects and endpoint in _analysed_endpoints(dossier):
            figure = effect_figure(dossier.check, endpoint)
            label = ENDPOINTS[endpoint].label
            yield FigureBlock(
                figure, f"Density of the effect on {label} before and after the evidence"
            )


def _analysed_endpoints(dossier: Dossier) -> set[str]:
    return {analysis.endpoint for analysis in dossier.assembled.built.study.analyses}


def replica_section(dossier: Dossier) -> Section:
    """Return the reported numbers with their posterior predictive intervals."""
    check, title = dossier.check, "Does the model report the same table again?"
    if check is None or dossier.evidence is None:
        return Section(title, (Prose((_NO_EVIDENCE,)),))
    flagged = [replica for replica in check.replicas if replica.flagged]
    summary = (
        f"{check.flags} of {len(check.replicas)} reported numbers would be rare under the fitted"
        f" model, reported as far out in fewer than 5 of 100 studies. Chance alone would flag"
        f" {check.flags_by_chance:.1f} at most."
    )
    blocks: list[Block] = [Prose((summary,)), FigureBlock(replica_figure(check), summary)]
    if flagged:
        rows = tuple(
            (
                (f"{replica.entry.study}, {replica.entry.arm}",),
                (reported_quantity(replica.entry, replica.what),),
                (Number(number(replica.reported), "reported"),),
                (f"{number(replica.lower)} to {number(replica.upper)}",),
                (Number(f"{replica.tail:.3f} ± {replica.mcse:.3f}", "simulated", replica.mcse),),
            )
            for replica in flagged
        )
        columns = ("Study", "What", "Reported", "95-percent interval", "Tail probability")
        blocks.append(Grid(columns, rows, "The numbers that are flagged", 3))
    blocks += [
        FigureBlock(figure, "Course of untreated patients against published points")
        for figure in history_figures(check.evidence, check.prior)
        if figure.name.removeprefix("history-") in _analysed_endpoints(dossier)
    ]
    return Section(title, tuple(blocks))

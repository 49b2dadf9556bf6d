"""Result of a run: table, explanation in sentences, and values for JSON."""

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.io.views import MONTE_CARLO
from phase2sim.core.measured import Measured, measured_row
from phase2sim.operating.analysis_failures import FallbackShare
from phase2sim.operating.background import Background
from phase2sim.operating.characteristics import Characteristic
from phase2sim.operating.simulation import Result
from phase2sim.reporting.plain_tables import measured_cell
from phase2sim.reporting.screens.looks import arms_table, looks_table

GAP_TO_FLAG = 4.0  # Monte Carlo standard errors

_ROWS = (
    ("power", "target", "power", "at the target"),
    ("expected_power", "expected", "expected power", "in a new control arm"),
    ("type_i_error", "null", "type I error", "no effect"),
    ("assurance", "prior", "assurance", "mixture prior"),
    ("assurance", "fitted", "", "fitted part"),
    ("assurance", "sceptical", "", "sceptical part"),
    ("true_given_go", "prior", "true if go", "mixture prior"),
    ("true_given_go", "sceptical", "", "sceptical part"),
    ("bias", "target", "bias", "at the target"),
    ("coverage", "target", "coverage (95 %)", "at the target"),
    ("missing", "target", "missing", "at the target"),
)


def run_json(result: Result) -> dict[str, Any]:
    """Return the values of `phase2sim run --json`."""
    scenario = result.scenario
    return {
        "scenario": {
            "file": str(scenario.path),
            "title": scenario.title,
            "digest": scenario.digest,
            "patients": scenario.design.get("patients"),
        },
        "prior": None if result.prior is None else dict(result.prior),
        "seed": scenario.seed,
        "trials": result.trials,
        "operating_characteristics": [row.row() for row in result.characteristics],
        "failures": dict(result.failures),
        "fallbacks": [_fallback_json(row) for row in result.fallbacks],
        "estimands": {
            background.analysis: dict(background.strategies) for background in result.background
        },
        "assume": scenario.assume,
        "elicited": [asdict(given) for given in result.elicited],
        "results_version": result.results_version,
    }


def run_screen(result: Result, settings: Sequence[str] = ()) -> RenderableType:
    """Return heading, table, explanation and notes; ``settings`` are those of the command."""
    look_tables: list[RenderableType] = []
    for table in (looks_table(result), arms_table(result)):
        look_tables += [] if table is None else [table, Text()]
    return Group(
        _heading(result),
        Text(),
        _table(result),
        Text(),
        *look_tables,
        *_notes(result),
        _replay_command(result, settings),
    )


def _fallback_json(row: FallbackShare) -> dict[str, Any]:
    names = {"analysis": row.analysis, "truth": row.truth, "to": row.fallback}
    return names | measured_row(row.measured)


def _heading(result: Result) -> RenderableType:
    scenario = result.scenario
    heading = Table.grid(padding=(0, 4))
    ratio = ":".join(str(share) for share in scenario.design.get("allocation", (1, 1)))
    heading.add_row(
        Text(scenario.title, style="bold"),
        f"{scenario.design['patients']} patients, {ratio}",
        f"{result.trials:,} trials, seed {scenario.seed}",
    )
    return heading


def _table(result: Result) -> Table:
    columns = [row.analysis for row in result.characteristics if row.name == "type_i_error"]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    table.add_column("")
    for name in columns:
        table.add_column(_column_title(result, name), justify="left")
    _add_effects(table, result, columns)
    row_of = {(r.name, r.truth, r.analysis): r for r in result.characteristics}
    for name, truth, label, truth_label in _ROWS:
        rows = [row_of.get((name, truth, column)) for column in columns]
        if not any(rows):
            continue
        table.add_row(label, truth_label, *(_cell(row) for row in rows))
        if any(row and row.closed_form for row in rows):
            table.add_row("", "closed form", *(_closed_form_cell(row) for row in rows), style="dim")
    return table


def _add_effects(table: Table, result: Result, columns: list[str]) -> None:
    """Add target and fitted effect of each analysis, on the endpoint's model scale."""
    background_of = {row.analysis: row for row in result.background}
    rows = [background_of.get(column) for column in columns]
    if any(row and row.target is not None for row in rows):
        cells = [f"{row.target:+.3g}" if row and row.target is not None else "-" for row in rows]
        table.add_row("effect", "target", *cells)
    if any(row and row.effect for row in rows):
        label = "" if table.row_count else "effect"
        table.add_row(label, "evidence (95 %)", *(_interval(row) for row in rows))


def _interval(background: Background | None) -> str:
    if background is None or background.effect is None:
        return "-"
    mean, low, high = background.effect
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def _column_title(result: Result, name: str) -> str:
    titles = {
        background.analysis: f"{background.label}, {background.when}"
        for background in result.background
    }
    if name in titles:
        title = titles[name]
        return title if list(titles.values()).count(title) == 1 else f"{title}: {name}"
    if name != "co_primary":
        return name.replace("_", " ")
    return "both (co-primary)" if len(result.background) == 2 else "all (co-primary)"  # noqa: PLR2004


def _cell(row: Characteristic | None) -> str:
    return "-" if row is None else measured_cell(row.measured)


def _closed_form_cell(row: Characteristic | None) -> Text:
    if row is None or row.closed_form is None:
        return Text("-")
    if not row.closed_form.is_exact:
        return Text(f"about {row.closed_form.value:.3f}")
    text = Text(f"{row.closed_form.value:.3f}")
    if row.gap is not None and abs(row.gap) > GAP_TO_FLAG:
        text.append(f"  GAP of {row.gap:+.1f} standard errors", style="bold red")
    return text


def _notes(result: Result) -> Iterator[RenderableType]:
    yield Text("Read: ", style="bold").append(
        Text(" ".join(explain_result(result)), style="not bold")
    )
    for row in result.characteristics:
        if row.name == "power" and row.closed_form and not row.closed_form.is_exact:
            yield Text(
                f"Closed form of {row.analysis} is 'about': {row.closed_form.why}.", style="dim"
            )
    yield from _unanswered(result)
    yield from _circumstances(result)
    if result.elicited:
        yield Text("Elicited inputs used (our judgement, not published):", style="yellow")
        for given in result.elicited:
            yield Text(f"  - {given}", style="yellow", no_wrap=True, overflow="ellipsis")
        yield Text(f"What they do: phase2sim prior sensitivity {result.scenario.path}", style="dim")
    if result.interrupted:
        yield Text(
            f"Interrupted: {result.trials:,} of {result.scenario.trials:,} trials done; the numbers"
            " are those trials'.",
            style="bold",
        )


def _replay_command(result: Result, settings: Sequence[str]) -> Text:
    changes = "".join(f" --set {shlex.quote(setting)}" for setting in settings)
    return Text(
        f"Replay any trial: phase2sim replay {result.scenario.path}{changes} --trial 417",
        overflow="fold",
    )


def _unanswered(result: Result) -> Iterator[Text]:
    """Yield what failed, what has no finite estimate, and what answered instead of a model."""
    for reason, count in result.failures.items():
        yield Text(f"Failed analyses: {count:,} for {reason}. A failed trial counts as no go.")
    for row in result.characteristics:
        answered = result.trials - row.measured.failed
        if row.name == "bias" and row.measured.used < answered:
            yield Text(
                f"Bias of {row.analysis}, {row.truth}: of the {row.measured.used:,} trials with a"
                f" finite estimate; {answered - row.measured.used:,} have none."
            )
    if result.failures:
        yield Text("After 'failed': the share if no failed trial were a go, and if all were.")
    for (analysis, truth), rows in groupby(result.fallbacks, lambda row: (row.analysis, row.truth)):
        shares = ", ".join(
            f"{row.fallback} ({measured_cell(row.measured)} of the trials)" for row in rows
        )
        yield Text(f"{analysis}, {truth}: where its own method had no answer, with {shares}.")


def _circumstances(result: Result) -> Iterator[Text]:
    """Yield the estimands, the duration of the trial and the assumed circumstances."""
    for background in result.background:
        if background.strategies:
            strategies = "; ".join(
                f"{e}: {s.replace('_', ' ')}" for e, s in background.strategies.items()
            )
            yield Text(f"Estimand of {background.analysis}: {strategies.replace('_', ' ')}.")
    for row in result.characteristics:
        if row.name == "duration" and row.truth == "null" and result.scenario.stopping is None:
            yield Text(f"Months to the last readout: {measured_cell(row.measured)}.")
    if result.scenario.assume != "planned":
        yield Text(f"Assumed: {result.scenario.assume} (docs/methods/assume.md).", style="bold")


def explain_result(result: Result) -> Iterator[str]:
    """Yield sentences that explain the table to someone who plans the trial."""
    for background in result.background:
        if background.analysis in result.power:
            yield _power_sentence(result.power[background.analysis], background)
        if background.analysis in result.assurance:
            yield _assurance_sentence(result.assurance[background.analysis], background)
    if result.assurance and (mixed := result.scenario.truth.prior):
        yield _mixture_sentence(mixed.robust_weight)
    yield MONTE_CARLO
    limits = [
        f"{share.draws_mcse:.4f} ({name})"
        for name, share in result.assurance.items()
        if share.is_mostly_of_draws
    ]
    if limits and result.prior is not None:
        yield (
            f"With more trials the +- of assurance does not fall below {', '.join(limits)}: the"
            f" {result.prior['draws']:,} draws of the prior limit it."
        )


def _power_sentence(power: Measured, background: Background) -> str:
    size = "" if background.target is None else f"{background.target:+.2g} {background.scale} "
    return (
        f"If the treatment does what you hope ({size}{background.label}"
        f" at {background.when}), this trial shows it in {_per_100(power)} of 100 tries."
    )


def _assurance_sentence(assurance: Measured, background: Background) -> str:
    sentence = (
        f"Given all the evidence, it shows an effect on {background.label} in"
        f" {_per_100(assurance)} of 100 tries"
    )
    if background.effect is not None:
        mean, low, high = background.effect
        sentence += f": the evidence puts the effect at {mean:+.2f} ({low:+.2f} to {high:+.2f})"
    sentence += (
        f"; untreated patients would have averaged about {background.untreated:.3g}"
        f" {background.unit} at month {background.month:g} anyway"
    )
    return sentence + (f" (phase 1: {background.reported})." if background.reported else ".")


def _mixture_sentence(weight: float) -> str:
    """Say what the three assurances are; a part of weight 0 was never drawn."""
    sentence = (
        f"Mixture prior: the effect is drawn from the fitted part in {100 * weight:g} of 100"
        " trials, else from the sceptical part"
    )
    if weight == 0:
        return sentence + "; the fitted part was never drawn, so it has no assurance of its own."
    return sentence + "; the rows below it are of each part alone."


def _per_100(measured: Measured) -> str:
    share = 100 * measured.estimate
    return "none" if math.isnan(share) else f"{share:.0f}"

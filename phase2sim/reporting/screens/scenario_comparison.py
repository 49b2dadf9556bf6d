"""Comparison of scenarios: tables, and values for JSON."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.measured import Measured, measured_row
from phase2sim.reporting.plain_tables import measured_cell
from phase2sim.studies.compare import ComparedScenario, Difference, ScenarioComparison

_TRUTHS = {
    "target": "power",
    "null": "type I error",
    "prior": "assurance",
    "sceptical": "assurance, sceptical",
}


def scenario_comparison_json(comparison: ScenarioComparison) -> dict[str, Any]:
    """Return the values of `phase2sim compare --json`."""
    return {
        "seed": comparison.seed,
        "trials": comparison.trials,
        "scenarios": [_entry_json(entry) for entry in comparison.entries],
        "differences": [
            _difference_json(comparison, difference) for difference in comparison.differences
        ],
    }


def scenario_comparison_screen(comparison: ScenarioComparison) -> RenderableType:
    """Return a table of the scenarios, a table of their differences, and notes."""
    truths = [truth for truth in _TRUTHS if any(truth in e.go for e in comparison.entries)]
    heading = f"{comparison.trials:,} trials, seed {comparison.seed}, the same patients in all"
    titles = [
        Text(f"{letter}  {entry.scenario.title} ({entry.scenario.path})")
        for letter, entry in zip(letters(), comparison.entries, strict=False)
    ]
    return Group(
        Text(heading, style="bold"),
        *titles,
        Text(),
        _scenarios(comparison, truths),
        *_consider_table(comparison, truths),
        Text(),
        _differences(comparison),
        Text(),
        *_notes(comparison),
    )


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _scenarios(comparison: ScenarioComparison, truths: list[str]) -> Table:
    measures = (_TRUTHS[truth] for truth in truths)
    table = _table(("", "verdict", "patients", *measures, "power/100 patients"))
    for letter, entry in zip(letters(), comparison.entries, strict=False):
        shares = [measured_cell(entry.go[truth]) if truth in entry.go else "-" for truth in truths]
        per_100 = per_100_patients(entry)
        last = "-" if per_100 is None else measured_cell(per_100)
        table.add_row(letter, entry.verdict, str(entry.patients), *shares, last)
    return table


def _consider_table(comparison: ScenarioComparison, truths: list[str]) -> Iterator[RenderableType]:
    """Yield the shares of consider, if a rule has them."""
    rows = [
        (letter, entry.consider)
        for letter, entry in zip(letters(), comparison.entries, strict=False)
        if entry.consider
    ]
    if not rows:
        return
    table = _table(("consider", *truths))
    for letter, consider in rows:
        shares = (measured_cell(consider[truth]) if truth in consider else "-" for truth in truths)
        table.add_row(letter, *shares)
    yield Text()
    yield table


def _differences(comparison: ScenarioComparison) -> Table:
    table = _table(("difference", "of", "", "trials only it wins", "trials only A wins"))
    names = list(letters())
    for difference in comparison.differences:
        table.add_row(
            f"{names[difference.scenario]} - A",
            _TRUTHS[difference.truth],
            measured_cell(difference.measured),
            _list_trials(difference.only_here),
            _list_trials(difference.only_first),
        )
    return table


def letters() -> Iterator[str]:
    """Yield A, B, C ... for up to 676 scenarios."""
    for number in range(26 * 26):
        yield (chr(64 + number // 26) if number >= 26 else "") + chr(65 + number % 26)  # noqa: PLR2004


def per_100_patients(entry: ComparedScenario) -> Measured | None:
    """Return the power per 100 patients; None without a target."""
    power = entry.go.get("target")
    if power is None or math.isnan(power.estimate):
        return None
    times = 100.0 / entry.patients
    return Measured(
        power.estimate * times, power.mcse * times, power.requested, power.used, power.failed
    )


def _notes(comparison: ScenarioComparison) -> Iterator[Text]:
    different = [
        letter
        for letter, entry in zip(letters(), comparison.entries, strict=False)
        if not entry.shares_patients
    ]
    if different:
        yield Text(
            f"{', '.join(different)}: draws other endpoints or visits than A, so their patients are"
            " alike in part; the standard errors allow for it."
        )
    yield Text("+- is Monte Carlo error; that of a difference is of pairs of trials.", style="dim")
    yield from _notes_on_draws(comparison)
    for difference in comparison.differences:
        if difference.truth != "target" or not (difference.only_here or difference.only_first):
            continue
        trial = (difference.only_here or difference.only_first)[0]
        yield Text(f"Trial {trial}, by each of the two:")
        for scenario in (difference.scenario, 0):
            yield Text(f"  {comparison.replay(scenario, trial, difference.truth)}")


def _notes_on_draws(comparison: ScenarioComparison) -> Iterator[Text]:
    """Yield a note where more trials alone would do little for a difference in assurance."""
    names = list(itertools.islice(letters(), len(comparison.entries)))
    limits = [
        f"{difference.measured.draws_mcse:.4f} ({names[difference.scenario]} - A,"
        f" {_TRUTHS[difference.truth]})"
        for difference in comparison.differences
        if difference.measured.is_mostly_of_draws
    ]
    if limits:
        yield Text(
            f"With more trials the +- of the difference does not fall below {', '.join(limits)}:"
            " the draws of the prior limit it.",
            style="dim",
        )


def _list_trials(trials: tuple[int, ...]) -> str:
    return ", ".join(map(str, trials)) if trials else "none"


def _entry_json(entry: ComparedScenario) -> dict[str, Any]:
    per_100 = per_100_patients(entry)
    return {
        "file": str(entry.scenario.path),
        "title": entry.scenario.title,
        "digest": entry.scenario.digest,
        "verdict": entry.verdict,
        "patients": entry.patients,
        "shares_patients": entry.shares_patients,
        "go": [{"truth": truth, **measured_row(m)} for truth, m in entry.go.items()],
        "consider": [{"truth": truth, **measured_row(m)} for truth, m in entry.consider.items()],
        "power_per_100_patients": None if per_100 is None else measured_row(per_100),
    }


def _difference_json(comparison: ScenarioComparison, difference: Difference) -> dict[str, Any]:
    return {
        "scenario": difference.scenario,
        "truth": difference.truth,
        **measured_row(difference.measured),
        "only_here": [
            _replay_json(comparison, difference, trial) for trial in difference.only_here
        ],
        "only_first": [
            _replay_json(comparison, difference, trial) for trial in difference.only_first
        ],
    }


def _replay_json(
    comparison: ScenarioComparison, difference: Difference, trial: int
) -> dict[str, Any]:
    return {
        "trial": trial,
        "here": comparison.replay(difference.scenario, trial, difference.truth),
        "first": comparison.replay(0, trial, difference.truth),
    }

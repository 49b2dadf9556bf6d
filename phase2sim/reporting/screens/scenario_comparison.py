"""Scenarios side by side: as tables, and as plain values for JSON."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.measured import Measured
from phase2sim.operating.characteristics import measured_row
from phase2sim.reporting.measured import cell
from phase2sim.studies.compare import ComparedScenario, Difference, ScenarioComparison

_TRUTHS = {
    "target": "power",
    "null": "type I error",
    "prior": "assurance",
    "sceptical": "assurance, sceptical",
}


def contest_json(contest: ScenarioComparison) -> dict[str, Any]:
    """Plain values: what `phase2sim compare --json` prints."""
    return {
        "seed": contest.seed,
        "trials": contest.trials,
        "scenarios": [_entry_json(entry) for entry in contest.entries],
        "differences": [_difference_json(contest, one) for one in contest.differences],
    }


def contest_screen(contest: ScenarioComparison) -> RenderableType:
    """Return a table of the scenarios, one of their differences, and what they mean."""
    truths = [truth for truth in _TRUTHS if any(truth in e.go for e in contest.entries)]
    heading = f"{contest.trials:,} trials, seed {contest.seed}, the same patients in all"
    named = [
        Text(f"{letter}  {entry.scenario.title} ({entry.scenario.path})")
        for letter, entry in zip(letters(), contest.entries, strict=False)
    ]
    return Group(
        Text(heading, style="bold"),
        *named,
        Text(),
        _scenarios(contest, truths),
        *_considered(contest, truths),
        Text(),
        _differences(contest),
        Text(),
        *_notes(contest),
    )


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _scenarios(contest: ScenarioComparison, truths: list[str]) -> Table:
    named = (_TRUTHS[truth] for truth in truths)
    table = _table(("", "verdict", "patients", *named, "power/100 patients"))
    for letter, entry in zip(letters(), contest.entries, strict=False):
        found = [cell(entry.go[truth]) if truth in entry.go else "-" for truth in truths]
        worth = per_100_patients(entry)
        last = "-" if worth is None else cell(worth)
        table.add_row(letter, entry.verdict, str(entry.patients), *found, last)
    return table


def _considered(contest: ScenarioComparison, truths: list[str]) -> Iterator[RenderableType]:
    """Shares that neither go nor stop, where a rule has them."""
    rows = [
        (letter, entry.consider)
        for letter, entry in zip(letters(), contest.entries, strict=False)
        if entry.consider
    ]
    if not rows:
        return
    table = _table(("consider", *truths))
    for letter, consider in rows:
        found = (cell(consider[truth]) if truth in consider else "-" for truth in truths)
        table.add_row(letter, *found)
    yield Text()
    yield table


def _differences(contest: ScenarioComparison) -> Table:
    table = _table(("difference", "of", "", "trials only it wins", "trials only A wins"))
    names = list(letters())
    for one in contest.differences:
        table.add_row(
            f"{names[one.scenario]} - A",
            _TRUTHS[one.truth],
            cell(one.measured),
            _listed(one.only_here),
            _listed(one.only_first),
        )
    return table


def letters() -> Iterator[str]:
    """A, B, C ... for as many scenarios as anybody compares."""
    for number in range(26 * 26):
        yield (chr(64 + number // 26) if number >= 26 else "") + chr(65 + number % 26)  # noqa: PLR2004


def per_100_patients(entry: ComparedScenario) -> Measured | None:
    """Power that 100 patients buy; None without a target."""
    power = entry.go.get("target")
    if power is None or math.isnan(power.estimate):
        return None
    times = 100.0 / entry.patients
    return Measured(
        power.estimate * times, power.mcse * times, power.requested, power.used, power.failed
    )


def _notes(contest: ScenarioComparison) -> Iterator[Text]:
    apart = [
        letter
        for letter, entry in zip(letters(), contest.entries, strict=False)
        if not entry.shares_patients
    ]
    if apart:
        yield Text(
            f"{', '.join(apart)}: draws other endpoints or visits than A, so their patients are"
            " alike in part; the standard errors allow for it."
        )
    yield Text("+- is Monte Carlo error; that of a difference is of pairs of trials.", style="dim")
    for one in contest.differences:
        if one.truth != "target" or not (one.only_here or one.only_first):
            continue
        trial = (one.only_here or one.only_first)[0]
        yield Text(f"Trial {trial}, by each of the two:")
        for place in (one.scenario, 0):
            yield Text(f"  {contest.replay(place, trial, one.truth)}")


def _listed(trials: tuple[int, ...]) -> str:
    return ", ".join(map(str, trials)) if trials else "none"


def _entry_json(entry: ComparedScenario) -> dict[str, Any]:
    worth = per_100_patients(entry)
    return {
        "file": str(entry.scenario.path),
        "title": entry.scenario.title,
        "digest": entry.scenario.digest,
        "verdict": entry.verdict,
        "patients": entry.patients,
        "shares_patients": entry.shares_patients,
        "go": [{"truth": truth, **measured_row(m)} for truth, m in entry.go.items()],
        "consider": [{"truth": truth, **measured_row(m)} for truth, m in entry.consider.items()],
        "power_per_100_patients": None if worth is None else measured_row(worth),
    }


def _difference_json(contest: ScenarioComparison, one: Difference) -> dict[str, Any]:
    return {
        "scenario": one.scenario,
        "truth": one.truth,
        **measured_row(one.measured),
        "only_here": [_token(contest, one, trial) for trial in one.only_here],
        "only_first": [_token(contest, one, trial) for trial in one.only_first],
    }


def _token(contest: ScenarioComparison, one: Difference, trial: int) -> dict[str, Any]:
    return {
        "trial": trial,
        "here": contest.replay(one.scenario, trial, one.truth),
        "first": contest.replay(0, trial, one.truth),
    }

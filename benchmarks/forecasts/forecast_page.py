"""docs/methods/forecasts.md from results.json and frozen.csv.

``uv run python benchmarks/forecasts/forecast_page.py`` writes it again without any fit.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forecast_picture import draw_intervals
from forecast_tables import HERE, read_rows, scored_rows
from scores import PLAIN, PROGRAM, Score, Summary, compare, summarise

from phase2sim.core.endpoints import ENDPOINTS

ROOT = HERE.parents[1]
DOCS = ROOT / "docs" / "methods" / "forecasts.md"
PICTURE = ROOT / "docs" / "images" / "forecasts.svg"
TEMPLATE = HERE / "page.md"
RESULTS = HERE / "results.json"
NOT_FROZEN = "| none yet | | | | | | | | | | |"
KINDS = {"control": "control arm", "difference": "difference"}
SMALLEST_SHOWN = 0.0005
CALIBRATED = (0.85, 1.15)  # SD of z-scores
FOUR_HOURS = "4-h"  # in a reason of scored.csv: another meal test


def write_page(results: Mapping[str, Any]) -> None:
    """Write the page and its picture."""
    scores = [Score.read(stored) for stored in results["scores"]]
    controls = [s for s in scores if s.what == "control"]
    page = TEMPLATE.read_text(encoding="utf-8").format(
        findings=findings(scores),
        summary="\n".join(summary_rows(scores)),
        controls="\n".join(number_rows(controls)),
        differences="\n".join(number_rows([s for s in scores if s.what == "difference"])),
        fits="\n".join(fit_rows(results["fits"])),
        left_out="\n".join(left_out_rows(results["left_out"])),
        frozen="\n".join(frozen_rows()),
        day=results["written"],
        digest=results["evidence"][:12],
        version=results["model_version"],
    )
    DOCS.write_text(page, encoding="utf-8")
    PICTURE.write_text(draw_intervals(controls) + "\n", encoding="utf-8")


def findings(scores: Sequence[Score]) -> str:
    """The result in two sentences per kind of forecast."""
    return "\n\n".join(_finding(scores, what) for what in KINDS)


def _finding(scores: Sequence[Score], what: str) -> str:
    chosen = [s for s in scores if s.what == what]
    own = summarise(s for s in chosen if s.source == PROGRAM)
    pair = compare(chosen)
    name = "Control arms" if what == "control" else "Differences"
    verdict = "better" if pair.mean > 0 else "worse"
    within = " (within two standard errors of 0)" if abs(pair.mean) < 2 * pair.se else ""
    return (
        f"**{name}.** {own.numbers} numbers of {own.trials} trials: the 50 % intervals hold"
        f" {own.inside_50:.0%}, the 90 % intervals {own.inside_90:.0%}; mean log score"
        f" {own.mean_log_density:.2f}, SD of the z-scores {own.sd_of_z:.2f}:"
        f" {_verdict_on_width(own.sd_of_z)}. Where both forecasts"
        f" exist ({pair.numbers} numbers of {pair.trials} trials), the program's log score is"
        f" {verdict} than the benchmark's by {abs(pair.mean):.2f} per number, standard error"
        f" {pair.se:.2f}{within}."
    )


def _verdict_on_width(sd_of_z: float) -> str:
    narrowest, widest = CALIBRATED
    if sd_of_z < narrowest:
        return "the intervals are too wide"
    return "the intervals are too narrow" if sd_of_z > widest else "the intervals are about right"


def summary_rows(scores: Sequence[Score]) -> Iterator[str]:
    """One line per set of numbers and source."""
    other_tests = {row.row for row in scored_rows() if FOUR_HOURS in row.reason}
    for what, name in KINDS.items():
        chosen = [s for s in scores if s.what == what]
        yield _summary_row(f"{name}, all", PROGRAM, summarise(_of(chosen, PROGRAM)))
        for endpoint in ("c_peptide", "hba1c"):
            of_endpoint = [s for s in chosen if s.endpoint == endpoint]
            label = f"{name}, {ENDPOINTS[endpoint].label}"
            yield _summary_row(label, PROGRAM, summarise(_of(of_endpoint, PROGRAM)))
        if what == "control":
            two_hours = [s for s in chosen if s.row not in other_tests]
            label = f"{name}, without 4-h tests"
            yield _summary_row(label, PROGRAM, summarise(_of(two_hours, PROGRAM)))
        pair = compare(chosen)
        yield _summary_row(f"{name}, where both exist", PROGRAM, pair.program)
        yield _summary_row(f"{name}, where both exist", PLAIN, pair.plain)


def _of(scores: Sequence[Score], source: str) -> list[Score]:
    return [s for s in scores if s.source == source]


def _summary_row(label: str, source: str, found: Summary) -> str:
    return (
        f"| {label} | {source} | {found.trials} | {found.numbers} | {found.inside_50:.0%} |"
        f" {found.inside_90:.0%} | {found.mean_log_density:.2f} | {found.sd_of_z:.2f} |"
    )


def number_rows(scores: Sequence[Score]) -> Iterator[str]:
    """One line per number, with both forecasts."""
    by_row: dict[int, dict[str, Score]] = defaultdict(dict)
    for score in scores:
        by_row[score.row][score.source] = score
    for both in by_row.values():
        own, plain = both[PROGRAM], both.get(PLAIN)
        what = f"{ENDPOINTS[own.endpoint].label}, {own.month:g}"
        benchmark = _span(plain) if plain else "none"
        gain = f"{own.log_density - plain.log_density:+.2f}" if plain else ""
        yield (
            f"| {own.published} | {own.trial} | {what} | {own.studies} |"
            f" {_rounded(own.observed)} | {_span(own)} | {benchmark} |"
            f" {own.log_density:.2f} | {gain} |"
        )


def _span(score: Score) -> str:
    low, high = score.within_90
    mark = "" if score.inside(0.9) else " (outside)"
    return f"{_rounded(score.median)} ({_rounded(low)} to {_rounded(high)}){mark}"


def _rounded(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= SMALLEST_SHOWN else "0"


def fit_rows(fits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line per set of evidence; studies are named when they first appear."""
    known: set[str] = set()
    for fit in fits:
        new = [study for study in fit["studies"] if study not in known]
        gone = sorted(known - set(fit["studies"]))
        known |= set(new)
        words = ", ".join(new) or "none"
        if gone:
            words += f"; without {', '.join(gone)}"
        yield (
            f"| {'; '.join(fit['trials'])} | {len(fit['studies'])} | {words} |"
            f" {fit['largest_rhat']:.3f} | {fit['divergences']} | `{fit['digest'][:8]}` |"
        )


def left_out_rows(left_out: Mapping[str, str]) -> Iterator[str]:
    """One line per row of trials.csv that is not forecast."""
    rows = {row.row: row for row in scored_rows()}
    for number, reason in left_out.items():
        row = rows[int(number)]
        endpoint = ENDPOINTS[row.endpoint].label
        yield f"| {row.trial} | {endpoint}, {row.month:g} | {reason} |"


def frozen_rows() -> Iterator[str]:
    """One line per frozen forecast."""
    if not (HERE / "frozen.csv").exists():
        yield NOT_FROZEN
        return
    for cells in read_rows("frozen.csv"):
        yield (
            f"| {cells['name']} | {cells['registry']} | {ENDPOINTS[cells['endpoint']].label},"
            f" {cells['month']} | {cells['n_control']} + {cells['n_treated']} |"
            f" {_frozen_span(cells, 'control')} {cells['control_unit']} |"
            f" {_frozen_span(cells, 'difference')} | {float(cells['chance_p_below_05']):.0%} |"
            f" {cells['earlier_trials_of_class']} | {cells['frozen_on']} |"
            f" `{cells['evidence'][:8]}`, {cells['model_version']} | `{cells['sha256'][:12]}` |"
        )


def _frozen_span(cells: Mapping[str, str], name: str) -> str:
    median, low, high = (float(cells[f"{name}_{part}"]) for part in ("median", "90_low", "90_high"))
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    write_page(json.loads(RESULTS.read_text(encoding="utf-8")))

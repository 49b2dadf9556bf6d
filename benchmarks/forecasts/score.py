"""Forecast published trials from the evidence before them, and score the forecasts.

    uv run python benchmarks/forecasts/score.py

fits what is not kept yet (about a minute for each of 14 sets of evidence), writes results.json here
and docs/methods/forecasts.md with its picture. It can be stopped and started again.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
from differences import (
    EffectPrior,
    earlier_differences,
    effect_priors,
    on_model_scale,
    plain_difference,
    program_forecast,
)
from evidence_by_date import EvidenceBefore, evidence_before, fit_of, shipped_evidence
from forecast_page import write_page
from forecast_tables import HERE, Dated, ScoredRow, dated, scored_rows
from plain_benchmark import Forecast, on_common_scale, plain_forecast
from scores import PLAIN, PROGRAM, Score, judge
from simulated_reports import Simulated, reports, trial_as_evidence

from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.storage import MODEL_VERSION

RESULTS = HERE / "results.json"
TOO_EARLY = "no study of the file with this endpoint is older"


@dataclass(frozen=True, slots=True)
class Fit:
    """One set of evidence, and the trials that are forecast from it."""

    digest: str
    studies: tuple[str, ...]
    trials: list[str]
    largest_rhat: float
    divergences: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before one trial."""

    trial: Dated
    before: EvidenceBefore
    prior: PriorDraws
    rows: tuple[ScoredRow, ...]  # of all trials
    dates: tuple[Dated, ...]
    effects: dict[str, EffectPrior]


def main() -> None:
    """Forecast, score and write."""
    evidence, dates, rows, effects = shipped_evidence(), dated(), scored_rows(), effect_priors()
    wanted = [row for row in rows if row.control or row.difference]
    fits: dict[str, Fit] = {}
    scores: list[Score] = []
    left_out: dict[int, str] = {row.row: row.reason for row in rows if row not in wanted}
    for trial in sorted((d for d in dates if d.kind == "trial"), key=lambda d: d.earliest):
        own = [row for row in wanted if row.trial == trial.name]
        before = evidence_before(evidence, trial, dates)
        too_early = not before.measured
        left_out |= {row.row: TOO_EARLY for row in own if row.endpoint not in before.measured}
        if too_early or not own:
            continue
        prior = fit_of(before.evidence)
        _note(fits, before, prior, trial)
        known = Known(trial, before, prior, rows, dates, effects)
        for row in own:
            if row.endpoint in before.measured:
                scores += forecasts(row, known)
        sys.stderr.write(f"{trial.earliest} {trial.name}: {len(scores)} forecasts so far\n")
    results = {
        "written": f"{datetime.now(tz=UTC):%Y-%m-%d}",
        "evidence": evidence.digest,
        "model_version": MODEL_VERSION,
        "fits": [asdict(fit) for fit in fits.values()],
        "scores": [score.as_table() for score in scores],
        "left_out": {str(row): left_out[row] for row in sorted(left_out)},
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page(results)


def forecasts(row: ScoredRow, known: Known) -> Iterator[Score]:
    """Score all forecasts of one row."""
    simulated = reports(row, known.prior)
    if row.control:
        on_model = quantity_is_on_model(row)
        observed = on_common_scale(np.array([simulated.observed]), row, on_model=on_model)
        sources = {
            PROGRAM: Forecast.of_values(
                on_common_scale(simulated.control, row, on_model=on_model),
                len(known.before.studies),
            ),
            PLAIN: plain_forecast(row, known.before.evidence),
        }
        yield from _scores(row, known.trial, "control", float(observed[0]), sources)
    if row.difference:
        sources = difference_forecasts(row, known, simulated)
        yield from _scores(row, known.trial, "difference", on_model_scale(row), sources)


def difference_forecasts(
    row: ScoredRow, known: Known, simulated: Simulated
) -> dict[str, Forecast | None]:
    """Both forecasts of a difference."""
    earlier = earlier_differences(row, known.rows, known.dates)
    effect = known.effects[row.endpoint]
    return {
        PROGRAM: program_forecast(row, simulated.spread, earlier, effect),
        PLAIN: plain_difference(row, earlier),
    }


def quantity_is_on_model(row: ScoredRow) -> bool:
    """Whether a row's control number is simulated on the model scale."""
    return trial_as_evidence(row).reported[0].on_model_scale


def _scores(
    row: ScoredRow,
    trial: Dated,
    what: str,
    observed: float,
    sources: dict[str, Forecast | None],
) -> Iterator[Score]:
    for source, forecast in sources.items():
        if forecast is not None:
            yield Score(
                row=row.row,
                trial=row.trial,
                published=trial.earliest,
                endpoint=row.endpoint,
                month=row.month,
                what=what,
                source=source,
                studies=forecast.studies,
                **judge(forecast.predictive, observed),  # type: ignore[arg-type]
            )


def _note(fits: dict[str, Fit], before: EvidenceBefore, prior: PriorDraws, trial: Dated) -> None:
    """Add a trial to its fit."""
    digest = before.evidence.digest
    diagnostics = prior.provenance["diagnostics"]
    if digest not in fits:
        fits[digest] = Fit(
            digest=digest,
            studies=before.studies,
            trials=[],
            largest_rhat=round(float(diagnostics["rhat"]), 4),  # type: ignore[index]
            divergences=int(diagnostics["divergences"]),  # type: ignore[index]
        )
    fits[digest].trials.append(trial.name)


if __name__ == "__main__":
    main()

"""One batch of trials, simulated and summed under every truth of a scenario."""

from dataclasses import replace

from phase2sim.core.draws_error import Picks
from phase2sim.operating.draw_sums import sum_by_draw
from phase2sim.operating.judgements import with_fitted
from phase2sim.operating.measures import TrialSums, by_class, tally
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import Outcomes, simulate_batch
from phase2sim.trial.interim.harm_stops import sums_of_harm
from phase2sim.trial.study import Study


def tally_batch(assembled: AssembledScenario, requested: int, first: int) -> tuple[TrialSums, ...]:
    """Tally one batch under every truth."""
    study = assembled.study
    trials = min(study.batch, requested - first)
    return tuple(
        with_fitted(
            _sum_batch(study, batch, picks),
            assembled.built,
            source.label,
            batch.verdict,
            first=first,
            picks=picks,
        )
        for source in assembled.sources
        for batch in [simulate_batch(study, source, first, trials)]
        for picks in [source.picks(first, trials)]
    )


def _sum_batch(study: Study, batch: Outcomes, picks: Picks | None) -> TrialSums:
    truth_classes = study.decision.classes(batch.true_effect.T, study.hypotheses)
    harm = sums_of_harm(study.safety, batch.watched, batch.ended, study.plan.patients)
    sums = tally(
        batch.estimates, batch.true_effect, batch.missing, batch.verdict,
        months=batch.months, trial_ends=batch.ended, harm=harm,
    )  # fmt: skip
    by_draw = sum_by_draw(
        picks, batch.estimates, batch.true_effect, batch.missing, batch.verdict,
        classes=truth_classes, months=batch.months, trial_ends=batch.ended,
    )  # fmt: skip
    return replace(sums, by_class=by_class(batch.verdict, truth_classes), by_draw=by_draw)

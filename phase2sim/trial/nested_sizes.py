"""Many numbers of patients from one pass: the first n of a trial are the trial of size n."""

from dataclasses import replace

import numpy as np

from phase2sim.analyses.missing_share import missing_shares_first
from phase2sim.analyses.readings import estimate_first
from phase2sim.core.contracts import Trials, TruthSource
from phase2sim.core.decision import side_by_side
from phase2sim.core.estimates import map_estimates, stack_estimates
from phase2sim.trial.batch_results import BatchResults, watched_together
from phase2sim.trial.engine import (
    Outcomes,
    draw_trials,
    months_taken,
    simulate_batch,
    true_effects,
    visible_values,
    watched_for_harm,
)
from phase2sim.trial.safety.monitoring import stop_for_harm
from phase2sim.trial.study import Study


def simulate_sizes(
    study: Study, source: TruthSource, first: int, trials: int, sizes: tuple[int, ...]
) -> tuple[Outcomes, ...]:
    """As ``simulate_batch``, for each number of patients in ``sizes``, which rise.

    The first n patients of a trial are the trial of size n, so they are drawn once. What is said of
    one size does not depend on the others; it agrees with ``simulate_batch`` up to rounding, as
    some analyses add up their sums in another order.
    """
    if study.interim is not None:  # looks after a share of the patients are not nested
        return tuple(simulate_batch(_of_size(study, size), source, first, trials) for size in sizes)
    largest = _of_size(study, sizes[-1])
    complete, answers = _drawn_and_answered(largest, source, first, trials, sizes)
    # All sizes are decided at once: a call for each would cost as much as simulating a batch.
    flat = [map_estimates(estimates, np.ravel) for estimates in answers.estimates]
    verdicts = np.split(study.decision.decide(side_by_side(flat, study.hypotheses)), len(sizes))
    found_of = map(answers.of_size, range(len(sizes)))
    return tuple(
        Outcomes(
            first=first,
            estimates=of_size.estimates,
            true_effect=of_size.true_effect,
            missing=of_size.missing,
            verdict=stop_for_harm(verdict, of_size.watched),
            months=months_taken(study.plan, complete, of_size.watched, patients),
            watched=of_size.watched,
        )
        for patients, verdict, of_size in zip(sizes, verdicts, found_of, strict=True)
    )


def answer_sizes(
    study: Study, source: TruthSource, first: int, trials: int, sizes: tuple[int, ...]
) -> BatchResults:
    """What the analyses of ``simulate_sizes`` say, of all sizes together, and nobody decides.

    With interim looks it is the final analysis, as if no trial had stopped, and every look.
    """
    largest = _of_size(study, sizes[-1])
    if study.interim is None:
        return _drawn_and_answered(largest, source, first, trials, sizes)[1]
    (outcomes,) = simulate_sizes(study, source, first, trials, sizes)
    final = outcomes.looks[-1]
    estimates = tuple(stack_estimates([of_size]) for of_size in final.estimates)
    watched = watched_together([outcomes.watched], np.stack)
    return BatchResults(
        first, estimates, outcomes.true_effect, final.missing[None], outcomes.looks, watched
    )


def _of_size(study: Study, patients: int) -> Study:
    return replace(study, plan=replace(study.plan, patients=patients))


def _drawn_and_answered(
    study: Study, source: TruthSource, first: int, trials: int, sizes: tuple[int, ...]
) -> tuple[Trials, BatchResults]:
    """A batch of the largest size, and what the analyses say of its first patients."""
    truth = source.truth(first, trials)
    complete = draw_trials(study, truth, first, trials)
    values = visible_values(complete)
    estimates = tuple(
        estimate_first(analysis, study.plan, complete, values, study.aim(number), sizes=sizes)
        for number, analysis in enumerate(study.analyses)
    )
    true_effect = true_effects(study, source, truth, trials)
    missing = missing_shares_first(study.plan, study.analyses, complete.seen, sizes)
    watched = watched_together(
        [watched_for_harm(study, complete, patients=patients) for patients in sizes], np.stack
    )
    return complete, BatchResults(first, estimates, true_effect, missing, watched=watched)

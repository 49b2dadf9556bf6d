"""One batch of trials, start to finish: recruit, allocate, draw, observe, estimate, decide."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.analyses.missing_share import missing_shares
from phase2sim.analyses.readings import estimate
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import (
    MODEL_SCALE,
    Estimates,
    Plan,
    Trials,
    Truth,
    TruthSource,
)
from phase2sim.core.decision import side_by_side
from phase2sim.core.endpoints import DERIVED, EVENTS
from phase2sim.trial.interim.data_cut import LookAnalyses, looks_at
from phase2sim.trial.interim.harm_stops import with_harm
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.rules import Interim, InterimRule
from phase2sim.trial.interim.trial_ends import TrialEnds
from phase2sim.trial.safety.monitoring import (
    HarmMonitoring,
    monitor_harm,
    stop_for_harm,
)
from phase2sim.trial.study import BATCH_BYTES, Study

# Freeing one large array, never touched, teaches glibc to keep the memory of a batch for the next:
# else it goes back to the system and is faulted in again, a third of the time of a small trial.
np.empty(8 * BATCH_BYTES, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a batch of trials came to."""

    first: int
    estimates: tuple[Estimates, ...]  # one an analysis
    true_effect: Floats  # (analysis, trial); nan where nobody knows it
    missing: Floats  # (analysis, trial): share of patients without the value it analyses
    verdict: NDArray[np.int8]  # (trial, verdict)
    months: Floats  # (trial,) from the trial's opening to the last readout; nan if not simulated
    watched: HarmMonitoring | None = None  # where there is a safety rule
    # With interim looks all of the above, but for harm, is of each trial's last one.
    looks: tuple[Look, ...] = ()  # every look at every trial, the final analysis last
    ended: TrialEnds | None = None


def simulate_batch(study: Study, source: TruthSource, first: int, trials: int) -> Outcomes:
    """Simulate trials ``first`` to ``first + trials - 1``."""
    truth = source.truth(first, trials)
    complete = draw_trials(study, truth, first, trials)
    if study.interim is not None:
        true_effect = true_effects(study, source, truth, trials)
        return _looked_at(study, study.interim, complete, true_effect)
    estimates = analyse_trials(study, complete)
    watched = watched_for_harm(study, complete)
    verdict = study.decision.decide(side_by_side(estimates, study.hypotheses))
    return Outcomes(
        first=first,
        estimates=estimates,
        true_effect=true_effects(study, source, truth, trials),
        missing=missing_shares(study.plan, study.analyses, complete.seen),
        verdict=stop_for_harm(verdict, watched),
        months=months_taken(study.plan, complete, watched),
        watched=watched,
    )


def watched_for_harm(
    study: Study, complete: Trials, looks: tuple[Look, ...] = (), patients: int | None = None
) -> HarmMonitoring | None:
    """Watch complete trials, or their first patients; None where there is no safety rule."""
    if study.safety is None:
        return None
    analysed = max(analysis.month for analysis in study.analyses)
    at = [look.months for look in looks[:-1]]
    return monitor_harm(study.safety, study.plan, complete, analysed, looks=at, patients=patients)


def _looked_at(
    study: Study, interim: Interim[InterimRule], complete: Trials, true_effect: Floats
) -> Outcomes:
    """Look at complete trials, and end each where the rule stops it."""
    looks, end, watched = follow_looks(study, interim, complete)
    return Outcomes(
        first=complete.first,
        estimates=end.look.estimates,
        true_effect=true_effect,
        missing=end.look.missing,
        verdict=end.course.verdict,
        months=end.look.months,
        watched=watched,
        looks=looks,
        ended=end,
    )


def follow_looks(
    study: Study, interim: Interim[InterimRule], complete: Trials
) -> tuple[tuple[Look, ...], TrialEnds, HarmMonitoring | None]:
    """Every look at complete trials of a design with looks, where each ends, and harm seen."""
    aims = tuple(study.aim(number) for number in range(len(study.analyses)))
    analysed = LookAnalyses(study.plan, study.analyses, aims)
    looks = looks_at(interim.schedule, analysed, complete, visible_values(complete))
    end = interim.rule.end_trials(study.decision, study.hypotheses, looks)
    watched = watched_for_harm(study, complete, looks)
    return looks, with_harm(end, looks, watched), watched


def draw_trials(study: Study, truth: Truth, first: int, trials: int) -> Trials:
    """Patients of a batch, with every outcome and which of them are seen."""
    complete = follow(study, truth, first, trials)
    if study.gaps is not None:
        seen = study.gaps.observe(complete, study.plan)
        complete = replace(complete, seen=seen, has_gaps=True)
    staying = study.dropout.observe(complete, study.plan)
    seen = staying & complete.seen if complete.has_gaps else staying
    shift_lost(study, complete.value, staying)
    return replace(complete, seen=seen)


def follow(
    study: Study,
    truth: Truth,
    first: int,
    trials: int,
    *,
    all_in: int | None = None,
    active: tuple[bool, ...] | None = None,
) -> Trials:
    """Patients of a batch with every outcome, before any is missed.

    ``all_in`` puts everybody into one arm and ``active`` leaves out some of the events: potential
    outcomes of the same patients, on the same random numbers.
    """
    plan, population = study.plan, study.population
    drawn = study.drawn
    shape = (trials, plan.patients)
    arrivals = population.recruitment.arrive(plan.seed, first, shape, plan.sites)
    entrants = population.enrol(drawn, truth, first, arrivals)
    if all_in is None:
        factors = [entrants.factors[name] for name in study.randomisation.over]
        stacked = np.stack(factors) if factors else np.empty((0, *shape), dtype=np.int64)
        arm = study.randomisation.allocate(plan.seed, first, stacked)
    else:
        arm = np.full(shape, all_in, dtype=np.int8)
    complete = population.draw(drawn, truth, entrants, arm)
    if study.events:
        complete = _struck(study, drawn, truth, complete, active or (True,) * len(study.events))
    if plan.counted:
        complete = population.add_events(drawn, truth, complete)
    return complete if study.wide is None else narrow_trials(complete, drawn, plan)


def _struck(
    study: Study, plan: Plan, truth: Truth, complete: Trials, active: tuple[bool, ...]
) -> Trials:
    """Let the active events happen, in their order."""
    gain = study.population.gains(plan, truth, complete)
    never = np.full(complete.arm.shape, len(plan.visits_months), dtype=np.int64)
    struck = [
        event.strike(complete, plan, gain) if acts else never
        for event, acts in zip(study.events, active, strict=True)
    ]
    return replace(complete, struck=np.stack(struck))


def narrow_trials(trials: Trials, drawn: Plan, plan: Plan) -> Trials:
    """Endpoints and visits of ``plan`` alone, of trials that were drawn with more."""
    endpoints = [drawn.endpoints.index(name) for name in plan.endpoints]
    visits = [drawn.visits_months.index(month) for month in plan.visits_months]
    value = np.ascontiguousarray(trials.value[:, endpoints][:, :, visits])
    return replace(
        trials,
        value=value,
        seen=np.ones(value.shape, dtype=np.bool_),
        struck=None if trials.struck is None else np.searchsorted(visits, trials.struck),
        counts={name: so_far[:, visits] for name, so_far in trials.counts.items()},
    )


def analyse_trials(study: Study, complete: Trials) -> tuple[Estimates, ...]:
    """Every analysis of a batch, on what was seen of it."""
    values = visible_values(complete)
    return tuple(
        estimate(analysis, study.plan, complete, values, study.aim(number))
        for number, analysis in enumerate(study.analyses)
    )


def visible_values(complete: Trials) -> Floats:
    """Values with nan where they were not seen."""
    if complete.seen.all():
        return complete.value
    return np.where(complete.seen, complete.value, np.nan)


def shift_lost(study: Study, value: Floats, staying: Bools) -> None:
    """Move, in place, what those would have had who do not stay; nothing without a ``delta``."""
    for name, shift in study.after_loss.items():
        e = study.plan.endpoints.index(name)
        value[:, e] += shift * ~staying[:, e]


def months_taken(
    plan: Plan, trials: Trials, watched: HarmMonitoring | None, patients: int | None = None
) -> Floats:
    """Months (trial,) from the opening to the last visit of the first patients, or of all.

    Or to the day on which a trial is stopped for harm.
    """
    if trials.arrivals is None:
        return np.full(len(trials.arm), np.nan)
    last: Floats = trials.arrivals.months[:, :patients].max(axis=1) + plan.visits_months[-1]
    return last if watched is None else np.minimum(last, watched.months)


def true_effects(study: Study, source: TruthSource, truth: Truth, trials: int) -> Floats:
    """True effect behind each analysis, (analysis, trial); nan where nobody knows it."""
    if source.label in study.known:
        value = study.known[source.label].value
        return np.broadcast_to(value[:, None], (value.size, trials))
    effects = [true_effect(study, truth, number) for number in range(len(study.analyses))]
    return np.stack([np.broadcast_to(effect, trials) for effect in effects])


def true_effect(study: Study, truth: Truth, number: int) -> Floats:
    """What an analysis estimates if nothing intervenes, (trial,) or one for all; nan if unknown.

    An effect off the model scale, on a derived outcome, or of a strategy that counts what happens
    after an event does not follow from a truth alone. An analysis with ``averaged_from`` estimates
    the mean over the visits from then to its month.
    """
    analysis, plan = study.analyses[number], study.drawn
    if not is_stated(study, number):
        return np.full(1, np.nan)
    visits = [plan.visits_months.index(month) for month in analysed_months(study.plan, analysis)]
    e, arm = plan.endpoints.index(analysis.endpoint), study.aim(number).arm
    average: Floats = truth.effect[:, arm, e, visits].mean(axis=1)  # arm 0 has no effect
    return average if plan.background is None else average * plan.background.average_kept


def is_stated(study: Study, number: int) -> bool:
    """Whether a truth itself states what an analysis estimates."""
    analysis = study.analyses[number]
    return (
        analysis.scale == MODEL_SCALE
        and analysis.endpoint not in {*DERIVED, *EVENTS}
        and study.aim(number).is_hypothetical
        and not study.after_loss
    )


def analysed_months(plan: Plan, analysis: Analysis) -> tuple[float, ...]:
    """Months of the plan's visits whose effects an analysis estimates or averages."""
    first = analysis.averaged_from or analysis.month
    return tuple(month for month in plan.visits_months if first <= month <= analysis.month)

"""One batch of trials, start to finish: allocate, draw, observe, estimate, decide."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.contracts import (
    MODEL_SCALE,
    Analysis,
    Arms,
    Bools,
    Decision,
    Estimates,
    Floats,
    Missingness,
    Plan,
    Randomisation,
    Reading,
    Trials,
    Truth,
    TruthSource,
)

type Draw = Callable[[Plan, Truth, Arms, int], Trials]

_BATCH_BYTES = 2_000_000  # outcomes of one batch: larger ones leave the processor's cache
_LARGEST_BATCH = 4096

# Freeing one large array, never touched, teaches glibc to keep the memory of a batch for the next:
# else it goes back to the system and is faulted in again, a third of the time of a small trial.
np.empty(8 * _BATCH_BYTES, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Study:
    """A trial ready to be simulated: the plan and its parts."""

    plan: Plan
    randomisation: Randomisation
    draw: Draw
    missingness: Missingness
    analyses: tuple[Analysis, ...]
    names: tuple[str, ...]  # of the analyses
    decision: Decision

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Names of the verdicts."""
        return self.decision.labels(self.names)

    @property
    def batch(self) -> int:
        """Trials in a batch: set by the design alone, so that sums never depend on workers."""
        plan = self.plan
        bytes_a_trial = 8 * len(plan.endpoints) * len(plan.visits_months) * plan.patients
        return int(np.clip(_BATCH_BYTES // bytes_a_trial, 1, _LARGEST_BATCH))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a batch of trials came to."""

    first: int
    estimates: tuple[Estimates, ...]  # one an analysis
    true_effect: Floats  # (analysis, trial); nan for an effect off the model scale
    missing: Floats  # (analysis, trial): share of patients without the value it analyses
    verdict: NDArray[np.int8]  # (trial, verdict)


def simulate_batch(study: Study, source: TruthSource, first: int, trials: int) -> Outcomes:
    """Simulate trials ``first`` to ``first + trials - 1``."""
    truth = source.truth(first, trials)
    complete = draw_trials(study, truth, first, trials)
    observed = complete.value
    if not complete.seen.all():
        observed = np.where(complete.seen, complete.value, np.nan)
    estimates = tuple(
        analysis.estimate(reading(study.plan, complete, observed, analysis.endpoint))
        for analysis in study.analyses
    )
    p = np.stack([estimate.p for estimate in estimates], axis=1)
    return Outcomes(
        first=first,
        estimates=estimates,
        true_effect=_true_effects(study, truth, trials),
        missing=_missing(study, complete.seen),
        verdict=study.decision.decide(p),
    )


def draw_trials(study: Study, truth: Truth, first: int, trials: int) -> Trials:
    """Patients of a batch, with every outcome and which of them are seen."""
    arm = study.randomisation.allocate(study.plan.seed, first, trials, study.plan.patients)
    complete = study.draw(study.plan, truth, arm, first)
    return replace(complete, seen=study.missingness.observe(complete, study.plan))


def reading(plan: Plan, trials: Trials, observed: Floats, endpoint: str) -> Reading:
    """Return what an analysis of one endpoint reads of a batch."""
    e = plan.endpoints.index(endpoint)
    return Reading(
        arm=trials.arm,
        baseline=observed[:, e, 0],
        value=observed[:, e, 1:],
        visits_months=plan.visits_months[1:],
        age_years=trials.age_years,
        stratum=trials.stratum,
        seed=plan.seed,
        first=trials.first,
    )


def _true_effects(study: Study, truth: Truth, trials: int) -> Floats:
    """True effect behind each analysis: treated minus control at its month, or averaged to it.

    A truth says nothing of effects off the model scale, such as a difference in response rates.
    """
    effects = [true_effect(study.plan, truth, analysis) for analysis in study.analyses]
    return np.stack([np.broadcast_to(effect, trials) for effect in effects])


def true_effect(plan: Plan, truth: Truth, analysis: Analysis) -> Floats:
    """What ``analysis`` estimates, (trial,) or one for all; nan for an effect off the model scale.

    An analysis with ``averaged_from`` estimates the mean over the visits from then to its month.
    """
    if analysis.scale != MODEL_SCALE:
        return np.full(1, np.nan)
    visits = [plan.visits_months.index(month) for month in months_of(plan, analysis)]
    effect = truth.effect[:, 1, plan.endpoints.index(analysis.endpoint), visits]
    average: Floats = effect.mean(axis=1)  # arm 0 has no effect
    return average


def months_of(plan: Plan, analysis: Analysis) -> tuple[float, ...]:
    """Months of the plan's visits whose effects an analysis estimates or averages."""
    first = getattr(analysis, "averaged_from", None) or analysis.month
    return tuple(month for month in plan.visits_months if first <= month <= analysis.month)


def _missing(study: Study, seen: Bools) -> Floats:
    return np.stack([1.0 - seen[:, e, v].mean(axis=1) for e, v in _places(study)])


def _places(study: Study) -> list[tuple[int, int]]:
    """Endpoint and visit of each analysis."""
    plan = study.plan
    return [
        (plan.endpoints.index(analysis.endpoint), plan.visits_months.index(analysis.month))
        for analysis in study.analyses
    ]

"""One batch of trials, start to finish: allocate, draw, observe, estimate, decide."""

from collections.abc import Callable, Iterator
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
    Ints,
    Missingness,
    Outcomes,
    Plan,
    Randomisation,
    Reading,
    Trials,
    Truth,
    TruthSource,
)
from phase2sim.kernels import kernel

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


def simulate_batch(study: Study, source: TruthSource, first: int, trials: int) -> Outcomes:
    """Simulate trials ``first`` to ``first + trials - 1``."""
    truth = source.truth(first, trials)
    complete = draw_trials(study, truth, first, trials)
    observed = _observed(complete)
    estimates = tuple(
        analysis.estimate(reading(study.plan, complete, observed, analysis.endpoint))
        for analysis in study.analyses
    )
    return Outcomes(
        first=first,
        estimates=estimates,
        true_effect=_true_effects(study, truth, trials),
        missing=_missing(study, complete.seen),
        verdict=decide(study.decision, estimates),
    )


def simulate_sizes(
    study: Study, source: TruthSource, first: int, trials: int, sizes: tuple[int, ...]
) -> tuple[Outcomes, ...]:
    """As ``simulate_batch``, for each number of patients in ``sizes``, which rise.

    The first n patients of a trial are the trial of size n, so they are drawn once. What is said of
    one size does not depend on the others; it agrees with ``simulate_batch`` up to rounding, as
    some analyses add up their sums in another order.
    """
    largest = replace(study, plan=replace(study.plan, patients=sizes[-1]))
    truth = source.truth(first, trials)
    complete = draw_trials(largest, truth, first, trials)
    observed = _observed(complete)
    by_analysis = [
        _estimate_first(analysis, reading(study.plan, complete, observed, analysis.endpoint), sizes)
        for analysis in study.analyses
    ]
    by_size = tuple(zip(*by_analysis, strict=True))
    # All sizes are decided at once: a call for each would cost as much as simulating a batch.
    p = [np.concatenate([estimate.p for estimate in sized]) for sized in by_analysis]
    verdicts = np.split(study.decision.decide(np.stack(p, axis=1)), len(sizes))
    true_effect = _true_effects(study, truth, trials)
    missing = _missing_first(study, complete.seen, sizes)
    return tuple(
        Outcomes(first, estimates, true_effect, lost, verdict)
        for estimates, lost, verdict in zip(by_size, missing, verdicts, strict=True)
    )


def decide(decision: Decision, estimates: tuple[Estimates, ...]) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) on one estimate an analysis."""
    return decision.decide(np.stack([estimate.p for estimate in estimates], axis=1))


def _observed(complete: Trials) -> Floats:
    """Values with nan where they were not seen."""
    if complete.seen.all():
        return complete.value
    return np.where(complete.seen, complete.value, np.nan)


def _estimate_first(
    analysis: Analysis, read: Reading, sizes: tuple[int, ...]
) -> tuple[Estimates, ...]:
    """Estimates for each size: in one pass where the analysis can, else from the first n alone."""
    # Asked of the type: a part that wraps an analysis passes its attributes on, not its reading.
    in_one_pass = getattr(type(analysis), "estimate_first", None)
    if in_one_pass is not None:
        found: tuple[Estimates, ...] = in_one_pass(analysis, read, sizes)
        return found
    return tuple(analysis.estimate(read.of_first(patients)) for patients in sizes)


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


def _missing_first(study: Study, seen: Bools, sizes: tuple[int, ...]) -> Iterator[Floats]:
    """As ``_missing``, among the first n patients, for each size."""
    there = [_count_first(seen[:, e, v], np.array(sizes)) for e, v in _places(study)]
    for k, patients in enumerate(sizes):
        yield np.stack([1.0 - counts[k] / patients for counts in there])


@kernel
def _count_first(seen: Bools, sizes: Ints) -> Ints:
    """How many of the first patients are seen, (size, trial); ``sizes`` rise."""
    counts = np.zeros((sizes.size, seen.shape[0]), np.int64)
    for trial in range(seen.shape[0]):
        total = i = 0
        for k in range(sizes.size):
            while i < sizes[k]:
                total += 1 if seen[trial, i] else 0
                i += 1
            counts[k, trial] = total
    return counts


def _places(study: Study) -> list[tuple[int, int]]:
    """Endpoint and visit of each analysis."""
    plan = study.plan
    return [
        (plan.endpoints.index(analysis.endpoint), plan.visits_months.index(analysis.month))
        for analysis in study.analyses
    ]

"""From stored trials to the operating characteristics of a cell: the same sums as in a run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import add

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.contracts import GO, UNDECIDED
from phase2sim.core.decision import side_by_side
from phase2sim.core.measured import Measured, mean_of
from phase2sim.operating.characteristics import (
    Characteristic,
    ClosedFormOf,
    failed_too_often,
    operating_characteristics,
)
from phase2sim.operating.measures import TrialSums, by_class, tally
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.store.folder import Store
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.interim.harm_stops import sums_of_harm, with_harm
from phase2sim.trial.interim.trial_ends import TrialEnds
from phase2sim.trial.safety.monitoring import stop_for_harm

_TRIALS_AT_ONCE = 100_000  # added up together: memory stays bounded, and sums never differ

type Verdicts = Mapping[str, NDArray[np.int8]]  # truth -> (trial, verdict)


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the stored trials of a cell come to."""

    cell: Cell
    trials: int
    rows: tuple[Characteristic, ...]
    verdicts: Verdicts
    refused: Mapping[str, str]  # truth -> why its numbers are not to be used


def measure(store: Store, cell: Cell, requested: int, closed_form: ClosedFormOf) -> Measurements:
    """Decide on every stored trial of a cell and add up; raises ``DamagedFile``."""
    sums: dict[str, TrialSums] = {}
    verdicts: dict[str, list[NDArray[np.int8]]] = {truth: [] for truth in cell.truths}
    trials = store.trials(cell.study)
    for part, verdicts_by_truth in _parts(store, cell, trials):
        for truth, (tallied, verdict) in zip(cell.truths, verdicts_by_truth, strict=True):
            sums[truth] = tallied if part == 0 else add(sums[truth], tallied)
            verdicts[truth].append(verdict)
    rows = operating_characteristics(cell.built, sums, max(requested, trials), closed_form)
    return Measurements(
        cell=cell,
        trials=trials,
        rows=tuple(rows),
        verdicts={truth: np.concatenate(each) for truth, each in verdicts.items() if each},
        refused=dict(failed_too_often(cell.built, sums)),
    )


def verdicts_of(store: Store, cell: Cell, trials: int | None = None) -> Verdicts:
    """Verdicts on the first trials of a cell, all if not said, by truth."""
    answers = store.answers(cell.study, 0, trials)
    return {truth: stored_verdicts(cell, one) for truth, one in answers.items()}


def difference(verdicts: NDArray[np.int8], reference: NDArray[np.int8]) -> Measured:
    """Share of go minus that of a reference whose trials have the same patients.

    The standard error is that of the paired difference over the trials that both have decided.
    """
    trials = min(len(verdicts), len(reference))
    go, other = verdicts[:trials], reference[:trials]
    both = (go != UNDECIDED) & (other != UNDECIDED)
    apart = (go[both] == GO).astype(np.int64) - (other[both] == GO)
    # A sum of whole numbers is exact, so the pairs can be added in any order.
    return mean_of(int(apart.sum()), int((apart**2).sum()), apart.size, trials, trials)


def _parts(
    store: Store, cell: Cell, trials: int
) -> Iterator[tuple[int, list[tuple[TrialSums, NDArray[np.int8]]]]]:
    for part, first in enumerate(range(0, trials, _TRIALS_AT_ONCE)):
        last = min(first + _TRIALS_AT_ONCE, trials)
        answers = store.answers(cell.study, first, last)
        yield part, [_tallied(cell, answers[truth]) for truth in cell.truths]


def _tallied(cell: Cell, answers: BatchResults) -> tuple[TrialSums, NDArray[np.int8]]:
    """Sums and verdicts (trial, verdict) of stored trials under one truth."""
    built, true_effect = cell.built, answers.true_effect
    went = ended_of(cell.built, answers)
    harm = sums_of_harm(built.study.safety, answers.watched, went, built.study.plan.patients)
    if went is None:
        verdict = stored_verdicts(cell, answers)
        tallied = tally(answers.estimates, true_effect, answers.missing, verdict, harm=harm)
    else:
        look, verdict = went.look, went.course.verdict
        tallied = tally(
            look.estimates, true_effect, look.missing, verdict,
            months=look.months, trial_ends=went, harm=harm,
        )  # fmt: skip
    known = built.study.decision.classes(true_effect.T, built.study.hypotheses)
    return replace(tallied, by_class=by_class(verdict, known)), verdict


def stored_verdicts(cell: Cell, answers: BatchResults) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) on stored estimates."""
    went = ended_of(cell.built, answers)
    if went is not None:
        return went.course.verdict
    built = cell.built
    verdict = built.study.decision.decide(side_by_side(answers.estimates, built.study.hypotheses))
    return stop_for_harm(verdict, answers.watched)


def ended_of(built: BuiltScenario, answers: BatchResults) -> TrialEnds | None:
    """Where stored trials stop, by a scenario's rule or for harm; None without looks."""
    study = built.study
    if study.interim is None:
        return None
    end = study.interim.rule.end_trials(study.decision, study.hypotheses, answers.looks)
    return with_harm(end, answers.looks, answers.watched)

"""The smallest trial, or the smallest effect, that reaches a power or an assurance."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, TruthSource
from phase2sim.core.decision import AnalysisResults
from phase2sim.core.draws_error import with_draws_of_trials
from phase2sim.core.errors import BadInput
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Progress, Report
from phase2sim.operating.closed_form import ClosedForm, closed_form_power
from phase2sim.operating.simulation import PreparedScenario, prepare_scenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.cautions import harmful_targets
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.studies.sizing.looks_by_size import LooksBySize, looks_by_size, looks_fit
from phase2sim.studies.sizing.search import SearchResult, Steps, check_step, search_steps
from phase2sim.studies.sizing.size_result import Search, SizeResult, Theory
from phase2sim.studies.sizing.size_tests import Question
from phase2sim.studies.sizing.success_counts import CountedTrials, Counter, ScaledTruth
from phase2sim.trial.engine import is_stated, true_effect

_TRUTHS = {"power": "target", "assurance": "prior"}
_CEILING_DRAWS = 100_000
_FAR = 4.0  # standard errors
_CERTAIN = 1e-12  # standard error of an estimate from infinitely many patients
_FEWEST = 4  # patients
_TRIALS_OF_MEAN = 10_000  # for the mean number enrolled
_MULTIPLES = Steps(lowest=0.05, highest=20.0, unit=0.005)  # of the target's effect


def find_size(
    scenario: Scenario,
    goal: Search,
    backend: Backend,
    report: Report = lambda _line: None,
    progress: Progress = lambda _open, _trials: None,
) -> SizeResult:
    """Find the fewest patients whose power, or assurance, is at least the target.

    Raises ``BadInput`` for what does not fit; a target that cannot be reached is no error.
    """
    setup = _prepare_search(prepare_scenario(scenario, report), goal)
    design = setup.assembled.built.design
    unit = sum(design.allocation)
    looks = looks_by_size(setup.assembled.built)
    lowest = -(-max(_FEWEST, design.block_size or 0) // unit) * unit
    while lowest < goal.largest and not looks_fit(setup.assembled.built, lowest):
        lowest += unit
    if goal.largest < 2 * lowest:
        raise BadInput(f"--at-most {goal.largest} is too few; at least {2 * lowest} patients.")
    steps = Steps(float(lowest), float(goal.largest // unit * unit), float(unit))
    ceiling = setup.ceiling
    if ceiling is not None and ceiling.estimate + _FAR * ceiling.mcse < goal.target:
        return SizeResult(scenario, goal, setup.verdict, None, ceiling)
    counter = Counter(backend, setup.trials, looks_by_size=looks)
    theory = _closed_form_answer(partial(_closed_form_at_size, setup, looks), steps, goal)
    search_result = _search(counter, setup.question, steps, theory, progress)
    result = SizeResult(scenario, goal, setup.verdict, search_result, ceiling, theory)
    if looks is None or result.patients is None:
        return result
    enrolled = counter.enrolled(result.patients, min(goal.most, _TRIALS_OF_MEAN))
    return replace(result, enrolled=enrolled)


def smallest_effect(
    scenario: Scenario,
    goal: Search,
    backend: Backend,
    report: Report = lambda _line: None,
    progress: Progress = lambda _open, _trials: None,
) -> SizeResult:
    """Find the smallest multiple of the target's effects that has the power with its patients.

    As ``find_size``; the effects on several endpoints grow together.
    """
    setup = _prepare_search(prepare_scenario(scenario, report), goal)
    if goal.criterion != "power" or (setup.ceiling and setup.ceiling.estimate < 1.0):
        raise BadInput(
            f"{scenario.path}: a smallest detectable effect is a multiple of truth.target, with a"
            " power; give a target in the direction of benefit, and --power."
        )
    counter = Counter(backend, setup.trials, effects=True)
    theory = _closed_form_answer(partial(_closed_form_at_effect, setup), _MULTIPLES, goal)
    search_result = _search(counter, setup.question, _MULTIPLES, theory, progress)
    effect = _target_effect(setup)
    if search_result.answer is not None and effect is not None:
        effect *= search_result.answer.value
    result = SizeResult(scenario, goal, setup.verdict, search_result, None, theory)
    return replace(result, by_effect=True, effect=effect)


@dataclass(frozen=True, slots=True)
class _SizeSearch:
    """A search with its trials, its truth and its ceiling."""

    goal: Search
    assembled: AssembledScenario
    source: TruthSource
    trials: CountedTrials
    ceiling: Measured | None

    @property
    def verdict(self) -> str:
        """Name of the verdict."""
        return self.assembled.study.verdicts[self.trials.verdict]

    @property
    def question(self) -> Question:
        """Target, error and most trials of the search."""
        goal = self.goal
        return Question(goal.target, 1.0 - goal.confidence, goal.tolerance, goal.most)


def _prepare_search(prepared: PreparedScenario, goal: Search) -> _SizeSearch:
    """Find the truth and the verdict of the goal; raises ``BadInput``."""
    assembled, path = prepared.assembled, prepared.assembled.built.path
    label = _TRUTHS[goal.criterion]
    harm = next(harmful_targets(assembled.built), None)
    if label == "target" and harm is not None:
        raise BadInput(f"{path}: {harm} No number of patients shows it as benefit.")
    sources = {source.label: source for source in assembled.sources}
    if label not in sources:
        raise BadInput(f"{path}: truth.{label} is missing; {goal.criterion} needs it. Add it.")
    names, verdicts = assembled.study.names, assembled.study.verdicts
    default = verdicts[-1] if len(verdicts) > len(names) or len(names) == 1 else None
    verdict = goal.verdict or default
    if verdict not in verdicts:
        raise BadInput(
            f"{path}: which verdict is to reach {goal.target:g}? Say --verdict with one of"
            f" {', '.join(verdicts)}."
        )
    trials = CountedTrials(assembled.study, sources[label], verdicts.index(verdict))
    return _SizeSearch(goal, assembled, sources[label], trials, _ceiling(trials))


def _ceiling(trials: CountedTrials) -> Measured | None:
    """Probability of a go with infinitely many patients, when estimates equal the truth.

    None where the truth of an analysis is unknown. Estimates are assumed to be consistent.
    """
    study, source = trials.study, trials.source
    truth = source.truth(0, _CEILING_DRAWS)
    effects, p = np.empty((2, _CEILING_DRAWS, len(study.analyses)))
    for number, analysis in enumerate(study.analyses):
        if not is_stated(study, number):
            return None
        effect = true_effect(study, truth, number)
        sign = study.hypotheses[number].benefit_sign
        effects[:, number] = effect
        p[:, number] = np.where(sign * (effect - analysis.null_effect) > 0.0, 0.0, 1.0)
    certain = AnalysisResults(
        effects, np.full(p.shape, _CERTAIN), np.full(p.shape, np.inf), p, study.hypotheses
    )
    is_go = study.decision.decide(certain)[:, trials.verdict] == GO
    share = proportion(int(is_go.sum()), _CEILING_DRAWS, _CEILING_DRAWS)
    return with_draws_of_trials(share, is_go, source.picks(0, _CEILING_DRAWS))


def _search(
    counter: Counter, question: Question, steps: Steps, theory: Theory | None, progress: Progress
) -> SearchResult:
    """The answer: that of an exact closed form, checked by simulation, else found by it."""
    if theory is None or theory.why:
        return search_steps(counter, question, steps, progress)
    return check_step(counter, question, steps, theory.step)


def _closed_form_answer(
    closed_form_at: Callable[[float], ClosedForm | None], steps: Steps, goal: Search
) -> Theory | None:
    """Lowest step with the target power by theory; None without one, or if none has it."""
    if goal.criterion != "power":
        return None
    low, high = steps.lowest, steps.lowest
    while (closed_form := closed_form_at(high)) is None or closed_form.value < goal.target:
        if high >= steps.highest:
            return None
        low, high = high, steps.doubled(high)
    while len(candidates := steps.between(low, high, 3)) > 2:  # noqa: PLR2004 - both ends
        middle = closed_form_at(candidates[1])
        if middle is not None and middle.value >= goal.target:
            closed_form, high = middle, candidates[1]
        else:
            low = candidates[1]
    at_low = closed_form_at(low) if low < high else None
    return Theory(
        high, closed_form.value, None if at_low is None else at_low.value, closed_form.why
    )


def _closed_form_at_size(
    setup: _SizeSearch, looks: LooksBySize | None, patients: float
) -> ClosedForm | None:
    study = setup.assembled.study
    if setup.trials.verdict >= len(study.analyses):
        return None
    study = replace(study, plan=replace(study.plan, patients=int(patients)))
    if looks is not None:
        study = replace(study, interim=looks(int(patients)))
    return closed_form_power(
        replace(setup.assembled, study=study), setup.trials.verdict, setup.source
    )


def _closed_form_at_effect(setup: _SizeSearch, multiple: float) -> ClosedForm | None:
    if setup.trials.verdict >= len(setup.assembled.study.analyses):
        return None
    return closed_form_power(
        setup.assembled, setup.trials.verdict, ScaledTruth(setup.source, multiple)
    )


def _target_effect(setup: _SizeSearch) -> float | None:
    """Effect of the target behind one analysis; None for a verdict on several."""
    study, number = setup.assembled.study, setup.trials.verdict
    if number >= len(study.analyses):
        number = 0
        if len(study.analyses) > 1:
            return None
    effect = float(true_effect(study, setup.source.truth(0, 1), number)[0])
    return effect if math.isfinite(effect) else None

"""The smallest trial, or the smallest effect, that reaches a power or an assurance."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, TruthSource
from phase2sim.core.decision import AnalysisResults
from phase2sim.core.errors import BadInput
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Progress, Report
from phase2sim.operating.closed_form import ClosedForm, twin
from phase2sim.operating.simulation import Ready, prepare_scenario
from phase2sim.scenario.assembly.assemble import Assembled
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.studies.sizing.looks_by_size import LooksOf, fits, looks_of
from phase2sim.studies.sizing.search import Steps, search
from phase2sim.studies.sizing.size_result import Search, SizeResult
from phase2sim.studies.sizing.size_tests import Question
from phase2sim.studies.sizing.success_counts import CountedTrials, Counter, Scaled
from phase2sim.trial.engine import is_stated, true_effect

_TRUTHS = {"power": "target", "assurance": "prior"}
_CEILING_DRAWS = 100_000
_FAR = 4.0  # standard errors
_CERTAIN = 1e-12  # standard error of an estimate from endless patients
_FEWEST = 4  # patients
_TRIALS_OF_MEAN = 10_000  # of which the mean number of patients is told
_MULTIPLES = Steps(lowest=0.05, highest=20.0, unit=0.005)  # of the target's effect


def find_size(
    scenario: Scenario,
    wanted: Search,
    backend: Backend,
    report: Report = lambda _line: None,
    progress: Progress = lambda _open, _trials: None,
) -> SizeResult:
    """Find the fewest patients whose power, or assurance, is at least the target.

    Raises ``BadInput`` for what does not fit; a target that cannot be reached is no error.
    """
    asked = _asked(prepare_scenario(scenario, report), wanted)
    design = asked.assembled.built.design
    unit = sum(design.allocation)
    looks = looks_of(asked.assembled.built)
    lowest = -(-max(_FEWEST, design.block_size or 0) // unit) * unit
    while lowest < wanted.largest and not fits(asked.assembled.built, lowest):
        lowest += unit
    if wanted.largest < 2 * lowest:
        raise BadInput(f"--at-most {wanted.largest} is too few; at least {2 * lowest} patients.")
    steps = Steps(float(lowest), float(wanted.largest // unit * unit), float(unit))
    ceiling = asked.ceiling
    if ceiling is not None and ceiling.estimate + _FAR * ceiling.mcse < wanted.target:
        return SizeResult(scenario, wanted, asked.verdict, None, ceiling)
    counter = Counter(backend, asked.trials, looks_of=looks)
    found = search(counter, asked.question, steps, progress)
    known = _closed_form(partial(_of_size, asked, looks), steps, wanted)
    sized = SizeResult(scenario, wanted, asked.verdict, found, ceiling, *known)
    if looks is None or sized.patients is None:
        return sized
    enrolled = counter.enrolled(sized.patients, min(wanted.most, _TRIALS_OF_MEAN))
    return replace(sized, enrolled=enrolled)


def smallest_effect(
    scenario: Scenario,
    wanted: Search,
    backend: Backend,
    report: Report = lambda _line: None,
    progress: Progress = lambda _open, _trials: None,
) -> SizeResult:
    """Find the smallest multiple of the target's effects that has the power with its patients.

    As ``find_size``; the effects on several endpoints grow together.
    """
    asked = _asked(prepare_scenario(scenario, report), wanted)
    if wanted.of != "power" or (asked.ceiling and asked.ceiling.estimate < 1.0):
        raise BadInput(
            f"{scenario.path}: a smallest detectable effect is a multiple of truth.target, with a"
            " power; give a target in the direction of benefit, and --power."
        )
    counter = Counter(backend, asked.trials, effects=True)
    found = search(counter, asked.question, _MULTIPLES, progress)
    known = _closed_form(partial(_of_effect, asked), _MULTIPLES, wanted)
    effect = _effect(asked)
    if found.answer is not None and effect is not None:
        effect *= found.answer.value
    sized = SizeResult(scenario, wanted, asked.verdict, found, None, *known)
    return replace(sized, by_effect=True, effect=effect)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A search with all that it needs."""

    wanted: Search
    assembled: Assembled
    source: TruthSource
    trials: CountedTrials
    ceiling: Measured | None

    @property
    def verdict(self) -> str:
        """Name of the verdict."""
        return self.assembled.study.verdicts[self.trials.verdict]

    @property
    def question(self) -> Question:
        """What is asked of a ladder."""
        wanted = self.wanted
        return Question(wanted.target, 1.0 - wanted.confidence, wanted.tolerance, wanted.most)


def _asked(ready: Ready, wanted: Search) -> _Asked:
    """Find the truth and the verdict that are asked for; raises ``BadInput``."""
    assembled, path = ready.assembled, ready.assembled.built.path
    label = _TRUTHS[wanted.of]
    sources = {source.label: source for source in assembled.sources}
    if label not in sources:
        raise BadInput(f"{path}: truth.{label} is missing; {wanted.of} needs it. Add it.")
    names, verdicts = assembled.study.names, assembled.study.verdicts
    alone = verdicts[-1] if len(verdicts) > len(names) or len(names) == 1 else None
    verdict = wanted.verdict or alone
    if verdict not in verdicts:
        raise BadInput(
            f"{path}: which verdict is to reach {wanted.target:g}? Say --verdict with one of"
            f" {', '.join(verdicts)}."
        )
    trials = CountedTrials(assembled.study, sources[label], verdicts.index(verdict))
    return _Asked(wanted, assembled, sources[label], trials, _ceiling(trials))


def _ceiling(trials: CountedTrials) -> Measured | None:
    """Chance of a go with endless patients: every analysis then sees the truth.

    None where the truth of an analysis is not known. Estimates are taken to centre on the truth.
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
    verdict = study.decision.decide(certain)[:, trials.verdict]
    return proportion(int((verdict == GO).sum()), _CEILING_DRAWS, _CEILING_DRAWS)


def _closed_form(
    at: Callable[[float], ClosedForm | None], steps: Steps, wanted: Search
) -> tuple[float | None, str]:
    """Lowest step whose power by theory is at the target, and what keeps that from being exact."""
    if wanted.of != "power":
        return None, ""
    low, high = steps.lowest, steps.lowest
    while (known := at(high)) is None or known.value < wanted.target:
        if high >= steps.highest:
            return None, ""
        low, high = high, steps.doubled(high)
    while len(inside := steps.between(low, high, 3)) > 2:  # noqa: PLR2004 - both ends
        here = at(inside[1])
        if here is not None and here.value >= wanted.target:
            known, high = here, inside[1]
        else:
            low = inside[1]
    return high, known.why


def _of_size(asked: _Asked, looks: LooksOf | None, patients: float) -> ClosedForm | None:
    study = asked.assembled.study
    if asked.trials.verdict >= len(study.analyses):
        return None
    study = replace(study, plan=replace(study.plan, patients=int(patients)))
    if looks is not None:
        study = replace(study, interim=looks(int(patients)))
    return twin(replace(asked.assembled, study=study), asked.trials.verdict, asked.source)


def _of_effect(asked: _Asked, multiple: float) -> ClosedForm | None:
    if asked.trials.verdict >= len(asked.assembled.study.analyses):
        return None
    return twin(asked.assembled, asked.trials.verdict, Scaled(asked.source, multiple))


def _effect(asked: _Asked) -> float | None:
    """Effect of the target behind one analysis; None for a verdict on several."""
    study, number = asked.assembled.study, asked.trials.verdict
    if number >= len(study.analyses):
        number = 0
        if len(study.analyses) > 1:
            return None
    effect = float(true_effect(study, asked.source.truth(0, 1), number)[0])
    return effect if math.isfinite(effect) else None

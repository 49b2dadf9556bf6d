"""The threshold of a decision rule that gives a wanted type I error under the worst null."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools
from phase2sim.core.backends import Backend
from phase2sim.core.contracts import GO, MODEL_SCALE, UNDECIDED, Truth, TruthSource
from phase2sim.core.decision import (
    AnalysisResults,
    Decision,
    concatenate_results,
    side_by_side,
)
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Progress, Report
from phase2sim.decisions.familywise import ANY
from phase2sim.decisions.mcp_mod import CURVE
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.scenario.assembly.assemble import Assembled
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.engine import analyse_trials, draw_trials
from phase2sim.trial.study import Study

MOST_ANALYSES = 6  # every set of true nulls is looked at
_HALVINGS = 45
_FAR = 1e6  # an effect that nobody can miss
_DIGITS = 5  # of the threshold that is proposed


@dataclass(frozen=True, slots=True)
class Null:
    """Share of trials that go wrongly when these analyses have no effect and the others a large."""

    true: tuple[str, ...]  # analyses without an effect
    error: Measured


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold, how sure it is, and the errors it was found and checked with."""

    scenario: Scenario
    verdict: str
    wanted: float  # type I error
    key: str  # of the decision
    threshold: float
    mcse: float  # of the threshold
    binds: bool  # False where the rule keeps the error whatever the threshold
    nulls: tuple[Null, ...]  # fresh trials at the threshold, the worst first
    as_stated: Null  # fresh trials at the scenario's own threshold, the worst null
    trials: int  # that it was found with, and as many fresh ones


@dataclass(frozen=True, slots=True)
class _AtMargin(TruthSource):
    """A truth with constant effects on top, such as those of a null that is not zero."""

    source: TruthSource
    added: NDArray[np.float64]  # (arm, endpoint, visit)
    label: str = "null"

    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``."""
        known = self.source.truth(first, trials)
        return replace(known, effect=known.effect + self.added)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule whose threshold moves, for one of its verdicts."""

    decision: Decision
    verdict: int
    claims_any: bool  # a go says that some analysis has an effect, and which
    claims_curve: bool  # a go says that some has, not which
    key: str

    def at(self, threshold: float) -> "_Rule":
        moved: Decision = replace(self.decision, **{self.key: threshold})  # type: ignore[type-var]  # a part is a dataclass
        return replace(self, decision=moved)

    def wrong(self, seen: AnalysisResults, true: Bools) -> tuple[int, int]:
        """Trials that go wrongly, and that are decided, if the nulls ``true`` are true."""
        verdicts = self.decision.decide(seen)
        decided = verdicts[:, self.verdict] != UNDECIDED
        wrong = verdicts[:, self.verdict] == GO
        if self.claims_any:
            wrong = (verdicts[:, : true.size][:, true] == GO).any(axis=1) & decided
        return int(wrong.sum()), int(decided.sum())


def calibrate(
    scenario: Scenario,
    wanted: float,
    backend: Backend,
    *,
    trials: int = 100_000,
    verdict: str | None = None,
    report: Report = lambda _line: None,
    progress: Progress = lambda _done, _requested: None,
) -> Calibration:
    """Find the threshold of the scenario's rule with this type I error under the worst null.

    Every set of true nulls is looked at, the other analyses taken to have an effect that nobody
    misses. Half of the trials simulated find the threshold, the other half give its error. Raises
    ``BadInput`` for what does not fit.
    """
    assembled = prepare_scenario(scenario, report).assembled
    names = assembled.study.names
    rule = _rule(assembled, verdict)
    sets = _sets(rule, len(names))
    source = _null(assembled)
    seen, fresh = _simulated(assembled.study, source, trials, backend, progress)
    least, most = _range(rule.key)
    threshold, mcse, binds = _worst(rule, seen, sets, wanted, (least, most))
    threshold = _rounded(threshold, rule.key) if binds else threshold
    nulls = [_error(rule.at(threshold), fresh, true, names) for true in sets]
    stated = [_error(rule, fresh, true, names) for true in sets]
    return Calibration(
        scenario=scenario,
        verdict=assembled.study.verdicts[rule.verdict],
        wanted=wanted,
        key=rule.key,
        threshold=threshold,
        mcse=mcse,
        binds=binds,
        nulls=tuple(sorted(nulls, key=lambda null: -null.error.estimate)),
        as_stated=max(stated, key=lambda null: null.error.estimate),
        trials=trials,
    )


def _rule(assembled: Assembled, verdict: str | None) -> _Rule:
    study, path = assembled.study, assembled.built.path
    names, verdicts = study.names, study.verdicts
    if study.interim is not None:
        raise BadInput(
            f"{path}: design has interim looks, whose bounds set the type I error already:"
            " phase2sim boundaries prints them. Leave the looks out to calibrate a final analysis."
        )
    if len(names) > MOST_ANALYSES:
        raise BadInput(
            f"{path}: calibrate looks at every set of true nulls, of at most {MOST_ANALYSES}"
            f" analyses; there are {len(names)}. Leave some out."
        )
    alone = verdicts[-1] if len(verdicts) > len(names) or len(names) == 1 else None
    chosen = verdict or alone
    if chosen not in verdicts:
        raise BadInput(
            f"{path}: which verdict is to have the type I error? Say --verdict with one of"
            f" {', '.join(verdicts)}."
        )
    decision = study.decision
    return _Rule(decision, verdicts.index(chosen), chosen == ANY, chosen == CURVE, decision.tuned)


def _sets(rule: _Rule, analyses: int) -> list[Bools]:
    """Sets of true nulls under which the verdict's go is wrong."""
    every = [np.array(true) for true in product((True, False), repeat=analyses) if any(true)]
    if rule.verdict < analyses:
        return [true for true in every if true[rule.verdict]]
    if rule.claims_curve:  # wrong only where no dose does anything
        return [true for true in every if true.all()]
    return every


def _null(assembled: Assembled) -> TruthSource:
    """No effect, or the null effects where these are not zero."""
    study, path = assembled.study, assembled.built.path
    source = next(source for source in assembled.sources if source.label == "null")
    plan = study.drawn
    added = np.zeros((len(plan.arms), len(plan.endpoints), len(plan.visits_months)))
    for number, analysis in enumerate(study.analyses):
        if analysis.null_effect == 0.0:
            continue
        if analysis.endpoint not in ENDPOINTS or analysis.scale != MODEL_SCALE:
            raise BadInput(
                f"{path}: analysis[{number + 1}].null_effect is {analysis.null_effect:g}, on a"
                " scale on which no truth is stated; calibrate needs it at 0. Leave it out."
            )
        e = plan.endpoints.index(analysis.endpoint)
        v = plan.visits_months.index(analysis.month)
        added[study.aim(number).arm, e, v] = analysis.null_effect
    return _AtMargin(source, added) if added.any() else source


def _simulated(
    study: Study, source: TruthSource, trials: int, backend: Backend, progress: Progress
) -> tuple[AnalysisResults, AnalysisResults]:
    """What the analyses find in the first trials, and in as many others."""
    pieces = []
    for start in range(0, 2 * trials, study.batch):
        size = min(study.batch, 2 * trials - start)
        pieces.append(backend.submit(_found, study, source, start, size))
        progress(start + size, 2 * trials)
    together = concatenate_results([piece.result() for piece in pieces])
    return _some(together, slice(trials)), _some(together, slice(trials, None))


def _found(study: Study, source: TruthSource, first: int, trials: int) -> AnalysisResults:
    complete = draw_trials(study, source.truth(first, trials), first, trials)
    return side_by_side(analyse_trials(study, complete), study.hypotheses)


def _some(seen: AnalysisResults, which: slice) -> AnalysisResults:
    arrays = {name: getattr(seen, name)[which] for name in ("effect", "se", "df", "p")}
    return replace(seen, **arrays)


def _with_effects(seen: AnalysisResults, true: Bools) -> AnalysisResults:
    """The same trials, where analyses whose null is false found an effect nobody can miss."""
    sign = np.array([one.benefit_sign for one in seen.hypotheses])
    kept = true | np.isnan(seen.p)
    return replace(
        seen,
        effect=np.where(kept, seen.effect, sign * _FAR),
        se=np.where(kept, seen.se, 1.0),
        df=np.where(kept, seen.df, np.inf),
        p=np.where(kept, seen.p, 0.0),
    )


def _range(key: str) -> tuple[float, float]:
    """Strictest and most lenient threshold: a p at which to go, or a probability from which to."""
    return (1e-9, 0.5 - 1e-9) if key == "one_sided_alpha" else (1.0 - 1e-9, 0.5)


def _worst(
    rule: _Rule, seen: AnalysisResults, sets: list[Bools], wanted: float, ends: tuple[float, float]
) -> tuple[float, float, bool]:
    """Strictest threshold over the sets, its standard error, and whether any set needs one."""
    answers = []
    for true in sets:
        under = _with_effects(seen, true)
        if _share(rule.at(ends[1]), under, true) <= wanted:
            continue
        se = float(np.sqrt(wanted * (1.0 - wanted) / max(rule.wrong(under, true)[1], 1)))
        at = [
            _halved(rule, under, true, share, ends)
            for share in (wanted, max(wanted - se, wanted / 2), wanted + se)
        ]
        # A threshold is a quantile over trials: its error is that of the share, turned back.
        answers.append((at[0], abs(at[2] - at[1]) / 2))
    if not answers:
        return ends[1], float("nan"), False
    towards = min if ends[0] < ends[1] else max
    return (*towards(answers), True)


def _halved(
    rule: _Rule, seen: AnalysisResults, true: Bools, wanted: float, ends: tuple[float, float]
) -> float:
    """Most lenient threshold with a share of wrong goes of at most ``wanted``."""
    strict, lenient = ends
    for _ in range(_HALVINGS):
        middle = 0.5 * (strict + lenient)
        if _share(rule.at(middle), seen, true) <= wanted:
            strict = middle
        else:
            lenient = middle
    return strict


def _share(rule: _Rule, seen: AnalysisResults, true: Bools) -> float:
    go, decided = rule.wrong(seen, true)
    return go / max(decided, 1)


def _error(rule: _Rule, seen: AnalysisResults, true: Bools, names: tuple[str, ...]) -> Null:
    go, decided = rule.wrong(_with_effects(seen, true), true)
    trials = len(seen.p)
    return Null(
        tuple(name for name, is_true in zip(names, true, strict=True) if is_true),
        proportion(go, decided, trials),
    )


def _rounded(threshold: float, key: str) -> float:
    """To a few digits, towards the stricter side."""
    scale = 10.0**_DIGITS
    strict = np.floor if key == "one_sided_alpha" else np.ceil
    return float(strict(threshold * scale) / scale)


def decision_table(calibrated: Calibration) -> Iterator[tuple[str, object]]:
    """The scenario's decision with the threshold put in, key by key."""
    table = {**calibrated.scenario.decision, calibrated.key: calibrated.threshold}
    yield from table.items()

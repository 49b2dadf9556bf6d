"""Threshold of a decision rule with a given type I error under the worst null."""

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
from phase2sim.core.measured import Measured, share_of_trials
from phase2sim.core.progress import Progress, Report
from phase2sim.decisions.familywise import ANY
from phase2sim.decisions.mcp_mod import CURVE
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.engine import analyse_trials, draw_trials
from phase2sim.trial.study import Study

MOST_ANALYSES = 6  # every set of true nulls is looked at
_HALVINGS = 45
_FAR = 1e6  # an effect so large that every trial finds it
_DIGITS = 5  # of the threshold that is proposed


@dataclass(frozen=True, slots=True)
class Null:
    """Share of wrong goes where the analyses in ``true`` have no effect, the others a large one."""

    true: tuple[str, ...]  # analyses without an effect
    error: Measured


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrated threshold, its Monte Carlo error, and the type I errors at it."""

    scenario: Scenario
    verdict: str
    type_one_error: float  # target
    key: str  # of the decision
    threshold: float
    mcse: float  # of the threshold
    binds: bool  # False where the rule keeps the error whatever the threshold
    nulls: tuple[Null, ...]  # fresh trials at the threshold, the worst first
    as_stated: Null  # fresh trials at the scenario's own threshold, the worst null
    trials: int  # used to find the threshold; as many fresh ones check it


@dataclass(frozen=True, slots=True)
class _ShiftedTruth(TruthSource):
    """A truth plus constant effects, such as null effects that are not zero."""

    source: TruthSource
    shift: NDArray[np.float64]  # (arm, endpoint, visit)
    label: str = "null"

    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``."""
        drawn_truth = self.source.truth(first, trials)
        return replace(drawn_truth, effect=drawn_truth.effect + self.shift)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A decision rule, the verdict to calibrate, and the key of its threshold."""

    decision: Decision
    verdict: int
    claims_any: bool  # a go claims an effect of named analyses
    claims_curve: bool  # a go claims that some dose works, not which
    key: str

    def with_threshold(self, threshold: float) -> "_Rule":
        decision: Decision = replace(self.decision, **{self.key: threshold})  # type: ignore[type-var]  # a part is a dataclass
        return replace(self, decision=decision)

    def count_wrong(self, results: AnalysisResults, true: Bools) -> tuple[int, int]:
        """Number of wrong goes, and of trials that failed, if the nulls ``true`` are true."""
        verdicts = self.decision.decide(results)
        failed = verdicts[:, self.verdict] == UNDECIDED
        is_wrong = verdicts[:, self.verdict] == GO
        if self.claims_any:
            is_wrong = (verdicts[:, : true.size][:, true] == GO).any(axis=1) & ~failed
        return int(is_wrong.sum()), int(failed.sum())


def calibrate(
    scenario: Scenario,
    type_one_error: float,
    backend: Backend,
    *,
    trials: int = 100_000,
    verdict: str | None = None,
    report: Report = lambda _line: None,
    progress: Progress = lambda _trials, _total: None,
) -> Calibration:
    """Find the threshold of the scenario's rule with this type I error under the worst null.

    Every set of true nulls is examined; the other analyses are given a very large effect. Half of
    the simulated trials find the threshold, the other half estimate its type I error. Raises
    ``BadInput`` for a scenario that cannot be calibrated.
    """
    assembled = prepare_scenario(scenario, report).assembled
    names = assembled.study.names
    rule = _choose_rule(assembled, verdict)
    sets = _null_sets(rule, len(names))
    source = _null_truth(assembled)
    results, fresh_results = _simulate_halves(assembled.study, source, trials, backend, progress)
    limits = _threshold_limits(rule.key)
    threshold, mcse, binds = _strictest_threshold(rule, results, sets, type_one_error, limits)
    threshold = _round_strictly(threshold, rule.key) if binds else threshold
    nulls = [
        _null_error(rule.with_threshold(threshold), fresh_results, true, names) for true in sets
    ]
    stated_nulls = [_null_error(rule, fresh_results, true, names) for true in sets]
    return Calibration(
        scenario=scenario,
        verdict=assembled.study.verdicts[rule.verdict],
        type_one_error=type_one_error,
        key=rule.key,
        threshold=threshold,
        mcse=mcse,
        binds=binds,
        nulls=tuple(sorted(nulls, key=lambda null: -null.error.estimate)),
        as_stated=max(stated_nulls, key=lambda null: null.error.estimate),
        trials=trials,
    )


def _choose_rule(assembled: AssembledScenario, verdict: str | None) -> _Rule:
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
    default = verdicts[-1] if len(verdicts) > len(names) or len(names) == 1 else None
    chosen = verdict or default
    if chosen not in verdicts:
        raise BadInput(
            f"{path}: which verdict is to have the type I error? Say --verdict with one of"
            f" {', '.join(verdicts)}."
        )
    decision = study.decision
    return _Rule(decision, verdicts.index(chosen), chosen == ANY, chosen == CURVE, decision.tuned)


def _null_sets(rule: _Rule, analyses: int) -> list[Bools]:
    """Sets of true nulls under which the verdict's go is wrong."""
    subsets = [np.array(true) for true in product((True, False), repeat=analyses) if any(true)]
    if rule.verdict < analyses:
        return [true for true in subsets if true[rule.verdict]]
    if rule.claims_curve:  # wrong only where no dose does anything
        return [true for true in subsets if true.all()]
    return subsets


def _null_truth(assembled: AssembledScenario) -> TruthSource:
    """Truth with no effect, or with the null effects where these are not zero."""
    study, path = assembled.study, assembled.built.path
    source = next(source for source in assembled.sources if source.label == "null")
    plan = study.drawn
    shift = np.zeros((len(plan.arms), len(plan.endpoints), len(plan.visits_months)))
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
        shift[study.aim(number).arm, e, v] = analysis.null_effect
    return _ShiftedTruth(source, shift) if shift.any() else source


def _simulate_halves(
    study: Study, source: TruthSource, trials: int, backend: Backend, progress: Progress
) -> tuple[AnalysisResults, AnalysisResults]:
    """Analysis results of the first ``trials`` trials, and of as many fresh ones."""
    pieces = []
    for start in range(0, 2 * trials, study.batch):
        size = min(study.batch, 2 * trials - start)
        pieces.append(backend.submit(_analyse_batch, study, source, start, size))
        progress(start + size, 2 * trials)
    results = concatenate_results([piece.result() for piece in pieces])
    return _select_trials(results, slice(trials)), _select_trials(results, slice(trials, None))


def _analyse_batch(study: Study, source: TruthSource, first: int, trials: int) -> AnalysisResults:
    complete = draw_trials(study, source.truth(first, trials), first, trials)
    return side_by_side(analyse_trials(study, complete), study.hypotheses)


def _select_trials(results: AnalysisResults, trials: slice) -> AnalysisResults:
    arrays = {name: getattr(results, name)[trials] for name in ("effect", "se", "df", "p")}
    return replace(results, **arrays)


def _make_nulls_false(results: AnalysisResults, true: Bools) -> AnalysisResults:
    """Give the analyses whose null is false a very large estimated effect."""
    sign = np.array([hypothesis.benefit_sign for hypothesis in results.hypotheses])
    unchanged = true | np.isnan(results.p)
    return replace(
        results,
        effect=np.where(unchanged, results.effect, sign * _FAR),
        se=np.where(unchanged, results.se, 1.0),
        df=np.where(unchanged, results.df, np.inf),
        p=np.where(unchanged, results.p, 0.0),
    )


def _threshold_limits(key: str) -> tuple[float, float]:
    """Strictest and most lenient threshold: a level alpha, or a posterior probability."""
    return (1e-9, 0.5 - 1e-9) if key == "one_sided_alpha" else (1.0 - 1e-9, 0.5)


def _strictest_threshold(
    rule: _Rule,
    results: AnalysisResults,
    sets: list[Bools],
    type_one_error: float,
    limits: tuple[float, float],
) -> tuple[float, float, bool]:
    """Strictest threshold over the sets of nulls, its standard error, and whether any set binds."""
    thresholds = []
    for true in sets:
        shifted = _make_nulls_false(results, true)
        if _wrong_share(rule.with_threshold(limits[1]), shifted, true) <= type_one_error:
            continue
        se = float(np.sqrt(type_one_error * (1.0 - type_one_error) / len(shifted.p)))
        quantiles = [
            _bisect_threshold(rule, shifted, true, share, limits)
            for share in (
                type_one_error,
                max(type_one_error - se, type_one_error / 2),
                type_one_error + se,
            )
        ]
        # A threshold is a quantile over trials: its error is that of the share, turned back.
        thresholds.append((quantiles[0], abs(quantiles[2] - quantiles[1]) / 2))
    if not thresholds:
        return limits[1], float("nan"), False
    strictest = min if limits[0] < limits[1] else max
    return (*strictest(thresholds), True)


def _bisect_threshold(
    rule: _Rule, results: AnalysisResults, true: Bools, share: float, limits: tuple[float, float]
) -> float:
    """Most lenient threshold with a share of wrong goes of at most ``share``."""
    strict, lenient = limits
    for _ in range(_HALVINGS):
        middle = 0.5 * (strict + lenient)
        if _wrong_share(rule.with_threshold(middle), results, true) <= share:
            strict = middle
        else:
            lenient = middle
    return strict


def _wrong_share(rule: _Rule, results: AnalysisResults, true: Bools) -> float:
    go, _ = rule.count_wrong(results, true)
    return go / len(results.p)


def _null_error(rule: _Rule, results: AnalysisResults, true: Bools, names: tuple[str, ...]) -> Null:
    go, failed = rule.count_wrong(_make_nulls_false(results, true), true)
    return Null(
        tuple(name for name, is_true in zip(names, true, strict=True) if is_true),
        share_of_trials(go, failed, len(results.p)),
    )


def _round_strictly(threshold: float, key: str) -> float:
    """Round to a few digits, towards the stricter side."""
    scale = 10.0**_DIGITS
    strict = np.floor if key == "one_sided_alpha" else np.ceil
    return float(strict(threshold * scale) / scale)


def decision_table(calibrated: Calibration) -> Iterator[tuple[str, object]]:
    """The scenario's decision with the calibrated threshold, key by key."""
    table = {**calibrated.scenario.decision, calibrated.key: calibrated.threshold}
    yield from table.items()

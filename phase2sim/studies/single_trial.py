"""One trial in detail: findings and verdicts, and a simulated trial replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.analyses.one_sided import t_test
from phase2sim.analyses.real_data.counts import Analysed, VisitCount
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools
from phase2sim.core.contracts import (
    CONSIDER,
    FAILURES,
    FALLBACKS,
    GO,
    MODEL_SCALE,
    STOP,
    Estimates,
    Trials,
    Truth,
)
from phase2sim.core.decision import side_by_side
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import (
    analyse_trials,
    draw_trials,
    follow_looks,
    true_effect,
    watched_for_harm,
)
from phase2sim.trial.interim.look import Look
from phase2sim.trial.interim.trial_ends import FOR_HARM, REASONS, TrialEnds
from phase2sim.trial.patient_csv import patients_csv
from phase2sim.trial.safety.monitoring import HarmMonitoring, SafetyRule, stop_for_harm
from phase2sim.trial.study import Study

_VERDICTS = {GO: "go", CONSIDER: "consider", STOP: "stop"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one analysis of one trial."""

    analysis: str
    endpoint: str
    month: float
    method: str
    scale: str  # of the effect: the endpoint's model scale, or the analysis's own
    effect: float
    se: float
    df: float
    t: float  # or the test's own statistic
    p_one_sided: float  # for benefit beyond the null effect
    p_two_sided: float
    lower: float
    upper: float
    failed: str  # the reason; "" if it did not fail
    fallback: str = ""  # the simpler model, or another test, that answered instead
    shortage: str = ""  # visits of a data file with too few patients, where it failed or fell back
    true_effect: float | None = None  # of a simulated trial, on the model scale
    details: Mapping[str, float] = field(default_factory=dict)  # what else the analysis reports
    patients: Analysed | None = None  # of a data file: who was analysed, and who was left out


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Findings of all analyses of one trial, and the decision."""

    findings: tuple[Finding, ...]  # of its last look, where it has interim looks
    verdicts: dict[str, str]  # go | consider | stop | undecided
    looks: tuple["LookResult", ...] = ()  # up to the one that ended it
    harm: "Harm | None" = None  # if it was stopped for harm, and so never analysed
    counts: tuple[VisitCount, ...] = ()  # of a data file: patients by endpoint, arm and visit


@dataclass(frozen=True, slots=True)
class LookResult:
    """One look at a simulated trial."""

    look: int  # from 1; the final analysis is the highest
    months: float  # from the trial's opening to the decision
    enrolled: int
    p_one_sided: Mapping[str, float]  # by analysis; nan where it failed
    stopped_for: str  # efficacy | futility; "" where it went on, or at the end
    dropped: tuple[str, ...] = ()  # analyses of the arms that it dropped


@dataclass(frozen=True, slots=True)
class Harm:
    """Time and enrolment at which a simulated trial was stopped for harm."""

    treated: int  # patients judged by then
    months: float  # from the trial's opening
    enrolled: int


def replay(
    assembled: AssembledScenario, truth: str, trial: int, look: float | None = None
) -> tuple[TrialResult, str]:
    """One simulated trial again: findings, and patients as CSV text that ``analyse`` reads.

    ``truth`` is the label of one of the scenario's truths; with ``look`` the file leaves out values
    due after that month from the trial's opening. Raises ``BadScenario`` for an unknown truth.
    """
    study = assembled.study
    sources = {source.label: source for source in assembled.sources}
    if truth not in sources:
        raise BadScenario(
            f"{assembled.built.path}: the scenario has no truth {truth!r}."
            f" Use one of: {', '.join(sources)}."
        )
    true_values = sources[truth].truth(trial, 1)
    trials = draw_trials(study, true_values, trial, 1)
    look_results: tuple[LookResult, ...] = ()
    if study.interim is not None:
        looks, end, monitoring = follow_looks(study, study.interim, trials)
        estimates, verdict = list(end.look.estimates), end.course.verdict[0]
        look_results = _look_results(study.names, looks, end)
        if study.reestimation is not None:  # those beyond its size never came
            plan = replace(study.plan, patients=int(looks[-1].enrolled[0]))
            study = replace(study, plan=plan)
        trials = replace(trials, recruited=_is_recruited(study, trials, looks, end))
    else:
        estimates = list(analyse_trials(study, trials))
        end, monitoring = None, watched_for_harm(study, trials)
        verdict = study.decision.decide(side_by_side(estimates, study.hypotheses))
        verdict = stop_for_harm(verdict, monitoring)[0]
    findings = tuple(
        finding(name, analysis, estimate, true_value)
        for name, analysis, estimate, true_value in zip(
            study.names,
            study.analyses,
            estimates,
            _known_effects(study, truth, true_values),
            strict=True,
        )
    )
    verdicts = verdict_words(verdict, study.verdicts)
    harm = _harm_result(study.safety, monitoring, end)
    return TrialResult(findings, verdicts, look_results, harm), patients_csv(study, trials, look)


def _harm_result(
    rule: SafetyRule | None, monitoring: HarmMonitoring | None, end: TrialEnds | None
) -> Harm | None:
    """Details of the stop for harm, None if the trial was not stopped for harm."""
    if rule is None or monitoring is None:
        return None
    stopped = bool(monitoring.crossed[0]) if end is None else end.course.why[0] == FOR_HARM
    if not stopped:
        return None
    treated = rule.looks[int(monitoring.look[0])]
    return Harm(treated, float(monitoring.months[0]), int(monitoring.enrolled[0]))


def _is_recruited(
    study: Study, trials: Trials, looks: tuple[Look, ...], end: TrialEnds
) -> Bools | None:
    """Whether each patient (trial, patient) was recruited; False after the arm was dropped."""
    arms = end.course.arms
    if arms is None or trials.arrivals is None:
        return None
    recruited = np.ones(trials.arm.shape, np.bool_)
    for number, (last_look, dropped) in enumerate(
        zip(arms.last[:, 0], arms.dropped[:, 0], strict=True)
    ):
        if dropped:
            too_late = trials.arrivals.months > looks[last_look].months[0]
            recruited &= ~(too_late & (trials.arm == study.aim(number).arm))
    return recruited


def _look_results(
    names: tuple[str, ...], looks: tuple[Look, ...], end: TrialEnds
) -> tuple[LookResult, ...]:
    """Results of the looks of one trial, up to the look that ended it."""
    last, why = int(end.course.last[0]), REASONS[int(end.course.why[0])]
    if end.course.why[0] == FOR_HARM:
        last, why = last - 1, ""  # the next look was never held
    arms = end.course.arms
    last_by_analysis = [last] * len(names) if arms is None else arms.last[:, 0].tolist()
    dropped_by_analysis = [False] * len(names) if arms is None else arms.dropped[:, 0].tolist()
    return tuple(
        LookResult(
            look=number + 1,
            months=float(look.months[0]),
            enrolled=int(look.enrolled[0]),
            p_one_sided={
                name: float(estimate.p[0])
                for name, estimate, arm_last in zip(
                    names, look.estimates, last_by_analysis, strict=True
                )
                if number <= arm_last
            },
            stopped_for=why if number == last else "",
            dropped=tuple(
                name
                for name, arm_last, dropped in zip(
                    names, last_by_analysis, dropped_by_analysis, strict=True
                )
                if dropped and arm_last == number
            ),
        )
        for number, look in enumerate(looks[: last + 1])
        if number == last or look.months[0] < looks[-1].months[0]
    )


def _known_effects(study: Study, truth: str, true_values: Truth) -> list[float | None]:
    """True value behind each analysis of one trial, None where it is unknown."""
    stated = study.known.get(truth)
    values = [
        float(stated.value[number] if stated else true_effect(study, true_values, number)[0])
        for number in range(len(study.analyses))
    ]
    return [None if np.isnan(value) else value for value in values]


def verdict_words(verdict: NDArray[np.int8], labels: tuple[str, ...]) -> dict[str, str]:
    """Verdict of each label: go, consider, stop or undecided."""
    return {
        label: _VERDICTS.get(int(value), "undecided")
        for label, value in zip(labels, verdict, strict=True)
    }


def finding(
    name: str,
    analysis: Analysis,
    estimate: Estimates,
    true_effect: float | None = None,
    patients: Analysed | None = None,
) -> Finding:
    """Result of one analysis of one trial, from its estimates."""
    on_model_scale = analysis.scale == MODEL_SCALE
    scale = MEASURES[analysis.endpoint].model_unit if on_model_scale else analysis.scale
    test = estimate.test or t_test(estimate.effect, estimate.se, estimate.df, analysis.null_effect)
    return Finding(
        analysis=name,
        endpoint=analysis.endpoint,
        month=analysis.month,
        method=analysis.title,
        scale=scale,
        effect=float(estimate.effect[0]),
        se=float(estimate.se[0]),
        df=float(estimate.df[0]),
        t=float(test.statistic[0]),
        p_one_sided=float(estimate.p[0]),
        p_two_sided=float(test.p_two_sided[0]),
        lower=float(test.lower[0]),
        upper=float(test.upper[0]),
        failed=FAILURES[int(estimate.reason[0])],
        fallback="" if estimate.fallback is None else FALLBACKS[int(estimate.fallback[0])],
        true_effect=true_effect,
        details={name: float(values[0]) for name, values in estimate.details.items()},
        patients=patients,
    )

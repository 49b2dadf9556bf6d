"""Predicted decision at the end of a trial, from a data file at a look."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from phase2sim.analyses.readings import compare_arms
from phase2sim.analyses.real_data.trial_data import TrialData
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import GO, UNDECIDED, Estimates, Reading
from phase2sim.core.decision import Hypothesis, side_by_side
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadData
from phase2sim.core.estimates import concatenate_estimates
from phase2sim.core.measured import Measured, share_of_trials
from phase2sim.core.randomness import generator
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.prediction.completion import (
    Completions,
    OngoingTrial,
    TooFewToPredict,
    complete_trial,
)
from phase2sim.studies.prediction.predict_responders import exact_chance
from phase2sim.studies.real_data import analyse_data, read_data
from phase2sim.studies.single_trial import TrialResult
from phase2sim.theory.group_sequential.conditional_power import conditional_power, predictive_power

COMPLETIONS = 2_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Outlook:
    """Conditional and predictive power of one analysis, by normal theory."""

    analysis: str
    information_fraction: float  # variance of the estimate at the end over that now
    conditional: float  # power if the effect is the one seen
    predictive: float  # averaged over the posterior of the effect, flat prior


@dataclass(frozen=True, slots=True)
class Prediction:
    """Results of the look, and the predicted outcome at the end of the trial."""

    look_result: TrialResult
    enrolled: int
    planned: int
    pending: int  # of those enrolled, without the analysed visit yet
    go: dict[str, Measured]  # by verdict: predictive probability of a go
    outlooks: tuple[Outlook, ...]  # of analyses that are tested by themselves
    responders: dict[str, float]  # by analysis: exact beta-binomial chance, of a test of responders


def predict(
    built: BuiltScenario, path: Path, endpoint: str | None = None, completions: int = COMPLETIONS
) -> Prediction:
    """Complete a data file ``completions`` times, and analyse and decide each time.

    A patient without a row for a visit is not due there yet; one with an empty value was missed or
    is lost. Patients up to the planned number are yet to enrol. Raises ``BadData`` for a file from
    which no prediction can be made.
    """
    if built.study.drops_arms:
        raise BadData(
            f"{built.path}: design.kind is 'multi_arm_multi_stage', and a data file does not say"
            " which arms a look has dropped, so that its end cannot be foretold. Use analyse alone,"
            " and the bounds of phase2sim boundaries."
        )
    data = read_data(built, path, endpoint)
    look_result = analyse_data(built, data)
    chosen = [
        number
        for number, analysis in enumerate(built.study.analyses)
        if endpoint in {None, analysis.endpoint}
    ]
    reading, trial = _look(built, data, _endpoint(built, chosen, path))
    try:
        batches = _completions(trial, completions, built.study.plan.seed)
    except TooFewToPredict as refused:
        raise BadData(f"{path}: {refused}. Wait for more, or drop early visits.") from None
    estimates = [
        concatenate_estimates(
            [_estimate_completions(built, number, reading, piece) for piece in batches]
        )
        for number in chosen
    ]
    hypotheses = tuple(built.study.hypotheses[number] for number in chosen)
    verdicts = built.study.decision.decide(side_by_side(estimates, hypotheses))
    labels = built.study.decision.labels(tuple(built.study.names[number] for number in chosen))
    return Prediction(
        look_result=look_result,
        enrolled=reading.arm.shape[1],
        planned=built.study.plan.patients,
        pending=int(trial.pending[-1].sum()),
        go={label: _share(verdicts[:, index]) for index, label in enumerate(labels)},
        outlooks=tuple(_outlooks(built, chosen, hypotheses, look_result, estimates)),
        responders=_responders(built, chosen, reading, trial),
    )


def _responders(
    built: BuiltScenario, chosen: Sequence[int], reading: Reading, trial: OngoingTrial
) -> dict[str, float]:
    chances = {
        built.study.names[number]: exact_chance(built, number, index, reading, trial)
        for index, number in enumerate(chosen)
    }
    return {name: chance for name, chance in chances.items() if chance is not None}


def _look(built: BuiltScenario, data: TrialData, endpoint: str) -> tuple[Reading, OngoingTrial]:
    """Reading of the endpoint at the look, and the ongoing trial to complete."""
    plan = built.study.plan
    reading = data.reading(endpoint, plan.seed)
    shares = np.array(built.design.allocation) * plan.patients // sum(built.design.allocation)
    pending = ~data.due(endpoint)
    planned = tuple(int(share) for share in shares)
    return reading, OngoingTrial(
        reading.arm[0], reading.baseline[0], reading.value[0], pending, planned
    )


def _completions(trial: OngoingTrial, completions: int, seed: int) -> list[Completions]:
    """Complete a trial in batches, each from its own random stream."""
    return [
        complete_trial(
            trial, min(_BATCH, completions - first), generator(seed, "imputation", first)
        )
        for first in range(0, completions, _BATCH)
    ]


def _endpoint(built: BuiltScenario, chosen: Sequence[int], path: Path) -> str:
    endpoints = list(dict.fromkeys(built.study.analyses[number].endpoint for number in chosen))
    if len(endpoints) > 1:
        raise BadData(
            f"{path}: a prediction completes one endpoint, and the scenario analyses"
            f" {' and '.join(endpoints)}. Choose with --endpoint."
        )
    if endpoints[0] in EVENTS:
        raise BadData(
            f"{path}: {endpoints[0]} are counted, and a prediction completes measured values only."
            " Choose another with --endpoint."
        )
    return endpoints[0]


def _estimate_completions(
    built: BuiltScenario, number: int, reading: Reading, completions: Completions
) -> Estimates:
    """Estimates of one analysis on every completion."""
    patients = completions.patient
    completed_reading = replace(
        reading,
        arm=completions.arm,
        baseline=reading.baseline[0][patients],
        value=completions.value,
        age_years=reading.age_years[0][patients],
        stratum=reading.stratum[0][patients],
        factors={name: codes[0][patients] for name, codes in reading.factors.items()},
    )
    analysis: Analysis = built.study.analyses[number]
    return compare_arms(
        analysis, completed_reading, len(built.study.plan.arms), built.study.aims[number].arm
    )


def _share(verdict: "np.ndarray[tuple[int], np.dtype[np.int8]]") -> Measured:
    failed = int((verdict == UNDECIDED).sum())
    return share_of_trials(int((verdict == GO).sum()), failed, verdict.size)


def _outlooks(
    built: BuiltScenario,
    chosen: Sequence[int],
    hypotheses: Sequence[Hypothesis],
    look_result: TrialResult,
    estimates: Sequence[Estimates],
) -> "list[Outlook]":
    """Outlooks of the analyses that are tested alone and have a standard error."""
    outlooks = []
    for index, number in enumerate(chosen):
        single_test = built.study.decision.alone(index, hypotheses[index])
        finding, se_at_end = look_result.findings[index], estimates[index].se
        known = se_at_end[np.isfinite(se_at_end)]
        is_normal = not finding.failed and 0.0 < finding.se < np.inf
        if single_test is None or not is_normal or not known.any():
            continue
        null_effect, alpha = single_test
        fraction = min(float(np.mean(known**2)) / finding.se**2, 1.0 - 1e-9)
        z = hypotheses[index].benefit_sign * (finding.effect - null_effect) / finding.se
        final = float(-ndtri(alpha))
        outlooks.append(
            Outlook(
                analysis=built.study.names[number],
                information_fraction=fraction,
                conditional=float(conditional_power(z, fraction, final)),
                predictive=float(predictive_power(z, fraction, final)),
            )
        )
    return outlooks

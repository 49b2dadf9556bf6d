"""What a trial's decision is likely to be at its end, from a data file at a look."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from phase2sim.analyses.data_file import data_reading, due, read_data
from phase2sim.analyses.readings import compare_arms
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import GO, UNDECIDED, Estimates, Reading
from phase2sim.core.decision import Hypothesis, side_by_side
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadData
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.randomness import generator
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.studies.prediction.completion import (
    Completed,
    TooFewToPredict,
    UnderWay,
    complete_trial,
)
from phase2sim.studies.prediction.predict_responders import exact_chance
from phase2sim.studies.single_trial import TrialResult, analyse
from phase2sim.theory.group_sequential.conditional_power import conditional_power, predictive_power

COMPLETIONS = 2_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Outlook:
    """One analysis by the normal theory of its z at the look and at the end."""

    analysis: str
    information_fraction: float  # variance of the estimate at the end over that now
    conditional: float  # power if the effect is the one seen
    predictive: float  # the same averaged over what the look leaves open, flat prior


@dataclass(frozen=True, slots=True)
class Predicted:
    """The look itself, and what the trial comes to at its end."""

    examined: TrialResult
    enrolled: int
    planned: int
    pending: int  # of those enrolled, without the analysed visit yet
    go: dict[str, Measured]  # by verdict: predictive probability of a go
    outlooks: tuple[Outlook, ...]  # of analyses that are tested by themselves
    responders: dict[str, float]  # by analysis: exact beta-binomial chance, of a test of responders


def predict(
    built: BuiltScenario, path: Path, endpoint: str | None = None, completions: int = COMPLETIONS
) -> Predicted:
    """Complete a data file as often as asked, and analyse and judge it each time.

    A patient without a row for a visit is not due there yet; one with an empty value was missed or
    is lost. Patients up to the planned number are yet to enrol. Raises ``BadData`` for a file from
    which nothing can be foretold.
    """
    if built.study.drops_arms:
        raise BadData(
            f"{built.path}: design.kind is 'multi_arm_multi_stage', and a data file does not say"
            " which arms a look has dropped, so that its end cannot be foretold. Use analyse alone,"
            " and the bounds of phase2sim boundaries."
        )
    examined = analyse(built, path, endpoint)
    chosen = [
        number
        for number, analysis in enumerate(built.study.analyses)
        if endpoint in {None, analysis.endpoint}
    ]
    whole, trial = _look(built, chosen, path)
    try:
        made = _completions(trial, completions, built.study.plan.seed)
    except TooFewToPredict as refused:
        raise BadData(f"{path}: {refused}. Wait for more, or drop early visits.") from None
    estimates = [
        _joined([_estimated(built, number, whole, piece) for piece in made]) for number in chosen
    ]
    hypotheses = tuple(built.study.hypotheses[number] for number in chosen)
    verdicts = built.study.decision.decide(side_by_side(estimates, hypotheses))
    labels = built.study.decision.labels(tuple(built.study.names[number] for number in chosen))
    return Predicted(
        examined=examined,
        enrolled=whole.arm.shape[1],
        planned=built.study.plan.patients,
        pending=int(trial.pending[-1].sum()),
        go={label: _share(verdicts[:, place]) for place, label in enumerate(labels)},
        outlooks=tuple(_outlooks(built, chosen, hypotheses, examined, estimates)),
        responders=_responders(built, chosen, whole, trial),
    )


def _responders(
    built: BuiltScenario, chosen: Sequence[int], whole: Reading, trial: UnderWay
) -> dict[str, float]:
    chances = {
        built.study.names[number]: exact_chance(built, number, place, whole, trial)
        for place, number in enumerate(chosen)
    }
    return {name: chance for name, chance in chances.items() if chance is not None}


def _look(built: BuiltScenario, chosen: Sequence[int], path: Path) -> tuple[Reading, UnderWay]:
    """What the file says of the one endpoint, and what of it is still to come."""
    read, plan, data = _endpoint(built, chosen, path), built.study.plan, read_data(path)
    factors = [f for n in chosen for f in built.study.analyses[n].factors]
    whole = replace(
        data_reading(data, read, plan.visits_months, plan.arms, factors), seed=plan.seed
    )
    shares = np.array(built.design.allocation) * plan.patients // sum(built.design.allocation)
    pending = ~due(data, read, plan.visits_months)
    planned = tuple(int(share) for share in shares)
    return whole, UnderWay(whole.arm[0], whole.baseline[0], whole.value[0], pending, planned)


def _completions(trial: UnderWay, completions: int, seed: int) -> list[Completed]:
    """Complete a trial, some at a time, each batch from a stream of its own."""
    return [
        complete_trial(
            trial, min(_AT_ONCE, completions - first), generator(seed, "imputation", first)
        )
        for first in range(0, completions, _AT_ONCE)
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


def _estimated(built: BuiltScenario, number: int, whole: Reading, made: Completed) -> Estimates:
    """Estimates of one analysis on every completion."""
    who = made.patient
    reading = replace(
        whole,
        arm=made.arm,
        baseline=whole.baseline[0][who],
        value=made.value,
        age_years=whole.age_years[0][who],
        stratum=whole.stratum[0][who],
        factors={name: codes[0][who] for name, codes in whole.factors.items()},
    )
    analysis: Analysis = built.study.analyses[number]
    return compare_arms(analysis, reading, len(built.study.plan.arms), built.study.aims[number].arm)


def _joined(parts: Sequence[Estimates]) -> Estimates:
    """Estimates of all completions; what a decision does not read is left out."""
    effect, se, df, p, reason = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("effect", "se", "df", "p", "reason")
    )
    return Estimates(effect, se, df, p, reason)


def _share(verdict: "np.ndarray[tuple[int], np.dtype[np.int8]]") -> Measured:
    used = int((verdict != UNDECIDED).sum())
    return proportion(int((verdict == GO).sum()), used, verdict.size)


def _outlooks(
    built: BuiltScenario,
    chosen: Sequence[int],
    hypotheses: Sequence[Hypothesis],
    examined: TrialResult,
    estimates: Sequence[Estimates],
) -> "list[Outlook]":
    """Normal theory, where an analysis is tested by itself and has a standard error."""
    outlooks = []
    for place, number in enumerate(chosen):
        tested = built.study.decision.alone(place, hypotheses[place])
        now, end = examined.findings[place], estimates[place].se
        if tested is None or now.failed or not np.isfinite(end).any():
            continue
        null_effect, alpha = tested
        fraction = min(float(np.nanmean(end**2)) / now.se**2, 1.0 - 1e-9)
        z = hypotheses[place].benefit_sign * (now.effect - null_effect) / now.se
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

"""Example trials, chosen by rule and replayed: what a clear win or a false stop looks like."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import GO, STOP
from phase2sim.core.endpoints import DERIVED, ENDPOINTS
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.studies.single_trial import TrialResult, replay
from phase2sim.studies.sweeps.measure import Verdicts, end_stored_trials
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.interim.trial_ends import FOR_HARM, TrialEnds

_ROUNDING = 1e-9  # a trial alone adds up in another order than a thousand sizes at once

type Rule = Callable[["_Trials"], int | None]  # trial number, None if there is no such trial


@dataclass(frozen=True, slots=True)
class _Trials:
    """Stored trials of one truth, as the rules read them."""

    go: Floats  # main verdict: 1 go, 0 stop, nan otherwise
    worst_p: Floats  # largest p over the analyses
    distance: Floats  # largest distance of an estimate from its truth, in standard errors
    harmed: Bools  # stopped for harm
    alpha: float


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient's course on one endpoint: months and values in the endpoint's unit."""

    number: int
    arm: str
    months: tuple[float, ...]
    values: tuple[float | None, ...]  # None where missing


@dataclass(frozen=True, slots=True)
class Example:
    """One simulated trial: the rule that chose it, its results and its patients."""

    name: str
    rule: str
    truth: str
    trial: int
    result: TrialResult
    courses: Mapping[str, tuple[Patient, ...]]  # by endpoint
    same_as_stored: bool  # the replay gave the stored estimates again


def _trial_at_share(trials: _Trials, chosen: Bools, share: float) -> int | None:
    """Trial at a share of the way through the chosen ones, from the smallest p."""
    (numbers,) = np.nonzero(chosen & np.isfinite(trials.worst_p))
    if not numbers.size:
        return None
    in_order = numbers[np.argsort(trials.worst_p[numbers], kind="stable")]
    return int(in_order[int(share * (in_order.size - 1))])


def _clear_win(trials: _Trials) -> int | None:
    return _trial_at_share(trials, trials.go == GO, 0.25)


def _borderline(trials: _Trials) -> int | None:
    distance = np.abs(trials.worst_p - trials.alpha)
    return None if np.isnan(distance).all() else int(np.nanargmin(distance))


def _false_stop(trials: _Trials) -> int | None:
    return _trial_at_share(trials, (trials.go == STOP) & ~trials.harmed, 0.5)


def _harm_stop(trials: _Trials) -> int | None:
    return _trial_at_share(trials, trials.harmed, 0.5)


def _false_go(trials: _Trials) -> int | None:
    return _trial_at_share(trials, trials.go == GO, 0.5)


def _outlier(trials: _Trials) -> int | None:
    return None if np.isnan(trials.distance).all() else int(np.nanargmax(trials.distance))


# Name -> the truth it is looked for under, the rule in words, the rule.
RULES: dict[str, tuple[str, str, Rule]] = {
    "A clear win": (
        "target",
        "a go, with a quarter of the goes clearer than it",
        _clear_win,
    ),
    "Borderline": ("target", "the trial whose largest p is nearest to alpha", _borderline),
    "A false stop": (
        "target",
        "the hoped-for effect is real, the trial stops: the middle one of these",
        _false_stop,
    ),
    "Stopped for harm": (
        "target",
        "the hoped-for effect is real, harm stops the trial: the middle one of these by its p",
        _harm_stop,
    ),
    "A false go": (
        "null",
        "nothing works, the trial goes: the middle one of these",
        _false_go,
    ),
    "An odd one": (
        "target",
        "the trial whose estimate is furthest from the truth, in standard errors",
        _outlier,
    ),
}


def examples(
    assembled: AssembledScenario, results: Mapping[str, BatchResults], verdicts: Verdicts
) -> Iterator[Example]:
    """Choose a trial by each rule and replay it; a rule that finds none is left out."""
    decision = assembled.built.study.decision
    for name, (truth, words, rule) in RULES.items():
        if truth not in results:
            continue
        stored_results = results[truth]
        ends = end_stored_trials(assembled.built, stored_results)
        if ends is not None:  # estimates at the look that ended each trial
            stored_results = replace(stored_results, estimates=ends.look.estimates)
        verdict, harmed = (
            np.asarray(verdicts[truth][:, -1]),
            _stopped_for_harm(stored_results, ends),
        )
        trials = _trials(stored_results, verdict, harmed, decision.one_sided_alpha)
        trial = rule(trials)
        if trial is None:
            continue
        result, patients = replay(assembled, truth, trial)
        replayed_effects = [finding.effect for finding in result.findings]
        stored_effects = [estimates.effect[trial] for estimates in stored_results.estimates]
        yield Example(
            name=name,
            rule=words,
            truth=truth,
            trial=trial,
            result=result,
            courses=_courses(patients, [finding.endpoint for finding in result.findings]),
            same_as_stored=bool(
                np.allclose(replayed_effects, stored_effects, rtol=_ROUNDING, equal_nan=True)
            ),
        )


def _stopped_for_harm(stored: BatchResults, ends: TrialEnds | None) -> Bools:
    """Whether each trial was stopped for harm, (trial,)."""
    if ends is not None:
        return np.asarray(ends.course.why == FOR_HARM)
    if stored.watched is None:
        return np.zeros(stored.missing.shape[1], np.bool_)
    return stored.watched.crossed


def _trials(
    results: BatchResults, verdict: NDArray[np.int8], harmed: Bools, alpha: float
) -> _Trials:
    p = np.stack([estimates.p for estimates in results.estimates])
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.stack([
            np.abs(estimates.effect - true_effect) / estimates.se
            for estimates, true_effect in zip(results.estimates, results.true_effect, strict=True)
        ])  # fmt: skip
    distance = np.where(np.isfinite(distance), distance, np.nan)
    worst = np.where(np.isnan(p).all(axis=0), np.nan, np.fmax.reduce(p))
    furthest = np.where(np.isnan(distance).all(axis=0), np.nan, np.fmax.reduce(distance))
    decided = np.where((verdict == GO) | (verdict == STOP), verdict, np.nan).astype(np.float64)
    return _Trials(go=decided, worst_p=worst, distance=furthest, harmed=harmed, alpha=alpha)


def _courses(text: str, endpoints: Sequence[str]) -> dict[str, tuple[Patient, ...]]:
    """Read each patient's course on the endpoints that are drawn themselves."""
    names = [name for name in dict.fromkeys(endpoints) if name in ENDPOINTS or name in DERIVED]
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["endpoint"] in names:
            rows.setdefault((row["endpoint"], row["id"]), []).append(row)
    courses: dict[str, list[Patient]] = {name: [] for name in names}
    for (endpoint, number), visits in rows.items():
        values = [float(visit["y"]) if visit["y"] else None for visit in visits]
        courses[endpoint].append(
            Patient(
                number=int(number),
                arm=visits[0]["arm"],
                months=(0.0, *(float(visit["months"]) for visit in visits)),
                values=(float(visits[0]["base"]), *values),
            )
        )
    return {name: tuple(patients) for name, patients in courses.items()}

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
from phase2sim.scenario.assembly.assemble import Assembled
from phase2sim.studies.single_trial import TrialResult, replay
from phase2sim.studies.sweeps.measure import Verdicts, ended_of
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.interim.trial_ends import FOR_HARM, TrialEnds

_ROUNDING = 1e-9  # a trial alone adds up in another order than a thousand sizes at once

type Rule = Callable[["_Trials"], int | None]  # trial number, None if there is no such trial


@dataclass(frozen=True, slots=True)
class _Trials:
    """The stored trials of one truth, as the rules see them."""

    go: Floats  # main verdict: 1 go, 0 stop, nan otherwise
    worst_p: Floats  # largest p over the analyses
    off: Floats  # largest distance of an estimate from its truth, in standard errors
    harmed: Bools  # stopped for harm
    alpha: float


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient's course on one endpoint: months and values in the endpoint's unit."""

    number: int
    arm: str
    months: tuple[float, ...]
    seen: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One simulated trial: why it is shown, what was found, and its patients."""

    name: str
    rule: str
    truth: str
    trial: int
    examined: TrialResult
    courses: Mapping[str, tuple[Patient, ...]]  # by endpoint
    same_as_stored: bool  # the replay gave the stored estimates again


def _at_share(trials: _Trials, chosen: Bools, share: float) -> int | None:
    """Trial at a share of the way through the chosen ones, from the smallest p."""
    (places,) = np.nonzero(chosen & np.isfinite(trials.worst_p))
    if not places.size:
        return None
    in_order = places[np.argsort(trials.worst_p[places], kind="stable")]
    return int(in_order[int(share * (in_order.size - 1))])


def _clear_win(trials: _Trials) -> int | None:
    return _at_share(trials, trials.go == GO, 0.25)


def _borderline(trials: _Trials) -> int | None:
    apart = np.abs(trials.worst_p - trials.alpha)
    return None if np.isnan(apart).all() else int(np.nanargmin(apart))


def _false_stop(trials: _Trials) -> int | None:
    return _at_share(trials, (trials.go == STOP) & ~trials.harmed, 0.5)


def _harmed(trials: _Trials) -> int | None:
    return _at_share(trials, trials.harmed, 0.5)


def _false_go(trials: _Trials) -> int | None:
    return _at_share(trials, trials.go == GO, 0.5)


def _odd(trials: _Trials) -> int | None:
    return None if np.isnan(trials.off).all() else int(np.nanargmax(trials.off))


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
        _harmed,
    ),
    "A false go": (
        "null",
        "nothing works, the trial goes: the middle one of these",
        _false_go,
    ),
    "An odd one": (
        "target",
        "the trial whose estimate is furthest from the truth, in standard errors",
        _odd,
    ),
}


def examples(
    assembled: Assembled, answers: Mapping[str, BatchResults], verdicts: Verdicts
) -> Iterator[Example]:
    """Choose a trial by each rule and replay it; a rule that finds none is left out."""
    decision = assembled.built.study.decision
    for name, (truth, words, rule) in RULES.items():
        if truth not in answers:
            continue
        stored = answers[truth]
        went = ended_of(assembled.built, stored)
        if went is not None:  # what each trial had come to when it stopped
            stored = replace(stored, estimates=went.look.estimates)
        verdict, harmed = np.asarray(verdicts[truth][:, -1]), _stopped_for_harm(stored, went)
        trials = _trials(stored, verdict, harmed, decision.one_sided_alpha)
        trial = rule(trials)
        if trial is None:
            continue
        examined, patients = replay(assembled, truth, trial)
        again = [finding.effect for finding in examined.findings]
        before = [estimates.effect[trial] for estimates in stored.estimates]
        yield Example(
            name=name,
            rule=words,
            truth=truth,
            trial=trial,
            examined=examined,
            courses=_courses(patients, [one.endpoint for one in examined.findings]),
            same_as_stored=bool(np.allclose(again, before, rtol=_ROUNDING, equal_nan=True)),
        )


def _stopped_for_harm(stored: BatchResults, went: TrialEnds | None) -> Bools:
    """Whether each trial was stopped for harm, at whatever look it would have ended."""
    if went is not None:
        return np.asarray(went.course.why == FOR_HARM)
    if stored.watched is None:
        return np.zeros(stored.missing.shape[1], np.bool_)
    return stored.watched.crossed


def _trials(
    answers: BatchResults, verdict: NDArray[np.int8], harmed: Bools, alpha: float
) -> _Trials:
    p = np.stack([one.p for one in answers.estimates])
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.stack([
            np.abs(one.effect - true) / one.se
            for one, true in zip(answers.estimates, answers.true_effect, strict=True)
        ])  # fmt: skip
    off = np.where(np.isfinite(off), off, np.nan)
    worst = np.where(np.isnan(p).all(axis=0), np.nan, np.fmax.reduce(p))
    furthest = np.where(np.isnan(off).all(axis=0), np.nan, np.fmax.reduce(off))
    decided = np.where((verdict == GO) | (verdict == STOP), verdict, np.nan).astype(np.float64)
    return _Trials(go=decided, worst_p=worst, off=furthest, harmed=harmed, alpha=alpha)


def _courses(text: str, endpoints: Sequence[str]) -> dict[str, tuple[Patient, ...]]:
    """Read each patient's course on the endpoints that are drawn themselves."""
    wanted = [name for name in dict.fromkeys(endpoints) if name in ENDPOINTS or name in DERIVED]
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["endpoint"] in wanted:
            rows.setdefault((row["endpoint"], row["id"]), []).append(row)
    found: dict[str, list[Patient]] = {name: [] for name in wanted}
    for (endpoint, number), visits in rows.items():
        after = [float(one["y"]) if one["y"] else None for one in visits]
        found[endpoint].append(
            Patient(
                number=int(number),
                arm=visits[0]["arm"],
                months=(0.0, *(float(one["months"]) for one in visits)),
                seen=(float(visits[0]["base"]), *after),
            )
        )
    return {name: tuple(patients) for name, patients in found.items()}

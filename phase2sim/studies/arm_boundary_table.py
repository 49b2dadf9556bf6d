"""Bounds of a scenario whose looks drop arms, and their exact stopping probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from phase2sim.core.arrays import Floats
from phase2sim.core.measured import Measured
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.studies.boundary_table import information_at_end, squared_errors, target_effect
from phase2sim.trial.interim.dropping_rule import DroppingRule


@dataclass(frozen=True, slots=True)
class ArmBound:
    """One bound of one look on each arm's z."""

    z: float
    p: float  # one-sided
    effect: tuple[float | None, ...]  # by arm, on its analysis's scale


@dataclass(frozen=True, slots=True)
class ArmLook:
    """Bounds of one look, None where there is none, and the familywise error spent so far."""

    number: int
    information: float
    patients: int | None  # due at the visit of the look, no arm dropped; None by calendar
    efficacy: ArmBound | None
    futility: ArmBound | None
    alpha_spent: float  # no arm dropped: the familywise error though futility is overruled
    alpha_spent_dropping: float


@dataclass(frozen=True, slots=True)
class ArmOutcomes:
    """Stopping and dropping probabilities under one truth; by arm: (arm, look)."""

    truth: str  # null | half | target | least_favourable
    drift: tuple[float, ...]  # by arm: the effect over its standard error at the end
    efficacy: tuple[float, ...]  # by look
    futility: tuple[float, ...]  # the last: no arm shown at the end
    dropped: tuple[tuple[float, ...], ...]
    go: tuple[float, ...]  # by arm
    any_go: float
    expected_patients: float


@dataclass(frozen=True, slots=True)
class ArmTable:
    """Bounds of a trial whose looks drop arms, and their operating characteristics."""

    analyses: tuple[str, ...]
    looks: tuple[ArmLook, ...]
    truths: tuple[ArmOutcomes, ...]
    information: tuple[Measured, ...]  # by arm at the end: one over the squared standard error


def arm_boundary_table(assembled: AssembledScenario, rule: DroppingRule) -> ArmTable:
    """Bounds and stopping probabilities; the final information is estimated by simulation."""
    squared_of_arms = squared_errors(assembled, assembled.sources[0])
    information = tuple(
        information_at_end(None, errors_of_arm) for errors_of_arm in squared_of_arms
    )
    errors = np.array([measured.estimate**-0.5 for measured in information])
    return ArmTable(
        analyses=assembled.built.study.names,
        looks=tuple(_looks(assembled, rule, errors)),
        truths=tuple(_truths(assembled, rule, errors)),
        information=information,
    )


def _looks(assembled: AssembledScenario, rule: DroppingRule, errors: Floats) -> Iterator[ArmLook]:
    design, bounds = assembled.built.design, rule.bounds
    spent, dropping = bounds.spent(dropping=False), bounds.spent(dropping=True)
    last = bounds.information.size - 1
    for k, fraction in enumerate(bounds.information):
        patients: int | None = design.patients
        if k < last:
            look = design.schedule.looks[k]
            patients = None if look.is_by_calendar else look.patients_of(design.patients)
        scale = errors / fraction**0.5
        yield ArmLook(
            number=k + 1,
            information=float(fraction),
            patients=patients,
            efficacy=_bound(assembled, bounds.efficacy[k], scale),
            futility=None if k == last else _bound(assembled, bounds.futility[k], scale),
            alpha_spent=float(spent[k]),
            alpha_spent_dropping=float(dropping[k]),
        )


def _bound(assembled: AssembledScenario, z: float, errors: Floats) -> ArmBound | None:
    if not np.isfinite(z):
        return None
    hypotheses = assembled.study.hypotheses
    effects = [
        hypothesis.null_effect + hypothesis.benefit_sign * z * error
        for hypothesis, error in zip(hypotheses, errors, strict=True)
    ]
    effects_by_arm = tuple(float(effect) if np.isfinite(effect) else None for effect in effects)
    return ArmBound(float(z), float(ndtr(-z)), effects_by_arm)


def _truths(
    assembled: AssembledScenario, rule: DroppingRule, errors: Floats
) -> Iterator[ArmOutcomes]:
    """Outcomes under no effect, half the target, the target, and the least favourable truth."""
    hypotheses = assembled.study.hypotheses
    null, sign = (
        np.array([getattr(hypothesis, name) for hypothesis in hypotheses], dtype=np.float64)
        for name in ("null_effect", "benefit_sign")
    )
    target = np.array([target_effect(assembled, number) for number in range(errors.size)])

    def drift(effect: Floats) -> Floats:
        drifts: Floats = sign * (effect - null) / errors
        return drifts

    yield _truth_outcome(assembled, rule, "null", np.zeros(errors.size))
    if not np.isfinite(target).all():
        return
    yield _truth_outcome(assembled, rule, "half", drift(target / 2))
    yield _truth_outcome(assembled, rule, "target", drift(target))
    best = int(np.argmax(drift(target)))
    effects = np.full(errors.size, target[best] * rule.uninteresting_share)
    effects[best] = target[best]
    yield _truth_outcome(assembled, rule, "least_favourable", drift(effects))


def _truth_outcome(
    assembled: AssembledScenario, rule: DroppingRule, truth: str, drift: Floats
) -> ArmOutcomes:
    design, fates = assembled.built.design, rule.bounds.fates(drift)
    ratio = [design.allocation[0], *(design.allocation[a.arm] for a in assembled.built.study.aims)]
    sizes = design.patients * np.array(ratio) / sum(ratio)
    return ArmOutcomes(
        truth=truth,
        drift=tuple(drift.tolist()),
        efficacy=tuple(fates.efficacy.tolist()),
        futility=tuple(fates.futility.tolist()),
        dropped=tuple(tuple(shares) for shares in fates.dropped[:, :-1].tolist()),
        go=tuple(fates.crossed.sum(axis=1).tolist()),
        any_go=fates.any_go,
        expected_patients=fates.expected_patients(rule.bounds.information, sizes),
    )

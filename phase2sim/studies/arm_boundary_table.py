"""Bounds of a scenario whose looks drop arms, and what they lead to, by theory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from phase2sim.core.arrays import Floats
from phase2sim.core.measured import Measured
from phase2sim.scenario.assembly.assemble import Assembled
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
    """The bounds of one look, None where there is none, and the familywise error used by then."""

    number: int
    information: float
    patients: int | None  # due at the visit of the look, no arm dropped; None by calendar
    efficacy: ArmBound | None
    futility: ArmBound | None
    alpha_spent: float  # no arm dropped: the familywise error though futility is overruled
    alpha_spent_dropping: float


@dataclass(frozen=True, slots=True)
class ArmsUnderTruth:
    """Where a trial stops under one truth, and what becomes of each arm: (arm, look)."""

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
    """Everything about the bounds of a trial whose looks drop arms."""

    analyses: tuple[str, ...]
    looks: tuple[ArmLook, ...]
    truths: tuple[ArmsUnderTruth, ...]
    information: tuple[Measured, ...]  # by arm at the end: one over the squared standard error


def arm_boundary_table(assembled: Assembled, rule: DroppingRule) -> ArmTable:
    """Bounds and what follows; the information at the end is that of simulated trials."""
    squared = squared_errors(assembled, assembled.sources[0])
    information = tuple(information_at_end(None, one) for one in squared)
    errors = np.array([one.estimate**-0.5 for one in information])
    return ArmTable(
        analyses=assembled.built.study.names,
        looks=tuple(_looks(assembled, rule, errors)),
        truths=tuple(_truths(assembled, rule, errors)),
        information=information,
    )


def _looks(assembled: Assembled, rule: DroppingRule, errors: Floats) -> Iterator[ArmLook]:
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


def _bound(assembled: Assembled, z: float, errors: Floats) -> ArmBound | None:
    if not np.isfinite(z):
        return None
    hypotheses = assembled.study.hypotheses
    effects = [
        one.null_effect + one.benefit_sign * z * error
        for one, error in zip(hypotheses, errors, strict=True)
    ]
    shown = tuple(float(one) if np.isfinite(one) else None for one in effects)
    return ArmBound(float(z), float(ndtr(-z)), shown)


def _truths(assembled: Assembled, rule: DroppingRule, errors: Floats) -> Iterator[ArmsUnderTruth]:
    """No effect, half of the target's, the target's, and the least favourable of one such arm."""
    hypotheses = assembled.study.hypotheses
    null, sign = (
        np.array([getattr(one, name) for one in hypotheses], dtype=np.float64)
        for name in ("null_effect", "benefit_sign")
    )
    target = np.array([target_effect(assembled, number) for number in range(errors.size)])

    def drift(effect: Floats) -> Floats:
        drifts: Floats = sign * (effect - null) / errors
        return drifts

    yield _under(assembled, rule, "null", np.zeros(errors.size))
    if not np.isfinite(target).all():
        return
    yield _under(assembled, rule, "half", drift(target / 2))
    yield _under(assembled, rule, "target", drift(target))
    best = int(np.argmax(drift(target)))
    others = np.full(errors.size, target[best] * rule.uninteresting_share)
    others[best] = target[best]
    yield _under(assembled, rule, "least_favourable", drift(others))


def _under(assembled: Assembled, rule: DroppingRule, truth: str, drift: Floats) -> ArmsUnderTruth:
    design, fates = assembled.built.design, rule.bounds.fates(drift)
    ratio = [design.allocation[0], *(design.allocation[a.arm] for a in assembled.built.study.aims)]
    sizes = design.patients * np.array(ratio) / sum(ratio)
    return ArmsUnderTruth(
        truth=truth,
        drift=tuple(drift.tolist()),
        efficacy=tuple(fates.efficacy.tolist()),
        futility=tuple(fates.futility.tolist()),
        dropped=tuple(tuple(each) for each in fates.dropped[:, :-1].tolist()),
        go=tuple(fates.crossed.sum(axis=1).tolist()),
        any_go=fates.any_go,
        expected_patients=fates.expected_patients(rule.bounds.information, sizes),
    )

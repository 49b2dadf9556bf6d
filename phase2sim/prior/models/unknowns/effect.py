"""Treatment effects in the model graph: effect and bias of a single arm, effects of its class."""

from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.assumed_effects import assumptions, share_at_visit
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    EffectAssumption,
    Evidence,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.evidence_arrays import ArmVisit, Cells


@dataclass(frozen=True, slots=True)
class Courses:
    """Design matrices of the treated cells.

    ``assumed`` are the endpoints with an effect, ``classes`` those with a class effect. A course is
    one endpoint in the treated arm of one randomised trial.
    """

    assumed: tuple[str, ...]
    classes: tuple[str, ...]
    single: Floats  # (cell, assumed) share of the single arm's effect
    biased: Floats  # (cell, assumed) 1 in the single arm after treatment
    course_class: Floats  # (course, class) 1 for the class of the course
    randomised: Floats  # (cell, course) share of the course's effect


def treatment_effect(evidence: Evidence, layout: Cells) -> Tensor:
    """Declare effects and bias in the current PyMC model; return the shift of each cell's mean.

    In a single arm, effect and bias are not identified separately. A class of randomised trials has
    a mean effect and an SD between trials. The effect of a single arm of that class is one more
    draw from it, unless the file states a prior. Effects on several endpoints share a part of their
    variance in the direction of benefit.
    """
    courses = _courses(evidence, layout)
    class_mean, class_sd = _class_effects(evidence, courses)
    added = pt.zeros(layout.months.size)
    if courses.randomised.size:
        course_raw = pm.Normal("course_raw", shape=len(courses.course_class))
        mean, sd = (
            pt.sum(courses.course_class * moments, axis=1) for moments in (class_mean, class_sd)
        )
        added = added + pt.sum(courses.randomised * (mean + sd * course_raw), axis=1)
    if courses.assumed:
        effect = _next_effect(evidence, courses, class_mean, class_sd)
        added = added + pt.sum(courses.single * effect, axis=1)
        if courses.biased.any():
            bias_sd = np.array([_bias_sd(evidence, name) for name in courses.assumed])
            raw = pm.Normal("bias_raw", shape=len(courses.assumed))
            bias = pm.Deterministic("bias", raw * bias_sd)
            added = added + pt.sum(courses.biased * bias, axis=1)
    return added


def _class_effects(evidence: Evidence, courses: Courses) -> tuple[Tensor, Tensor]:
    if not courses.classes:
        return pt.zeros(0), pt.zeros(0)
    class_effects = [evidence.classes[name] for name in courses.classes]
    raw = pm.Normal("class_raw", shape=len(class_effects))
    mean = pm.Deterministic(
        "class_mean", raw * np.array([class_effect.sceptical_sd for class_effect in class_effects])
    )
    scale = np.array([class_effect.between_trials_sd for class_effect in class_effects])
    return mean, pm.HalfNormal("class_sd", sigma=scale)


def _next_effect(
    evidence: Evidence, courses: Courses, class_mean: Tensor, class_sd: Tensor
) -> Tensor:
    """Effect (assumed,) of the next trial's treatment, at the month of its assumption."""
    by_endpoint = assumptions(evidence, courses.assumed)
    assumed = [by_endpoint[name] for name in courses.assumed]
    shared = np.sqrt([assumption.shared for assumption in assumed])
    sign = np.array([ENDPOINTS[name].benefit_sign for name in courses.assumed])
    deviation = pm.Normal("effect_raw", shape=len(assumed)) * np.sqrt(1.0 - shared**2)
    if shared.any():
        deviation = deviation + sign * shared * pm.Normal("benefit_raw")
    member = np.array(
        [_class_shares(evidence, assumption, courses.classes) for assumption in assumed]
    )  # (assumed, class)
    has_no_class = ~member.any(axis=1)
    mean = np.where(has_no_class, [assumption.before.mean for assumption in assumed], 0.0)
    sd = np.where(has_no_class, [assumption.before.sd for assumption in assumed], 0.0)
    if courses.classes:
        mean = mean + pt.sum(member * class_mean, axis=1)
        sd = sd + pt.sum(member * class_sd, axis=1)
    return pm.Deterministic("effect", mean + sd * deviation)


def _class_shares(
    evidence: Evidence, assumption: EffectAssumption, classes: tuple[str, ...]
) -> list[float]:
    """Share of each class effect at the assumption's month; 0 for other endpoints' classes."""
    return [
        share_at_visit(evidence.classes[name], assumption.month)
        if name == assumption.endpoint and assumption.prior is None
        else 0.0
        for name in classes
    ]


def _bias_sd(evidence: Evidence, name: str) -> float:
    return evidence.effects[name].bias_sd if name in evidence.effects else 0.0


def _courses(evidence: Evidence, layout: Cells) -> Courses:
    assumed = tuple(assumptions(evidence, layout.endpoints))
    classes = tuple(name for name in layout.endpoints if name in evidence.classes)
    arms = {(a.study, a.arm): a for a in evidence.arms if a.treated}
    single, biased = np.zeros((2, layout.months.size, len(assumed)))
    course_shares: dict[tuple[str, str, str], dict[int, float]] = {}
    for cell, row in layout.index.items():
        arm = arms.get((cell.study, cell.arm))
        if arm is None:
            continue
        if arm.design == SINGLE_ARM:
            column = _check_effect_table(evidence, cell, assumed, "effect")
            single[row, column] = share_at_visit(evidence.effects[cell.endpoint], cell.months)
            biased[row, column] = float(cell.months > 0)
        elif arm.design == RANDOMISED:
            _check_effect_table(evidence, cell, classes, "class_effect")
            share = share_at_visit(evidence.classes[cell.endpoint], cell.months)
            course_shares.setdefault((cell.study, cell.arm, cell.endpoint), {})[row] = share
    randomised = np.zeros((layout.months.size, len(course_shares)))
    for column, shares in enumerate(course_shares.values()):
        randomised[list(shares), column] = list(shares.values())
    return Courses(
        assumed=assumed,
        classes=classes,
        single=single,
        biased=biased,
        course_class=np.array(
            [[float(name == endpoint) for name in classes] for _, _, endpoint in course_shares]
        ).reshape(len(course_shares), len(classes)),
        randomised=randomised,
    )


def _check_effect_table(
    evidence: Evidence, cell: ArmVisit, names: tuple[str, ...], table: str
) -> int:
    tables = evidence.effects if table == "effect" else evidence.classes
    if cell.endpoint not in tables:
        raise BadEvidence(
            f"{', '.join(evidence.names)}: {table}.{cell.endpoint} is missing, and"
            f" {cell.study} treats it. Add the table."
        )
    return names.index(cell.endpoint)

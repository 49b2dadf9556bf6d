"""Graph of what treatment adds: the effect of one arm with its bias, and those of its class."""

from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.core.effect_shapes import SHAPES
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import (
    RANDOMISED,
    SINGLE_ARM,
    ClassEffect,
    EffectAssumption,
    Evidence,
)
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.evidence_arrays import ArmVisit, Cells


@dataclass(frozen=True, slots=True)
class Courses:
    """Constants of the treated cells; ``assumed`` are endpoints with an effect, ``class`` with one.

    A course is one randomised trial's treated arm and endpoint.
    """

    assumed: tuple[str, ...]
    classes: tuple[str, ...]
    single: Floats  # (cell, assumed) share of the single arm's effect
    biased: Floats  # (cell, assumed) 1 after the single arm's treatment
    course_class: Floats  # (course, class) 1 at the course's class
    randomised: Floats  # (cell, course) share of the course's effect


def treatment_effect(evidence: Evidence, layout: Cells) -> Tensor:
    """Declare effects and bias in the current PyMC model; return what is added to each cell.

    One arm cannot tell its effect from its bias. A class of randomised trials has a mean effect
    and a spread between trials; a single arm of that class is one more draw of it, unless its file
    states a prior. Endpoints' effects share a part of their variance in the direction of benefit.
    """
    courses = _courses(evidence, layout)
    class_mean, class_sd = _class(evidence, courses)
    added = pt.zeros(layout.months.size)
    if courses.randomised.size:
        own = pm.Normal("course_raw", shape=len(courses.course_class))
        mean, sd = (pt.sum(courses.course_class * of, axis=1) for of in (class_mean, class_sd))
        added = added + pt.sum(courses.randomised * (mean + sd * own), axis=1)
    if courses.assumed:
        effect = _effect(evidence, courses, class_mean, class_sd)
        added = added + pt.sum(courses.single * effect, axis=1)
        if courses.biased.any():
            bias_sd = np.array([_bias_sd(evidence, name) for name in courses.assumed])
            raw = pm.Normal("bias_raw", shape=len(courses.assumed))
            bias = pm.Deterministic("bias", raw * bias_sd)
            added = added + pt.sum(courses.biased * bias, axis=1)
    return added


def assumptions(evidence: Evidence, endpoints: tuple[str, ...]) -> dict[str, EffectAssumption]:
    """Assumption behind each effect of the next trial: the single arm's, else the class's."""
    found = {}
    for name in endpoints:
        if name in evidence.effects:
            found[name] = evidence.effects[name]
        elif name in evidence.classes:
            of = evidence.classes[name]
            found[name] = EffectAssumption(
                endpoint=name,
                month=of.month,
                shape=of.shape,
                shape_options=of.shape_options,
                sceptical_sd=of.sceptical_sd,
                bias_sd=0.0,
                why=of.why,
            )
    return found


def _class(evidence: Evidence, courses: Courses) -> tuple[Tensor, Tensor]:
    if not courses.classes:
        return pt.zeros(0), pt.zeros(0)
    of = [evidence.classes[name] for name in courses.classes]
    raw = pm.Normal("class_raw", shape=len(of))
    mean = pm.Deterministic("class_mean", raw * np.array([one.sceptical_sd for one in of]))
    scale = np.array([one.between_trials_sd for one in of])
    return mean, pm.HalfNormal("class_sd", sigma=scale)


def _effect(evidence: Evidence, courses: Courses, class_mean: Tensor, class_sd: Tensor) -> Tensor:
    """Effect (assumed,) of the next trial's treatment, at each assumption's month."""
    known = assumptions(evidence, courses.assumed)
    own = [known[name] for name in courses.assumed]
    shared = np.sqrt([one.shared for one in own])
    sign = np.array([ENDPOINTS[name].benefit_sign for name in courses.assumed])
    deviation = pm.Normal("effect_raw", shape=len(own)) * np.sqrt(1.0 - shared**2)
    if shared.any():
        deviation = deviation + sign * shared * pm.Normal("benefit_raw")
    member = np.array([_grown(evidence, one, courses.classes) for one in own])  # (assumed, class)
    alone = ~member.any(axis=1)
    mean = np.where(alone, [one.before.mean for one in own], 0.0)
    sd = np.where(alone, [one.before.sd for one in own], 0.0)
    if courses.classes:
        mean = mean + pt.sum(member * class_mean, axis=1)
        sd = sd + pt.sum(member * class_sd, axis=1)
    return pm.Deterministic("effect", mean + sd * deviation)


def _grown(evidence: Evidence, own: EffectAssumption, classes: tuple[str, ...]) -> list[float]:
    """Share of each class's effect at the assumption's month; 0 for what is not its class."""
    return [
        share_at_visit(evidence.classes[name], own.month)
        if name == own.endpoint and own.prior is None
        else 0.0
        for name in classes
    ]


def share_at_visit(assumed: EffectAssumption | ClassEffect, months: float) -> float:
    """Share of an effect at a visit, 1 at the month at which its size is stated."""
    if months <= 0:
        return 0.0
    shape = SHAPES[assumed.shape](**dict(assumed.shape_options))
    at, whole = shape.at(np.array([months, assumed.month]))
    return float(at / whole)


def _bias_sd(evidence: Evidence, name: str) -> float:
    return evidence.effects[name].bias_sd if name in evidence.effects else 0.0


def _courses(evidence: Evidence, layout: Cells) -> Courses:
    assumed = tuple(assumptions(evidence, layout.endpoints))
    classes = tuple(name for name in layout.endpoints if name in evidence.classes)
    arms = {(a.study, a.arm): a for a in evidence.arms if a.treated}
    single, biased = np.zeros((2, layout.months.size, len(assumed)))
    named: dict[tuple[str, str, str], dict[int, float]] = {}
    for cell, row in layout.index.items():
        arm = arms.get((cell.study, cell.arm))
        if arm is None:
            continue
        if arm.design == SINGLE_ARM:
            column = _stated(evidence, cell, assumed, "effect")
            single[row, column] = share_at_visit(evidence.effects[cell.endpoint], cell.months)
            biased[row, column] = float(cell.months > 0)
        elif arm.design == RANDOMISED:
            _stated(evidence, cell, classes, "class_effect")
            grown = share_at_visit(evidence.classes[cell.endpoint], cell.months)
            named.setdefault((cell.study, cell.arm, cell.endpoint), {})[row] = grown
    randomised = np.zeros((layout.months.size, len(named)))
    for column, shares in enumerate(named.values()):
        randomised[list(shares), column] = list(shares.values())
    return Courses(
        assumed=assumed,
        classes=classes,
        single=single,
        biased=biased,
        course_class=np.array(
            [[float(name == endpoint) for name in classes] for _, _, endpoint in named]
        ).reshape(len(named), len(classes)),
        randomised=randomised,
    )


def _stated(evidence: Evidence, cell: ArmVisit, names: tuple[str, ...], table: str) -> int:
    stated = evidence.effects if table == "effect" else evidence.classes
    if cell.endpoint not in stated:
        raise BadEvidence(
            f"{', '.join(evidence.names)}: {table}.{cell.endpoint} is missing, and"
            f" {cell.study} treats it. Add the table."
        )
    return names.index(cell.endpoint)

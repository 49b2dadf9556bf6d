"""Assumption on the effect of the next trial's treatment, and its share at each visit."""

from collections.abc import Iterable

import numpy as np

from phase2sim.evidence.reported import ClassEffect, EffectAssumption, Evidence


def assumptions(evidence: Evidence, endpoints: Iterable[str]) -> dict[str, EffectAssumption]:
    """Assumption on each effect in the next trial: that of the single arm, else of the class."""
    by_endpoint = {}
    for name in endpoints:
        if name in evidence.effects:
            by_endpoint[name] = evidence.effects[name]
        elif name in evidence.classes:
            class_effect = evidence.classes[name]
            by_endpoint[name] = EffectAssumption(
                endpoint=name,
                month=class_effect.month,
                shape=class_effect.shape,
                shape_options=class_effect.shape_options,
                sceptical_sd=class_effect.sceptical_sd,
                bias_sd=0.0,
                why=class_effect.why,
                reasons=class_effect.reasons,
            )
    return by_endpoint


def share_at_visit(assumption: EffectAssumption | ClassEffect, months: float) -> float:
    """Effect at a visit as a share of its stated size; 0 until entry."""
    if months <= 0:
        return 0.0
    shape = assumption.effect_shape()
    at_visit, at_month = shape.at(np.array([months, assumption.month]))
    return float(at_visit / at_month)

"""Graph of what treatment adds to the patients of a single arm: bias and effect."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm

from phase2sim.knowledge import EffectAssumption
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import Cells


@dataclass(frozen=True, slots=True)
class TreatmentEffect:
    """What a single arm shows beyond a new study's natural history, by endpoint."""

    assumed: tuple[str, ...]  # endpoints with an assumption, in the model's order
    added: Tensor  # (cell,) bias after treatment plus the effect by then


def treatment_effect(layout: Cells, effects: Mapping[str, EffectAssumption]) -> TreatmentEffect:
    """Declare effect and bias in the current PyMC model; one arm cannot tell them apart."""
    assumed = tuple(name for name in layout.endpoints if name in effects)
    if not assumed:
        return TreatmentEffect((), pt.zeros(layout.months.size))
    sceptical = np.array([effects[name].sceptical_sd for name in assumed])
    bias_sd = np.array([effects[name].bias_sd for name in assumed])
    effect = pm.Deterministic("effect", pm.Normal("effect_raw", shape=len(assumed)) * sceptical)
    bias = pm.Deterministic("bias", pm.Normal("bias_raw", shape=len(assumed)) * bias_sd)
    # (cell, assumed) 1 at the cell's own endpoint
    own = np.array(layout.endpoints)[layout.endpoint][:, None] == np.array(assumed)
    shares = own * layout.shape[:, None], own * layout.biased[:, None]
    return TreatmentEffect(assumed, pt.sum(shares[0] * effect + shares[1] * bias, axis=1))

"""Who receives a background therapy, in either arm, and what it does to their values."""

import numpy as np

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.background_therapy import BackgroundTherapy
from phase2sim.core.contracts import Plan, Trials
from phase2sim.core.randomness import uniforms


def receives_background(plan: Plan, therapy: BackgroundTherapy, trials: Trials) -> Bools:
    """Who receives it, (trial, patient): the same patients whatever their arm and the truth."""
    drawn = uniforms(trials.arm.shape, plan.seed, "background", trials.first)
    return np.asarray(drawn < therapy.share)


def share_of_effect(plan: Plan, trials: Trials) -> Floats:
    """Share of the trial's own effect that each patient has, (trial, patient)."""
    if plan.background is None:
        return np.ones(trials.arm.shape)
    received = receives_background(plan, plan.background, trials)
    return np.where(received, plan.background.kept, 1.0)


def add_background(plan: Plan, therapy: BackgroundTherapy, trials: Trials, gain: Floats) -> None:
    """Add, in place, what the therapy does; ``gain`` is what treatment adds without it."""
    received = receives_background(plan, therapy, trials)[:, None, None, :]
    added = therapy.added(plan.endpoints, plan.visits_months)
    lost = (1.0 - therapy.kept) * gain
    np.add(trials.value, received * (added[None, :, :, None] - lost), out=trials.value)

"""Stopping a trial for harm: rules, their boundaries, and what they do to simulated trials."""

from phase2sim.trial.safety.monitoring import SafetyRule
from phase2sim.trial.safety.pocock import PocockExcess
from phase2sim.trial.safety.posterior import PosteriorExcess

SAFETY: dict[str, type[SafetyRule]] = {
    "posterior": PosteriorExcess,
    "pocock": PocockExcess,
}

"""Stopping a trial for harm: rules, their boundaries, and what they do to simulated trials."""

from phase2sim.safety.pocock import PocockExcess
from phase2sim.safety.posterior import PosteriorExcess
from phase2sim.safety.watching import SafetyRule

SAFETY: dict[str, type[SafetyRule]] = {
    "posterior": PosteriorExcess,
    "pocock": PocockExcess,
}

"""Normal mixtures as priors of an analysis: updated in closed form, fitted, stored as JSON."""

from phase2sim.theory.mixtures.effective_sample_size import elir_patients, moment_patients
from phase2sim.theory.mixtures.em_fit import fit_mixture
from phase2sim.theory.mixtures.normal_mixture import NormalMixture, normal_mixture
from phase2sim.theory.mixtures.robust import AnalysisMixture

__all__ = [
    "AnalysisMixture",
    "NormalMixture",
    "elir_patients",
    "fit_mixture",
    "moment_patients",
    "normal_mixture",
]

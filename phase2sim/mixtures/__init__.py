"""Mixtures of normals as priors of an analysis: updated in closed form, fitted, kept as JSON."""

from phase2sim.mixtures.fitted import fit_mixture
from phase2sim.mixtures.normal import NormalMixture, normal_mixture
from phase2sim.mixtures.robust import AnalysisMixture
from phase2sim.mixtures.sample_size import elir_patients, moment_patients

__all__ = [
    "AnalysisMixture",
    "NormalMixture",
    "elir_patients",
    "fit_mixture",
    "moment_patients",
    "normal_mixture",
]

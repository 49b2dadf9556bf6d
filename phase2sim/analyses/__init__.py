"""Analyses: a batch of trials in, one estimate a trial out."""

from phase2sim.analyses.ancova import Ancova
from phase2sim.analyses.anhecova import Anhecova
from phase2sim.analyses.bayes_normal import BayesNormal
from phase2sim.analyses.clda import Clda
from phase2sim.analyses.cmh import Cmh
from phase2sim.analyses.conditional_mean_imputation import ConditionalMeanImputation
from phase2sim.analyses.fisher import Fisher
from phase2sim.analyses.logistic_standardised import LogisticStandardised
from phase2sim.analyses.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.mmrm import Mmrm
from phase2sim.analyses.multiple_imputation import MultipleImputation
from phase2sim.analyses.negative_binomial import NegativeBinomial
from phase2sim.analyses.poisson import Poisson
from phase2sim.analyses.qr_ancova import QrAncova
from phase2sim.analyses.rank_ancova import RankAncova
from phase2sim.analyses.t_test import TTest
from phase2sim.analyses.tobit import Tobit
from phase2sim.analyses.van_elteren import VanElteren
from phase2sim.analyses.welch import Welch
from phase2sim.analyses.wilcoxon import Wilcoxon
from phase2sim.contracts import Analysis

ANALYSES: dict[str, type[Analysis]] = {
    "ancova": Ancova,
    "anhecova": Anhecova,
    "bayes_normal": BayesNormal,
    "clda": Clda,
    "cmh": Cmh,
    "conditional_mean_imputation": ConditionalMeanImputation,
    "fisher": Fisher,
    "logistic_standardised": LogisticStandardised,
    "miettinen_nurminen": MiettinenNurminen,
    "mmrm": Mmrm,
    "multiple_imputation": MultipleImputation,
    "negative_binomial": NegativeBinomial,
    "poisson": Poisson,
    "qr_ancova": QrAncova,
    "rank_ancova": RankAncova,
    "t_test": TTest,
    "tobit": Tobit,
    "van_elteren": VanElteren,
    "welch": Welch,
    "wilcoxon": Wilcoxon,
}

"""Analyses: a batch of trials in, one estimate per trial out."""

from phase2sim.analyses.events.negative_binomial import NegativeBinomial
from phase2sim.analyses.events.poisson import PoissonRegression
from phase2sim.analyses.events.poisson_exact import PoissonExact
from phase2sim.analyses.imputation.conditional_mean_imputation import ConditionalMeanImputation
from phase2sim.analyses.imputation.multiple_imputation import MultipleImputation
from phase2sim.analyses.means.ancova import Ancova
from phase2sim.analyses.means.anhecova import Anhecova
from phase2sim.analyses.means.bayes_normal import BayesNormal
from phase2sim.analyses.means.qr_ancova import QrAncova
from phase2sim.analyses.means.student_t import TTest
from phase2sim.analyses.means.tobit import Tobit
from phase2sim.analyses.means.welch import Welch
from phase2sim.analyses.mixed_models.clda import Clda
from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.analyses.ranks.rank_ancova import RankAncova
from phase2sim.analyses.ranks.van_elteren import VanElteren
from phase2sim.analyses.ranks.wilcoxon import Wilcoxon
from phase2sim.analyses.responders.cmh import Cmh
from phase2sim.analyses.responders.fisher import Fisher
from phase2sim.analyses.responders.logistic_standardised import LogisticStandardised
from phase2sim.analyses.responders.miettinen_nurminen import MiettinenNurminen
from phase2sim.analyses.responders.miettinen_nurminen_stratified import (
    MiettinenNurminenStratified,
)
from phase2sim.core.analysis import Analysis

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
    "miettinen_nurminen_stratified": MiettinenNurminenStratified,
    "mmrm": Mmrm,
    "multiple_imputation": MultipleImputation,
    "negative_binomial": NegativeBinomial,
    "poisson": PoissonRegression,
    "poisson_exact": PoissonExact,
    "qr_ancova": QrAncova,
    "rank_ancova": RankAncova,
    "t_test": TTest,
    "tobit": Tobit,
    "van_elteren": VanElteren,
    "welch": Welch,
    "wilcoxon": Wilcoxon,
}

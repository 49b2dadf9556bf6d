"""Trials per second of each analysis, on given data, with one thread."""

import time

import numpy as np

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
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Reading
from phase2sim.theory.mixtures import AnalysisMixture

TRIALS, PATIENTS, REPEATS = 20_000, 60, 10
RULE = Responder(below=5.0)
EFFECT = AnalysisMixture((1.0,), (0.0,), (0.5,))
CONTROL = AnalysisMixture((0.6, 0.4), (4.8, 5.0), (0.2, 0.3), 0.2, 4.8, 1.0)
ANALYSES: dict[str, Analysis] = {
    "t test": TTest("hba1c", 12.0),
    "Welch": Welch("hba1c", 12.0),
    "Welch, change": Welch("hba1c", 12.0, "change"),
    "ANCOVA, baseline": Ancova("hba1c", 12.0),
    "ANCOVA, baseline, HC3": Ancova("hba1c", 12.0, standard_error="hc3"),
    "ANCOVA, baseline and stratum": Ancova("hba1c", 12.0, ("baseline", "stratum")),
    "ANCOVA, all, HC3": Ancova("hba1c", 12.0, ("baseline", "age", "stratum"), "hc3"),
    "ANHECOVA, baseline": Anhecova("hba1c", 12.0),
    "Wilcoxon, exact": Wilcoxon("hba1c", 12.0),
    "Wilcoxon, normal": Wilcoxon("hba1c", 12.0, distribution="normal"),
    "van Elteren": VanElteren("hba1c", 12.0),
    "rank ANCOVA, baseline": RankAncova("hba1c", 12.0),
    "C-peptide QR": QrAncova("c_peptide", 12.0),
    "Fisher": Fisher("hba1c", 12.0, RULE),
    "Miettinen-Nurminen": MiettinenNurminen("hba1c", 12.0, RULE),
    "Cochran-Mantel-Haenszel": Cmh("hba1c", 12.0, RULE),
    "standardised logistic, baseline": LogisticStandardised("hba1c", 12.0, RULE),
    "tobit, a tenth below": Tobit("hba1c", 12.0, 3.5),
    "Bayes, effect prior": BayesNormal("hba1c", 12.0, EFFECT),
    "Bayes, robust control prior": BayesNormal("hba1c", 12.0, control_prior=CONTROL),
}
LONGITUDINAL: dict[str, Analysis] = {  # with 15 % dropout
    "MMRM": Mmrm("hba1c", 12.0),
    "constrained longitudinal": Clda("hba1c", 12.0),
    "conditional means, jackknife": ConditionalMeanImputation("hba1c", 12.0),
    "conditional means, analytic": ConditionalMeanImputation("hba1c", 12.0, variance="analytic"),
    "multiple imputation, 50": MultipleImputation("hba1c", 12.0),
}


def given_data(missing: float) -> Reading:
    """Make 1:1 trials with three strata and a share of values missing."""
    rng = np.random.default_rng(1)
    shape = (TRIALS, PATIENTS)
    arm = (rng.random(shape).argsort(axis=1) < PATIENTS // 2).astype(np.int8)
    baseline = rng.normal(8.0, 1.0, shape)
    value = 0.6 * baseline + rng.normal(0.0, 0.8, shape)
    value[rng.random(shape) < missing] = np.nan
    return Reading(
        arm,
        baseline,
        value[:, None],
        (12.0,),
        rng.uniform(8.0, 18.0, shape),
        rng.integers(0, 3, shape, np.int64),
    )


def four_visits(patients: int) -> Reading:
    """Make 1:1 trials of four visits with 15 % dropout."""
    rng = np.random.default_rng(2)
    shape = (TRIALS // 50, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, shape), rng.normal(0.0, 0.6, shape)
    noise = rng.normal(0.0, 0.6, (shape[0], 4, patients))
    value = (0.5 * baseline + own)[:, None] + noise
    lost = rng.random(shape)
    for visit in range(1, 4):
        value[:, visit][lost < 0.05 * visit] = np.nan
    months = (3.0, 6.0, 9.0, 12.0)
    return Reading(arm, baseline, value, months, baseline, np.zeros(shape, np.int64))


def trials_per_second(analysis: Analysis, reading: Reading) -> float:
    """Return the best of a few repeats, compiled beforehand."""
    analysis.estimate(reading)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        analysis.estimate(reading)
        seconds.append(time.perf_counter() - start)
    return reading.arm.shape[0] / min(seconds)


def main() -> None:
    """Print a table."""
    complete, gaps = given_data(0.0), given_data(0.1)
    print(f"trials per second, {PATIENTS} patients, one thread")
    print(f"{'analysis':32}{'complete':>12}{'10 % missing':>14}")
    for name, analysis in ANALYSES.items():
        speeds = trials_per_second(analysis, complete), trials_per_second(analysis, gaps)
        print(f"{name:32}{speeds[0]:12,.0f}{speeds[1]:14,.0f}")
    for patients in (60, 600):
        for name, analysis in LONGITUDINAL.items():
            speed = trials_per_second(analysis, four_visits(patients))
            print(f"{f'{name}, {patients} x 4':44}{speed:14,.0f}")


if __name__ == "__main__":
    main()

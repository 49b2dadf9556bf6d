"""One of each registered analysis, and the numbers that an estimate holds."""

from typing import Any

import numpy as np

from phase2sim.analyses import ANALYSES
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Estimates
from phase2sim.theory.mixtures import AnalysisMixture

# Keys that a method needs beside endpoint and month.
RULE = {"responder": Responder(below=5.0)}
NEEDED: dict[str, dict[str, Any]] = {
    "bayes_normal": {
        "effect_prior": AnalysisMixture((1.0,), (-0.2,), (0.4,)),
        "control_prior": AnalysisMixture((0.6, 0.4), (5.0, 4.5), (0.3, 0.2), 0.2, 4.8, 1.5),
    },
    "cmh": RULE,
    "fisher": RULE,
    "logistic_standardised": RULE,
    "qr_ancova": {"endpoint": "c_peptide"},
    "miettinen_nurminen": RULE,
    "miettinen_nurminen_stratified": RULE,
    "negative_binomial": {"endpoint": "adverse_events"},
    "poisson": {"endpoint": "adverse_events"},
    "poisson_exact": {"endpoint": "adverse_events"},
    "tobit": {"lloq": 4.0},
}


def usual(name: str, **options: object) -> Analysis:
    """Return a registered analysis of HbA1c at month 12 with its defaults."""
    keys: dict[str, Any] = {"endpoint": "hba1c", "month": 12.0}
    return ANALYSES[name](**(keys | NEEDED.get(name, {}) | options))


def numbers(analysis: Analysis, result: Estimates) -> dict[str, float]:
    """What the first trial's estimate says, by the names of the published quantities."""
    effect, se, df, p = (float(x[0]) for x in (result.effect, result.se, result.df, result.p))
    found = {
        "est": effect,
        "se": se,
        "df": df,
        "se_ge": se,
        "se_delta": se,
        "t": (effect - analysis.null_effect) / se,
    }
    found["z"] = found["t"]
    found |= {"p_less": p, "p_greater": p, "p": 2 * min(p, 1 - p)}
    if result.test is not None:
        statistic = float(result.test.statistic[0])
        found |= {"W": statistic, "z": statistic, "p": float(result.test.p_two_sided[0])}
        found |= {"lower": float(result.test.lower[0]), "upper": float(result.test.upper[0])}
    return found | {name: float(value[0]) for name, value in result.details.items()}


def fields_of(result: Estimates) -> dict[str, np.ndarray]:
    """Every array of an estimate, (trial,) each."""
    found = {name: getattr(result, name) for name in ("effect", "se", "df", "p", "reason")}
    if result.test is not None:
        for name in ("statistic", "p_two_sided", "lower", "upper"):
            found[name] = getattr(result.test, name)
    return found | dict(result.details)

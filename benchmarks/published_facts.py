"""Simulated control arms against published shares of patients.

Prints the table of docs/methods/published-facts.md. Needs a fit of the shipped evidence: the kept
one, or a few minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS, derived_values
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.scenario_file import SCENARIO
from phase2sim.trial.engine import follow

EVIDENCE = ("gxipc1", "t1d-natural-history")
STUDIES, IN_A_BATCH = 2000, 100


@dataclass(frozen=True, slots=True)
class Fact:
    """A published share of a control arm: who they were, and how many of how many."""

    study: str
    what: str
    window: tuple[float, float]  # months since diagnosis at entry
    ages: tuple[float, float]
    month: float  # since entry
    count: int
    patients: int
    eligible: Mapping[str, float]  # C-peptide at least, nmol/L


FACTS = (
    Fact("Louvain", "remission", (0, 0), (5, 17), 3, 149, 239, {}),
    Fact("PDC NeOn", "remission", (0, 0), (5, 17), 12, 241, 1048, {}),
    Fact("PDC NeOn", "remission", (0, 0), (5, 17), 36, 73, 1048, {}),
    Fact("T1GER placebo", "remission", (0, 3.3), (6, 21), 12, 2, 28, {"at_least": 0.2}),
    Fact("CLVer placebo", "peak", (0, 1), (7, 17), 12, 29, 41, {}),
    Fact("PROTECT placebo", "peak", (0, 1.5), (8, 17), 18, 88, 111, {"at_least": 0.2}),
)
LABELS = {
    "remission": "in partial remission (IDAA1c of 9 or less)",
    "peak": "C-peptide of 0.2 nmol/L or more",
    "below": "HbA1c below own baseline",
}


def scenario_of(fact: Fact) -> dict[str, Any]:
    """Return a trial whose control arm is the fact's study."""
    endpoints = ("hba1c", "c_peptide", "insulin")
    target = {name: {"effect": 0.0, "month": 1, "shape": "immediate"} for name in endpoints}
    return {
        "title": fact.study,
        "evidence": list(EVIDENCE),
        "seed": 20251125,
        "trials": 1,
        "population": {
            "months_since_diagnosis": list(fact.window),
            "age_years": list(fact.ages),
            "eligible": {"c_peptide": dict(fact.eligible)} if fact.eligible else {},
        },
        "design": {
            "kind": "fixed",
            "arms": ["control", "none"],
            "patients": 2 * (fact.patients // 2 + fact.patients % 2),
            "visits_months": [0, fact.month],
        },
        "truth": {"target": target, "prior": {"robust_weight": 1.0}},
        "analysis": [{"endpoint": "hba1c", "month": fact.month, "method": "ancova"}],
        "decision": {"kind": "significance", "one_sided_alpha": 0.025},
    }


def shares(fact: Fact, prior: Any) -> dict[str, Floats]:  # noqa: ANN401 - draws of the prior
    """Share of each study's patients by each rule, one study a draw of the prior."""
    ready = assemble(build_scenario(SCENARIO.validate_python(scenario_of(fact))), prior)
    source = next(source for source in ready.sources if source.label == "prior")
    found: dict[str, list[Floats]] = {name: [] for name in LABELS}
    plan = ready.study.plan
    for first in range(0, STUDIES, IN_A_BATCH):
        trials = follow(ready.study, source.truth(first, IN_A_BATCH), first, IN_A_BATCH, all_in=0)
        value = trials.value[..., : fact.patients]
        idaa1c = derived_values("idaa1c", plan.endpoints, value)
        hba1c = value[:, plan.endpoints.index("hba1c")]
        c_peptide = ENDPOINTS["c_peptide"].scale.from_model(
            value[:, plan.endpoints.index("c_peptide")]
        )
        found["remission"].append((idaa1c[:, 1] <= 9.0).mean(axis=1))  # noqa: PLR2004
        found["peak"].append((c_peptide[:, 1] >= 0.2).mean(axis=1))  # noqa: PLR2004
        found["below"].append((hba1c[:, 1] < hba1c[:, 0]).mean(axis=1))
    return {name: np.concatenate(parts_) for name, parts_ in found.items()}


def main() -> None:
    """Print the table."""
    evidence = read_evidence(EVIDENCE, beside=Path("scenarios/published-facts.toml"))
    prior = load_or_fit(evidence, report=print)
    for fact in FACTS:
        found = shares(fact, prior)
        for what in (fact.what, "below") if fact.what == "remission" else (fact.what,):
            low, high = 100 * np.quantile(found[what], (0.025, 0.975))
            published = f"{100 * fact.count / fact.patients:.0f} %" if what == fact.what else "-"
            print(
                f"| {fact.study}, month {fact.month:g}, n = {fact.patients} | {LABELS[what]} |"
                f" {published} | {100 * found[what].mean():.0f} % ({low:.0f} to {high:.0f}) |"
            )


if __name__ == "__main__":
    main()

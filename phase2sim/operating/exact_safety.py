"""Exact stopping probabilities of a safety rule, without simulation."""

from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.trial.safety.boundaries import chance_of_stopping, expected_patients
from phase2sim.trial.safety.monitoring import SafetyRule


@dataclass(frozen=True, slots=True)
class StoppingChances:
    """Exact chances of stopping for one true share of patients with an event."""

    rate: float
    at_look: Floats  # (look,) of stopping first there
    expected_treated: float  # where the last look ends the watch


def stopping_chances(rule: SafetyRule, rate: float) -> StoppingChances:
    """Exact stopping probabilities of a rule under one true rate."""
    looks = np.array(rule.looks)
    chances = chance_of_stopping(looks, rule.boundary(), rate)
    return StoppingChances(rate, chances, expected_patients(looks, chances))


def true_share(built: BuiltScenario, truth: str) -> float | None:
    """True share of treated patients with an event by the rule's month; None if no formula."""
    rule, scenario = built.study.safety, built.scenario
    if rule is None or len(built.study.plan.arms) > 2 or scenario.assume != "planned":  # noqa: PLR2004 - control and treatment
        return None
    counted = built.study.plan.counted[rule.event]
    if counted.tied_to:
        return None
    ratio = 1.0 if truth == "null" else scenario.events[rule.event].rate_ratio
    mean = counted.per_month * ratio * rule.by_month
    if counted.dispersion == 0.0:
        return float(-np.expm1(-mean))
    # A gamma of mean 1 over the Poisson's chance of no event.
    return float(1.0 - (1.0 + counted.dispersion * mean) ** (-1.0 / counted.dispersion))


def exact_stopping(built: BuiltScenario, truth: str) -> StoppingChances | None:
    """Exact chances that simulated trials must reproduce; None where theory has none."""
    rate, rule = true_share(built, truth), built.study.safety
    if rate is None or rule is None or not built.dropout.loses_nobody or built.gaps:
        return None
    if not built.study.randomisation.keeps_ratio(built.study.plan.patients):
        return None
    treated = built.study.plan.patients * built.design.allocation[1] // sum(built.design.allocation)
    return stopping_chances(rule, rate) if rule.looks[-1] <= treated else None

"""Boundaries of a design that drops arms: tables, and values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import measured_row
from phase2sim.operating.simulation import PreparedScenario
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.arm_boundary_table import ArmBound, ArmOutcomes, ArmTable
from phase2sim.trial.interim.dropping_rule import DroppingRule

_TRUTHS = {
    "null": "no effect",
    "half": "half of the target",
    "target": "at the target",
    "least_favourable": "least favourable",
}


def arm_boundaries_json(rule: DroppingRule, arm_table: ArmTable) -> dict[str, Any]:
    """Return the values of the rule and of all arms."""
    table = asdict(arm_table) | {
        "information": [measured_row(information) for information in arm_table.information]
    }
    return {"one_sided_alpha": rule.one_sided_alpha, "rule": rule.title, **table}


def arm_boundaries_screen(
    ready: PreparedScenario, rule: DroppingRule, arm_table: ArmTable
) -> RenderableType:
    """Return the bounds of every look, and the probabilities of the arms under several truths."""
    built = ready.assembled.built
    scenario, arms = built.scenario, [built.design.arms[aim.arm] for aim in built.study.aims]
    return Group(
        Text(scenario.title, style="bold"),
        Text(f"{rule.title}. One-sided familywise alpha {rule.one_sided_alpha:g}."),
        Text(),
        _bounds(arm_table, arms),
        Text(),
        _trials(arm_table),
        Text(),
        _arms(arm_table, arms),
        *(Text(line) for line in _notes(rule, arm_table, arms)),
    )


def _bounds(arm_table: ArmTable, arms: Sequence[str]) -> RenderableType:
    effects = [f"effect, {name}" for name in arms]
    columns = ("look", "information", "patients", "an arm is", "z", "p", *effects, "alpha spent",
               "if dropped")  # fmt: skip
    table = plain_table((), columns)
    for look in arm_table.looks:
        name = str(look.number) if look is not arm_table.looks[-1] else "end"
        patients = "" if look.patients is None else f"{look.patients:,}"
        look_cells = (name, f"{look.information:.3f}", patients)
        spent = (f"{look.alpha_spent:.6f}", f"{look.alpha_spent_dropping:.6f}")
        rows = (("shown", look.efficacy), ("dropped", look.futility))
        shown = [(verdict, *_scales(bound)) for verdict, bound in rows if bound is not None]
        first, *more = shown or [("going on", *("",) * (2 + len(effects)))]
        table.add_row(*look_cells, *first, *spent)
        for cells in more:
            table.add_row("", "", "", *cells)
    return table


def _scales(bound: ArmBound) -> tuple[str, ...]:
    effects = ("" if effect is None else f"{effect:.4f}" for effect in bound.effect)
    return (f"{bound.z:.4f}", f"{bound.p:.6f}", *effects)


def _trials(arm_table: ArmTable) -> RenderableType:
    columns = ["truth"]
    for look in arm_table.looks[:-1]:
        columns += [f"look {look.number}: efficacy", "no arm left"]
    table = plain_table((), (*columns, "at least one go", "patients"))
    for truth in arm_table.truths:
        stops = zip(truth.efficacy[:-1], truth.futility[:-1], strict=True)
        cells = [f"{chance:.4f}" for pair in stops for chance in pair]
        table.add_row(
            _TRUTHS[truth.truth], *cells, f"{truth.any_go:.4f}", f"{truth.expected_patients:.1f}"
        )
    return table


def _arms(arm_table: ArmTable, arms: Sequence[str]) -> RenderableType:
    dropped_columns = [f"dropped at look {look.number}" for look in arm_table.looks[:-1]]
    table = plain_table((), ("truth", "arm", "drift", *dropped_columns, "go"))
    for truth in arm_table.truths:
        for arm, name in enumerate(arms):
            label = "" if arm else _TRUTHS[truth.truth]
            table.add_row(label, name, *_arm(truth, arm))
    return table


def _arm(truth: ArmOutcomes, arm: int) -> tuple[str, ...]:
    chances = (f"{chance:.4f}" for chance in truth.dropped[arm])
    return (f"{truth.drift[arm]:.3f}", *chances, f"{truth.go[arm]:.4f}")


def _notes(rule: DroppingRule, arm_table: ArmTable, arms: Sequence[str]) -> list[str]:
    """Return the assumptions of the numbers."""
    informations = "; ".join(
        f"{name} {information.estimate:.5g} +- {information.mcse:.2g}"
        for name, information in zip(arms, arm_table.information, strict=True)
    )
    trials = f"{arm_table.information[0].used:,}"
    assumptions = (
        f"Information at the end, one over the squared standard error, from {trials} simulated"
        f" trials: {informations}. Effects and drifts rest on it. z is taken as normal."
    )
    familywise = (
        "Familywise error is largest with no effect in any arm: alpha spent at the end is that, all"
        " arms going on, and beside it that of arms dropped as the looks say."
    )
    least_favourable = (
        "Least favourable: the arm with the most effect at the target, every other one with"
        f" {rule.uninteresting_share:g} of its effect. Patients are those due, without those on"
        " their way."
    )
    notes = [assumptions, familywise, least_favourable]
    if rule.keep_best:
        notes.append(
            "keep_best is left out here: it drops more arms, so the familywise error is no more"
            " than this; phase2sim run counts them."
        )
    return notes

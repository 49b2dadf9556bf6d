"""Boundaries of a design with interim looks: tables, and values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import measured_row
from phase2sim.operating.simulation import PreparedScenario
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.reporting.screens.arm_boundaries import arm_boundaries_json, arm_boundaries_screen
from phase2sim.studies.arm_boundary_table import arm_boundary_table
from phase2sim.studies.boundary_table import (
    AnalysisBounds,
    Bound,
    StoppingUnderTruth,
    boundary_table,
    interim_rule,
)
from phase2sim.trial.interim.dropping_rule import DroppingRule
from phase2sim.trial.interim.stopping_rule import StoppingRule

_TRUTHS = {"null": "no effect", "half": "half of the target", "target": "at the target"}


def analysis_bounds_json(rule: StoppingRule, bounds: Sequence[AnalysisBounds]) -> dict[str, Any]:
    """Return the values of the rule and of each analysis."""
    return {
        "one_sided_alpha": rule.one_sided_alpha,
        "rule": rule.title,
        "analyses": [
            asdict(analysis) | {"information": measured_row(analysis.information)}
            for analysis in bounds
        ],
    }


def analysis_bounds_screen(
    title: str, rule: StoppingRule, bounds: Sequence[AnalysisBounds]
) -> RenderableType:
    """Return the bounds of every look, and the stopping probabilities under several truths."""
    blocks: list[RenderableType] = [
        Text(title, style="bold"),
        Text(f"{rule.title}. One-sided alpha {rule.one_sided_alpha:g}."),
    ]
    for analysis in bounds:
        blocks += [Text(), Text(analysis.analysis, style="bold"), _bounds(analysis)]
        blocks += [Text(), _truths(analysis), *map(Text, _notes(analysis))]
    if rule.actual:
        blocks.append(Text("These are planned: in a trial the bounds follow its own information."))
    return Group(*blocks)


def _bounds(analysis: AnalysisBounds) -> RenderableType:
    columns = ("look", "information", "patients", "stops for", "z", "p", "effect",
               "cond. power", "pred. power", "alpha spent", "beta spent")  # fmt: skip
    table = plain_table((), columns)
    for look in analysis.looks:
        name = str(look.number) if look is not analysis.looks[-1] else "end"
        look_cells = (
            name,
            f"{look.information:.3f}",
            "" if look.patients is None else f"{look.patients:,}",
        )
        spent = (f"{look.alpha_spent:.6f}", _number(look.beta_spent))
        rows = [("efficacy", look.efficacy), ("futility", look.futility)]
        shown = [(reason, *_scales(bound)) for reason, bound in rows if bound is not None]
        first, *more = shown or [("nothing",) + ("",) * 5]
        table.add_row(*look_cells, *first, *spent)
        for cells in more:
            table.add_row("", "", "", *cells)
    return table


def _scales(bound: Bound) -> tuple[str, ...]:
    return (
        f"{bound.z:.4f}",
        f"{bound.p:.6f}",
        _number(bound.effect),
        _number(bound.conditional_power),
        _number(bound.predictive_power),
    )


def _truths(analysis: AnalysisBounds) -> RenderableType:
    columns = ["truth", "drift"]
    for look in analysis.looks[:-1]:
        columns += [f"look {look.number}: efficacy", "futility"]
    table = plain_table((), (*columns, "power", "information", "patients"))
    for truth in analysis.truths:
        table.add_row(*_truth(truth))
    return table


def _truth(truth: StoppingUnderTruth) -> tuple[str, ...]:
    stops = zip(truth.efficacy[:-1], truth.futility[:-1], strict=True)
    cells = [f"{chance:.4f}" for pair in stops for chance in pair]
    return (
        _TRUTHS[truth.truth],
        f"{truth.drift:.3f}",
        *cells,
        f"{truth.power:.4f}",
        f"{truth.expected_information:.4f}",
        f"{truth.expected_patients:.1f}",
    )


def _notes(analysis: AnalysisBounds) -> list[str]:
    """Return the assumptions of the numbers."""
    information, source = analysis.information, "as stated"
    if information.used:
        source = f"+- {information.mcse:.2g}, from {information.used:,} simulated trials"
    inflation = (
        f"Inflation factor {analysis.inflation:.4f}: so much more information than a fixed"
        f" design with power {analysis.power:g}."
    )
    assumptions = (
        f"Information at the end {information.estimate:.5g} ({source}): one over the squared"
        " standard error; effects and drifts rest on it. z is taken as normal."
    )
    return [inflation, assumptions]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def boundaries_json(ready: PreparedScenario) -> dict[str, Any]:
    """Return the values of `boundaries --json`; raises ``BadScenario`` without interim looks."""
    assembled, scenario = ready.assembled, ready.assembled.built.scenario
    match interim_rule(assembled):
        case StoppingRule() as rule:
            values = analysis_bounds_json(rule, boundary_table(assembled, rule))
        case DroppingRule() as rule:
            values = arm_boundaries_json(rule, arm_boundary_table(assembled, rule))
    about = {
        "file": str(scenario.path),
        "title": scenario.title,
        "digest": scenario.digest,
        "patients": scenario.design["patients"],
    }
    return {"scenario": about, **values}


def boundaries_screen(ready: PreparedScenario) -> RenderableType:
    """Return the tables; raises ``BadScenario`` without interim looks."""
    assembled = ready.assembled
    match interim_rule(assembled):
        case StoppingRule() as rule:
            title = assembled.built.scenario.title
            return analysis_bounds_screen(title, rule, boundary_table(assembled, rule))
        case DroppingRule() as rule:
            return arm_boundaries_screen(ready, rule, arm_boundary_table(assembled, rule))

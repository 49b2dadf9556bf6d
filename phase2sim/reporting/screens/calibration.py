"""A calibrated threshold, in words and as plain values."""

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.characteristics import measured_row
from phase2sim.reporting.measured import cell
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.studies.calibrate import Calibration, Null, decision_table


def calibrated_json(found: Calibration) -> dict[str, Any]:
    """Plain values: what `phase2sim calibrate --json` prints."""
    return {
        "scenario": str(found.scenario.path),
        "verdict": found.verdict,
        "type_one_error": found.wanted,
        "key": found.key,
        "threshold": found.threshold,
        "mcse": None if math.isnan(found.mcse) else found.mcse,
        "binds": found.binds,
        "trials": found.trials,
        "seed": found.scenario.seed,
        "decision": dict(decision_table(found)),
        "nulls": [_null_json(null) for null in found.nulls],
        "as_stated": _null_json(found.as_stated),
    }


def calibrated_screen(found: Calibration) -> RenderableType:
    """Return the threshold in a sentence, and the error under each null on fresh trials."""
    table = plain_table(("no effect on",), ("type I error",))
    for null in found.nulls:
        table.add_row(" and ".join(null.true), cell(null.error))
    stated = found.scenario.decision.get(found.key)
    before = f"As the scenario states it ({found.key} = {stated}): {cell(found.as_stated.error)}."
    return Group(
        Text(found.scenario.title, style="bold"),
        Text(),
        Text(_answer(found)),
        Text(),
        Text(f"Type I error of {found.verdict} there, on {found.trials:,} fresh trials:"),
        table,
        Text(before),
        Text(
            "Analyses that are not named have an effect that nobody misses. +- is Monte Carlo"
            " error.",
            style="dim",
        ),
    )


def _answer(found: Calibration) -> str:
    if not found.binds:
        return (
            f"The rest of the rule keeps the type I error of {found.verdict} below"
            f" {found.wanted:g}, whatever {found.key} from {found.threshold:g} on."
        )
    sure = "" if math.isnan(found.mcse) else f" +- {found.mcse:.1g}"
    return (
        f"{found.key} = {found.threshold:g}{sure} gives {found.verdict} a type I error of"
        f" {found.wanted:g} under the worst null ({found.trials:,} trials, seed"
        f" {found.scenario.seed})."
    )


def _null_json(null: Null) -> dict[str, Any]:
    return {"no_effect_on": list(null.true), **measured_row(null.error)}

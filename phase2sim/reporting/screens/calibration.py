"""A calibrated threshold: text, and values for JSON."""

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import measured_row
from phase2sim.reporting.plain_tables import measured_cell, plain_table
from phase2sim.studies.calibrate import Calibration, Null, decision_table


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return the values of `phase2sim calibrate --json`."""
    return {
        "scenario": str(calibration.scenario.path),
        "verdict": calibration.verdict,
        "type_one_error": calibration.type_one_error,
        "key": calibration.key,
        "threshold": calibration.threshold,
        "mcse": None if math.isnan(calibration.mcse) else calibration.mcse,
        "binds": calibration.binds,
        "trials": calibration.trials,
        "seed": calibration.scenario.seed,
        "decision": dict(decision_table(calibration)),
        "nulls": [_null_json(null) for null in calibration.nulls],
        "as_stated": _null_json(calibration.as_stated),
    }


def calibration_screen(calibration: Calibration) -> RenderableType:
    """Return the threshold in a sentence, and the type I error under each null on new trials."""
    table = plain_table(("no effect on",), ("type I error",))
    for null in calibration.nulls:
        table.add_row(" and ".join(null.true), measured_cell(null.error))
    value = calibration.scenario.decision.get(calibration.key)
    error = measured_cell(calibration.as_stated.error)
    before = f"As the scenario states it ({calibration.key} = {value}): {error}."
    return Group(
        Text(calibration.scenario.title, style="bold"),
        Text(),
        Text(_answer(calibration)),
        Text(),
        Text(
            f"Type I error of {calibration.verdict} there, on {calibration.trials:,} fresh trials:"
        ),
        table,
        Text(before),
        Text(
            "Analyses that are not named have an effect that nobody misses. +- is Monte Carlo"
            " error.",
            style="dim",
        ),
    )


def _answer(calibration: Calibration) -> str:
    if not calibration.binds:
        return (
            f"The rest of the rule keeps the type I error of {calibration.verdict} below"
            f" {calibration.type_one_error:g}, whatever {calibration.key} from"
            f" {calibration.threshold:g} on."
        )
    sure = "" if math.isnan(calibration.mcse) else f" +- {calibration.mcse:.1g}"
    return (
        f"{calibration.key} = {calibration.threshold:g}{sure} gives {calibration.verdict} a type"
        " I error of"
        f" {calibration.type_one_error:g} under the worst null ({calibration.trials:,} trials, seed"
        f" {calibration.scenario.seed})."
    )


def _null_json(null: Null) -> dict[str, Any]:
    return {"no_effect_on": list(null.true), **measured_row(null.error)}

"""Predicted verdicts of a trial: text, and values for JSON."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.core.measured import measured_row
from phase2sim.reporting.plain_tables import measured_cell, plain_table
from phase2sim.reporting.screens.single_trial import trial_result_json, trial_result_screen
from phase2sim.studies.prediction.predict import Prediction


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    """Return the values of the look, and ``predicted``."""
    return {
        **trial_result_json(prediction.look_result),
        "predicted": {
            "enrolled": prediction.enrolled,
            "planned": prediction.planned,
            "pending": prediction.pending,
            "go": [
                {"verdict": verdict, **measured_row(share)}
                for verdict, share in prediction.go.items()
            ],
            "beta_binomial": dict(prediction.responders),
            "by_normal_theory": [
                {
                    "analysis": outlook.analysis,
                    "information_fraction": outlook.information_fraction,
                    "conditional_power": outlook.conditional,
                    "predictive_power": outlook.predictive,
                }
                for outlook in prediction.outlooks
            ],
        },
    }


def prediction_screen(prediction: Prediction, title: str) -> RenderableType:
    """Return the findings so far, and the predictive probability of each final verdict."""
    table = plain_table(("at the end",), ("predictive probability of a go",))
    for verdict, share in prediction.go.items():
        table.add_row(verdict.replace("_", " "), measured_cell(share))
    theory = [
        Text(
            f"{outlook.analysis}: information fraction {outlook.information_fraction:.3f}; by"
            " normal theory"
            f" conditional power {outlook.conditional:.3f} at the effect seen, predictive power"
            f" {outlook.predictive:.3f}."
        )
        for outlook in prediction.outlooks
    ]
    theory += [
        Text(f"{name}: exactly {chance:.3f} if responders are beta-binomial by arm.")
        for name, chance in prediction.responders.items()
    ]
    patients = (
        f"{prediction.enrolled} of {prediction.planned} patients enrolled, {prediction.pending}"
        " of them still in follow-up."
    )
    return Group(
        trial_result_screen(prediction.look_result, title),
        Text(),
        Text(patients),
        table,
        *theory,
        Text("+- is Monte Carlo error of the completions.", style="dim"),
    )

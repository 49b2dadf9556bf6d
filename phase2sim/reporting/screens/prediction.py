"""What a trial is likely to come to, in words and as plain values."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from phase2sim.operating.characteristics import measured_row
from phase2sim.reporting.measured import cell
from phase2sim.reporting.plain_tables import plain_table
from phase2sim.reporting.screens.single_trial import examined_json, examined_screen
from phase2sim.studies.prediction.predict import Predicted


def predicted_json(found: Predicted) -> dict[str, Any]:
    """Plain values: those of the look, and ``predicted``."""
    return {
        **examined_json(found.examined),
        "predicted": {
            "enrolled": found.enrolled,
            "planned": found.planned,
            "pending": found.pending,
            "go": [
                {"verdict": verdict, **measured_row(share)} for verdict, share in found.go.items()
            ],
            "beta_binomial": dict(found.responders),
            "by_normal_theory": [
                {
                    "analysis": one.analysis,
                    "information_fraction": one.information_fraction,
                    "conditional_power": one.conditional,
                    "predictive_power": one.predictive,
                }
                for one in found.outlooks
            ],
        },
    }


def predicted_screen(found: Predicted, title: str) -> RenderableType:
    """Return the findings so far, and the chances of each verdict at the end."""
    table = plain_table(("at the end",), ("predictive probability of a go",))
    for verdict, share in found.go.items():
        table.add_row(verdict.replace("_", " "), cell(share))
    theory = [
        Text(
            f"{one.analysis}: information fraction {one.information_fraction:.3f}; by normal theory"
            f" conditional power {one.conditional:.3f} at the effect seen, predictive power"
            f" {one.predictive:.3f}."
        )
        for one in found.outlooks
    ]
    theory += [
        Text(f"{name}: exactly {chance:.3f} if responders are beta-binomial by arm.")
        for name, chance in found.responders.items()
    ]
    patients = (
        f"{found.enrolled} of {found.planned} patients enrolled, {found.pending} of them still in"
        " follow-up."
    )
    return Group(
        examined_screen(found.examined, title),
        Text(),
        Text(patients),
        table,
        *theory,
        Text("+- is Monte Carlo error of the completions.", style="dim"),
    )

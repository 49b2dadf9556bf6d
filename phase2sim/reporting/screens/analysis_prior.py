"""An analysis prior: its components and its effective sample size."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior, mixture_json


def analysis_prior_screen(prior: AnalysisPrior) -> RenderableType:
    """Return the components, the effective sample sizes and the elicited inputs."""
    values = mixture_json(prior)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("weight", "mean", "SD"):
        table.add_column(column, justify="right")
    for weight, mean, sd in zip(prior.weights, prior.means, prior.sds, strict=True):
        table.add_row(f"{weight:.3f}", f"{mean:+.4f}", f"{sd:.4f}")
    patients = "patients in two equal arms" if prior.of == "effect" else "control patients"
    return Group(
        Text(f"{prior.of} of {prior.endpoint} at month {prior.month:g}, {prior.scale}", "bold"),
        table,
        Text(
            f"Worth {values['ess_moment_patients']:.1f} (moment) or"
            f" {values['ess_elir_patients']:.1f} (ELIR) {patients}."
        ),
        *(Text(f"Elicited: {judgement}", style="yellow") for judgement in prior.elicited),
    )

"""phase2sim prior: what a fit says, and its export as a prior of an analysis."""

import json
from pathlib import Path

import click

from phase2sim.cli.screen import say, show, show_json
from phase2sim.endpoints import ENDPOINTS
from phase2sim.files import write_text
from phase2sim.mixtures.analysis_prior import mixture_json
from phase2sim.new_trial import analysis_prior, kept_prior
from phase2sim.prior import fit, read_evidence
from phase2sim.report.fit import fit_json, fit_screen
from phase2sim.report.mixture import mixture_screen


@click.group()
def command() -> None:
    """Show a fitted prior, or export it as a mixture of normals.

    \b
    Example:
      phase2sim prior export gxipc1 t1d-natural-history --mixture effect --endpoint hba1c
    """


@command.command("show")
@click.argument("evidence", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_prior(evidence: tuple[str, ...], as_json: bool) -> None:
    """Print the kept fit of EVIDENCE, names in priors/ or paths; nothing is fitted."""
    prior = kept_prior(read_evidence(evidence))
    if as_json:
        show_json(fit_json(prior))
    else:
        show(fit_screen(prior))


@command.command("export")
@click.argument("evidence", nargs=-1, required=True)
@click.option("--mixture", "of", required=True, type=click.Choice(["effect", "control"]))
@click.option("--endpoint", required=True, type=click.Choice(list(ENDPOINTS)))
@click.option("--month", type=float, help="Since randomisation; the evidence's own if left out.")
@click.option("--window", nargs=2, type=float, default=(0.0, 12.0), show_default=True,
              help="Months since diagnosis at entry, first and last.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Write the JSON to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export(  # noqa: PLR0913 - click passes one argument an option
    evidence: tuple[str, ...], of: str, endpoint: str, month: float | None,
    window: tuple[float, float], out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fit a mixture of normals to the effect, or to a new trial's control mean, given EVIDENCE."""
    prior = analysis_prior(fit(*evidence, report=say), of, endpoint, month, window)
    values = mixture_json(prior)
    if out:
        write_text(out, json.dumps(values, indent=2) + "\n")
    if as_json:
        show_json(values)
    else:
        show(mixture_screen(prior))

"""phase2sim prior: what a fit says, whether to believe it, and its export."""

import json
from pathlib import Path

import click

from phase2sim.cli.screen import counting, say, show, show_json
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.io.atomic_files import write_text
from phase2sim.prior.analysis_priors import analysis_prior, analysis_priors, kept_prior
from phase2sim.prior.check import check_prior
from phase2sim.prior.comparison import compare_evidence
from phase2sim.prior.fitting import fit, fitted, read_evidence
from phase2sim.reporting.figures.pages import write_figures
from phase2sim.reporting.mixture import mixture_screen
from phase2sim.reporting.screens.evidence_comparison import comparison_json, comparison_screen
from phase2sim.reporting.screens.fit import fit_json, fit_screen
from phase2sim.reporting.screens.influence import influence_json, influence_screen
from phase2sim.reporting.screens.prior_check import check_json, check_screen
from phase2sim.studies.influence import influence
from phase2sim.theory.mixtures.analysis_prior import mixture_json

_OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the figures: one .html page that needs no network, or a folder of .svg files.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Show, check, compare and export fitted priors.

    \b
    Examples:
      phase2sim prior show gxipc1 t1d-natural-history
      phase2sim prior check gxipc1 t1d-natural-history --out check.html
      phase2sim prior influence gxipc1 t1d-natural-history --scenario scenarios/gxipc1-phase2.toml
    """


@command.command("show")
@click.argument("evidence", nargs=-1, required=True)
@_JSON
def show_prior(evidence: tuple[str, ...], as_json: bool) -> None:
    """Print the kept fit of EVIDENCE, names in priors/ or paths; nothing is fitted.

    \b
    Example:
      phase2sim prior show gxipc1 t1d-natural-history
    """
    read = read_evidence(evidence)
    prior = kept_prior(read)
    priors = analysis_priors(prior, read)
    if as_json:
        show_json(fit_json(prior, priors))
    else:
        show(fit_screen(prior, priors))


@command.command("check")
@click.argument("evidence", nargs=-1, required=True)
@_OUT
@_JSON
def _check(evidence: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Check the fit of EVIDENCE against every number that was reported.

    Every reported number stands beside what a study of the same design with new patients would
    report. Then: what the evidence taught about each unknown, diagnostics, and what the priors are
    worth in patients.

    \b
    Examples:
      phase2sim prior check gxipc1 t1d-natural-history
      phase2sim prior check gxipc1 t1d-natural-history --out check.html
    """
    read = read_evidence(evidence)
    prior = fitted(read, report=say)
    with counting("replicas") as progress:
        found = check_prior(read, prior, progress)
    if out is not None:
        say(f"Wrote {write_figures(found, out)}.")
    if as_json:
        show_json(check_json(found))
    else:
        show(check_screen(found))


@command.command("compare")
@click.argument("sets", nargs=-1, required=True, metavar='"EVIDENCE..." "EVIDENCE..."')
@_OUT
@_JSON
def compare_priors(sets: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Compare sets of evidence: effect, untreated mean, and what each is worth in patients.

    A set is what `fit` would be given, in quotes. What was never fitted is fitted first.

    \b
    Examples:
      phase2sim prior compare "gxipc1 t1d-natural-history" "msc-randomised t1d-natural-history"
      phase2sim prior compare "t1d-natural-history" "gxipc1 t1d-natural-history" --json
    """
    rows = compare_evidence(sets, say)
    if out is not None:
        say(f"Wrote {write_figures(rows, out)}.")
    if as_json:
        show_json(comparison_json(rows))
    else:
        show(comparison_screen(rows))


@command.command("influence")
@click.argument("evidence", nargs=-1, required=True)
@click.option("--scenario", type=click.Path(path_type=Path), help="A trial whose assurance moves.")
@click.option("--only", metavar="NAME", help="Only the numbers of this evidence file, by its name.")
@_OUT
@_JSON
@click.pass_context
def show_influence(  # noqa: PLR0913 - click passes one argument an option
    ctx: click.Context, evidence: tuple[str, ...], scenario: Path | None, only: str | None,
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Leave out each reported number of EVIDENCE, and print how effect and assurance move.

    Draws are reweighted (Pareto-smoothed importance sampling); where that says too little the model
    is fitted again without the number, which takes minutes each. Those fits are kept, so a call
    ended by Ctrl-C prints what it knows, and the next goes on where it was. Exit code 1 if some
    number's influence is not known.

    \b
    Examples:
      phase2sim prior influence gxipc1 t1d-natural-history --only gxipc1
      phase2sim prior influence gxipc1 t1d-natural-history --scenario scenarios/gxipc1-phase2.toml
    """
    found = influence(read_evidence(evidence), scenario, only, say)
    if out is not None:
        say(f"Wrote {write_figures(found, out)}.")
    if as_json:
        show_json(influence_json(found))
    else:
        show(influence_screen(found))
    ctx.exit(1 if found.refused else 0)


@command.command("export")
@click.argument("evidence", nargs=-1, required=True)
@click.option("--mixture", "of", required=True, type=click.Choice(["effect", "control"]),
              help="What it is a prior of: the effect, or a new trial's control mean.")  # fmt: skip
@click.option("--endpoint", required=True, type=click.Choice(list(ENDPOINTS)), help="Of what.")
@click.option("--month", type=float, help="Since randomisation; the evidence's own if left out.")
@click.option("--window", nargs=2, type=float, default=(0.0, 12.0), show_default=True,
              help="Months since diagnosis at entry, first and last.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Write the JSON to this file.")
@_JSON
def export(  # noqa: PLR0913 - click passes one argument an option
    evidence: tuple[str, ...], of: str, endpoint: str, month: float | None,
    window: tuple[float, float], out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fit a mixture of normals to the effect, or to a new trial's control mean, given EVIDENCE.

    \b
    Example:
      phase2sim prior export gxipc1 t1d-natural-history --mixture effect --endpoint hba1c
    """
    prior = analysis_prior(fit(*evidence, report=say), of, endpoint, month, window)
    values = mixture_json(prior)
    if out:
        write_text(out, json.dumps(values, indent=2) + "\n")
    if as_json:
        show_json(values)
    else:
        show(mixture_screen(prior))

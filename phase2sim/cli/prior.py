"""phase2sim prior: what a fit says, whether to believe it, and its export."""

from pathlib import Path

import click

from phase2sim.cli.paths import OutputFile
from phase2sim.cli.terminal import counting_progress, say, show, show_json
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.io.atomic_files import write_text
from phase2sim.core.io.json_text import json_text
from phase2sim.prior.analysis_priors import analysis_prior, analysis_priors, load_kept_prior
from phase2sim.prior.check import check_prior
from phase2sim.prior.comparison import compare_evidence
from phase2sim.prior.fitting import fit, load_or_fit, read_evidence
from phase2sim.reporting.figures.pages import write_figures
from phase2sim.reporting.screens.analysis_prior import analysis_prior_screen
from phase2sim.reporting.screens.evidence_comparison import (
    evidence_comparison_json,
    evidence_comparison_screen,
)
from phase2sim.reporting.screens.fit import fit_json, fit_screen
from phase2sim.reporting.screens.influence import influence_json, influence_screen
from phase2sim.reporting.screens.knob_sensitivity import knob_json, knob_screen
from phase2sim.reporting.screens.prior_check import check_json, check_screen
from phase2sim.studies.influence import influence
from phase2sim.studies.knob_sensitivity import knob_sensitivity
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
      phase2sim prior sensitivity scenarios/gxipc1-phase2.toml
    """


@command.command("show")
@click.argument("evidence", nargs=-1, required=True)
@_JSON
def show_prior(*, evidence: tuple[str, ...], as_json: bool) -> None:
    """Print the stored fit of EVIDENCE, names in priors/ or paths, without fitting anything.

    \b
    Example:
      phase2sim prior show gxipc1 t1d-natural-history
    """
    reported_evidence = read_evidence(evidence)
    prior = load_kept_prior(reported_evidence, evidence)
    priors = analysis_priors(prior, reported_evidence)
    if as_json:
        show_json(fit_json(prior, priors))
    else:
        show(fit_screen(prior, priors))


@command.command("check")
@click.argument("evidence", nargs=-1, required=True)
@_OUT
@_JSON
def check_fit(*, evidence: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Check the fit of EVIDENCE against every reported number.

    Each reported number is compared with its posterior predictive interval for a study of the same
    design with new patients. The output also shows prior and posterior SD of each unknown, the
    diagnostics, and the effective sample sizes of the analysis priors.

    \b
    Examples:
      phase2sim prior check gxipc1 t1d-natural-history
      phase2sim prior check gxipc1 t1d-natural-history --out check.html
    """
    reported_evidence = read_evidence(evidence)
    prior = load_or_fit(reported_evidence, report=say)
    with counting_progress("replicas") as progress:
        check = check_prior(reported_evidence, prior, progress)
    if out is not None:
        say(f"Wrote {write_figures(check, out)}.")
    if as_json:
        show_json(check_json(check))
    else:
        show(check_screen(check))


@command.command("compare")
@click.argument("sets", nargs=-1, required=True, metavar='"EVIDENCE..." "EVIDENCE..."')
@_OUT
@_JSON
def compare_priors(*, sets: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Compare sets of evidence: effect, untreated mean and effective sample size.

    Quote each set, written as for `fit`. A set without a stored fit is fitted first.

    \b
    Examples:
      phase2sim prior compare "gxipc1 t1d-natural-history" "msc-randomised t1d-natural-history"
      phase2sim prior compare "t1d-natural-history" "gxipc1 t1d-natural-history" --json
    """
    rows = compare_evidence(sets, say)
    if out is not None:
        say(f"Wrote {write_figures(rows, out)}.")
    if as_json:
        show_json(evidence_comparison_json(rows))
    else:
        show(evidence_comparison_screen(rows))


@command.command("influence")
@click.argument("evidence", nargs=-1, required=True)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="Also print the change in the assurance of this scenario.",
)
@click.option("--only", metavar="NAME", help="Leave out only the numbers of this evidence file.")
@_OUT
@_JSON
@click.pass_context
def show_influence(
    ctx: click.Context, *, evidence: tuple[str, ...], scenario: Path | None, only: str | None,
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Leave out each reported number of EVIDENCE; print the change in effect and assurance.

    Draws are reweighted by Pareto-smoothed importance sampling. Where that is unreliable, the model
    is fitted again without the number, which takes minutes per number. These fits are stored:
    Ctrl-C prints the results so far, and the next call continues from there. Exit code 1 if the
    influence of a number is unknown.

    \b
    Examples:
      phase2sim prior influence gxipc1 t1d-natural-history --only gxipc1
      phase2sim prior influence gxipc1 t1d-natural-history --scenario scenarios/gxipc1-phase2.toml
    """
    influences = influence(read_evidence(evidence), scenario, only, say)
    if out is not None:
        say(f"Wrote {write_figures(influences, out)}.")
    if as_json:
        show_json(influence_json(influences))
    else:
        show(influence_screen(influences))
    ctx.exit(1 if influences.refused else 0)


@command.command("sensitivity")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--trials", type=click.IntRange(min=1), help="Trials per part. Default: the file's.")
@_OUT
@_JSON
@click.pass_context
def show_sensitivity(
    ctx: click.Context, *, scenario: Path, trials: int | None, out: Path | None, as_json: bool
) -> None:
    """Move each elicited input of SCENARIO's prior; print the change in effect and assurance.

    SDs and half times are halved and doubled, shares and the robust weight set to 0 and 1, and the
    means of elicited distributions moved by one SD. Draws are reweighted by Pareto-smoothed
    importance sampling. Where that is unreliable, the model is fitted again, which takes minutes
    per move. These fits are stored: Ctrl-C prints the results so far, and the next call continues
    from there. Exit code 1 if what a move does is unknown.

    \b
    Examples:
      phase2sim prior sensitivity scenarios/gxipc1-phase2.toml
      phase2sim prior sensitivity scenarios/gxipc1-phase2.toml --out sensitivity.html
    """
    result = knob_sensitivity(scenario, say, trials)
    if out is not None:
        say(f"Wrote {write_figures(result, out)}.")
    if as_json:
        show_json(knob_json(result))
    else:
        show(knob_screen(result))
    ctx.exit(1 if result.refused else 0)


@command.command("export")
@click.argument("evidence", nargs=-1, required=True)
@click.option("--mixture", "quantity", required=True, type=click.Choice(["effect", "control"]),
              help="Quantity of the prior: the effect, or a new trial's control mean.")  # fmt: skip
@click.option("--endpoint", required=True, help="Endpoint of the prior, by its name in files.")
@click.option(
    "--month", type=float, help="Months since randomisation. Default: the month in the evidence."
)
@click.option("--window", nargs=2, type=float, default=(0.0, 12.0), show_default=True,
              help="Shortest and longest time from diagnosis to entry, in months.")  # fmt: skip
@click.option("--out", type=OutputFile(), help="Write the JSON to this file.")
@_JSON
def export(
    *, evidence: tuple[str, ...], quantity: str, endpoint: str, month: float | None,
    window: tuple[float, float], out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Fit a mixture of normals to the effect, or to a new trial's control mean, given EVIDENCE.

    \b
    Example:
      phase2sim prior export gxipc1 t1d-natural-history --mixture effect --endpoint hba1c
    """
    prior = analysis_prior(
        fit(*evidence, report=say), quantity, endpoint, month, EntryTime(*window)
    )
    values = mixture_json(prior)
    if out:
        write_text(out, json_text(values, indent=2) + "\n")
    if as_json:
        show_json(values)
    else:
        show(analysis_prior_screen(prior))

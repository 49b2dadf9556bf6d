"""phase2sim fit: evidence files to a prior."""

import click

from phase2sim.cli.terminal import say, show, show_json
from phase2sim.prior.analysis_priors import analysis_priors
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.reporting.screens.fit import fit_json, fit_screen


@click.command()
@click.argument("evidence", nargs=-1, required=True)
@click.option("--refit", is_flag=True, help="Fit again even if the evidence has not changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, evidence: tuple[str, ...], refit: bool, as_json: bool) -> None:
    """Fit EVIDENCE, names in priors/ or paths, and print the prior for the next trial.

    The posterior draws are stored; unchanged evidence is not fitted again. A fit whose diagnostics
    fail is refused with exit code 1, and no scenario can use it.

    \b
    Examples:
      phase2sim fit gxipc1 t1d-natural-history
      phase2sim fit priors/gxipc1.toml priors/t1d-natural-history.toml --refit --json
    """
    reported_evidence = read_evidence(evidence)
    prior = load_or_fit(reported_evidence, refit=refit, report=say)
    priors = analysis_priors(prior, reported_evidence)
    if as_json:
        show_json(fit_json(prior, priors))
    else:
        show(fit_screen(prior, priors))

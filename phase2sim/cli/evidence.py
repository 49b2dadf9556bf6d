"""phase2sim evidence: what evidence files report."""

import click

from phase2sim.cli.terminal import show, show_json
from phase2sim.prior.fitting import read_evidence
from phase2sim.reporting.ledger import ledger_rows, ledger_table


@click.group()
def command() -> None:
    """Read evidence files.

    \b
    Example:
      phase2sim evidence show gxipc1
    """


@command.command("show")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_evidence(*, files: tuple[str, ...], as_json: bool) -> None:
    """Print the ledger of FILE, a name in priors/ or a path: every number with its source.

    Numbers that the model does not use are listed with the reason; elicited numbers are marked.

    \b
    Examples:
      phase2sim evidence show gxipc1
      phase2sim evidence show priors/t1d-natural-history.toml --json
    """
    evidence = read_evidence(files)
    if as_json:
        show_json(ledger_rows(evidence))
    else:
        show(ledger_table(evidence))

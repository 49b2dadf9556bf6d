"""phase2sim score: another decision or stopping rule applied to stored trials."""

import sys
from pathlib import Path

import click

from phase2sim.cli.terminal import say, show, show_json
from phase2sim.reporting.screens.sweep import results_screen
from phase2sim.studies.sweeps.rescore import rescore


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--decision", metavar="TABLE", help="Decision rule, as in a scenario, on one line.")
@click.option("--stopping", metavar="TABLE", help="Stopping rule, as in a scenario, on one line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, folder: Path, decision: str | None, stopping: str | None, as_json: bool) -> None:
    """Apply another decision or stopping rule to the trials in FOLDER, without simulating.

    FOLDER was written by `phase2sim sweep`. The new numbers are stored beside the old ones;
    `phase2sim results` shows both.

    \b
    Examples:
      phase2sim score results/sizes --decision "{ kind = 'co_primary', one_sided_alpha = 0.05 }"
      phase2sim score results/looks --stopping "{ efficacy = { kind = 'pocock_spending' } }"
    """
    command_line = ["phase2sim", *sys.argv[1:]]
    rows = rescore(folder, decision, command_line, stopping=stopping, report=say)
    if as_json:
        show_json([dict(row) for row in rows])
    else:
        show(results_screen(rows))

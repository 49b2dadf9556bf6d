"""phase2sim score: another rule of decision or stopping on stored trials."""

import sys
from pathlib import Path

import click

from phase2sim.cli.screen import show, show_json
from phase2sim.reporting.screens.sweep import results_screen
from phase2sim.studies.sweeps.rescore import rescore


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--decision", metavar="TABLE", help="As in a scenario, on one line.")
@click.option("--stopping", metavar="TABLE", help="The same, of trials with interim looks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, decision: str | None, stopping: str | None, as_json: bool) -> None:
    """Decide or stop anew on the trials in FOLDER, written by `phase2sim sweep`; none is simulated.

    The new numbers are kept beside the old ones: `phase2sim results` then shows both.

    \b
    Examples:
      phase2sim score results/sizes --decision "{ kind = 'co_primary', one_sided_alpha = 0.05 }"
      phase2sim score results/looks --stopping "{ efficacy = { kind = 'pocock_spending' } }"
    """
    rows = rescore(folder, decision, ["phase2sim", *sys.argv[1:]], stopping=stopping)
    if as_json:
        show_json([dict(row) for row in rows])
    else:
        show(results_screen(rows))

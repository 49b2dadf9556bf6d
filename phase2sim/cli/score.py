"""phase2sim score: another decision rule on stored trials."""

import sys
from pathlib import Path

import click

from phase2sim.cli.screen import show, show_json
from phase2sim.reporting.sweep import results_screen
from phase2sim.sweeping.score import score


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--decision", required=True, metavar="TABLE", help="As in a scenario, on one line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, decision: str, as_json: bool) -> None:
    """Decide anew on the trials in FOLDER, that `phase2sim sweep` wrote; nothing is simulated.

    The new numbers are kept beside the old ones: `phase2sim results` then shows both.

    \b
    Example:
      phase2sim score results/sizes --decision "{ kind = 'co_primary', one_sided_alpha = 0.05 }"
    """
    rows = score(folder, decision, ["phase2sim", *sys.argv[1:]])
    if as_json:
        show_json([dict(row) for row in rows])
    else:
        show(results_screen(rows))

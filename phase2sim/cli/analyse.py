"""phase2sim analyse: a scenario's own analysis on a real data set."""

from pathlib import Path

import click

from phase2sim.assemble import parts
from phase2sim.cli.screen import show, show_json
from phase2sim.examine import analyse
from phase2sim.reporting.examined import examined_json, examined_screen
from phase2sim.scenario import load_scenario


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--endpoint", help="Only the analyses of this endpoint.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Change one key. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    scenario: Path, data: Path, endpoint: str | None, settings: tuple[str, ...], as_json: bool
) -> None:
    """Run the analyses of SCENARIO on DATA, a CSV file in long format.

    The same code analyses the simulated trials. Columns: id, arm, y, and where they are needed
    stratum, base, age, visit (from 1 after baseline), months, endpoint. See docs/guide/cli.md.

    \b
    Example:
      phase2sim analyse scenarios/meld-atg.toml my-trial.csv --json
    """
    built = parts(load_scenario(scenario, settings))
    examined = analyse(built, data, endpoint)
    if as_json:
        show_json(examined_json(examined))
    else:
        show(examined_screen(examined, f"{data} by {scenario}"))

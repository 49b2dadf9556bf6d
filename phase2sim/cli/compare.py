"""phase2sim compare: scenarios on the same patients."""

from pathlib import Path

import click

from phase2sim.cli.screen import say, show, show_json, trials_progress
from phase2sim.reporting.screens.scenario_comparison import contest_json, contest_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.compare import compare_scenarios


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Path(path_type=Path))
@click.option("--trials", type=click.IntRange(1), help="Trials, instead of the first scenario's.")
@click.option("--seed", type=click.IntRange(0), help="Seed, instead of the first scenario's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    scenarios: tuple[Path, ...], trials: int | None, seed: int | None, *, as_json: bool
) -> None:
    """Compare SCENARIOS, files, with the first: power, type I error and assurance.

    All of them treat the same patients, so that a difference is known much better than the numbers
    themselves. Trials in which only one of two went are listed with what replays them.

    \b
    Example:
      phase2sim compare scenarios/hba1c-primary.toml scenarios/c-peptide-primary.toml
    """
    loaded = [load_scenario(path) for path in scenarios]
    with trials_progress() as progress:
        found = compare_scenarios(loaded, trials=trials, seed=seed, report=say, progress=progress)
    if as_json:
        show_json(contest_json(found))
    else:
        show(contest_screen(found))

"""phase2sim compare: scenarios on the same patients."""

from pathlib import Path

import click

from phase2sim.cli.terminal import say, show, show_json, trials_progress
from phase2sim.reporting.screens.scenario_comparison import (
    scenario_comparison_json,
    scenario_comparison_screen,
)
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
    """Compare SCENARIOS, files, with the first one: power, type I error and assurance.

    All scenarios treat the same simulated patients, so a difference has a much smaller Monte Carlo
    error than the numbers themselves. The output lists trials in which only one of the two
    scenarios is a go, with the command that replays them.

    \b
    Example:
      phase2sim compare scenarios/hba1c-primary.toml scenarios/c-peptide-primary.toml
    """
    loaded = [load_scenario(path) for path in scenarios]
    with trials_progress() as progress:
        comparison = compare_scenarios(
            loaded, trials=trials, seed=seed, report=say, progress=progress
        )
    if as_json:
        show_json(scenario_comparison_json(comparison))
    else:
        show(scenario_comparison_screen(comparison))

"""phase2sim boundaries: the bounds of a design with looks."""

from pathlib import Path

import click

from phase2sim.cli.terminal import say, show, show_json
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.reporting.screens.boundaries import boundaries_json, boundaries_screen
from phase2sim.scenario.scenario_file import load_scenario


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Change one key, such as stopping.efficacy.kind=pocock. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, scenario: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Print the stopping boundaries of SCENARIO, a file with interim looks, on every scale.

    Also printed: the errors spent, the inflation factor, and the theoretical probability of
    stopping at each look under no effect, half the target effect and the target effect. `phase2sim
    run` simulates the same probabilities. For a design that drops arms, the table adds each arm's
    probability of being dropped and the least favourable effects.

    \b
    Examples:
      phase2sim boundaries scenarios/gxipc1-futility.toml
      phase2sim boundaries scenarios/gxipc1-futility.toml --json
      phase2sim boundaries scenarios/doses-dropped.toml
    """
    ready = prepare_scenario(load_scenario(scenario, settings), say)
    if as_json:
        show_json(boundaries_json(ready))
    else:
        show(boundaries_screen(ready))

"""phase2sim safety: the boundary of a scenario's safety rule."""

from pathlib import Path

import click

from phase2sim.cli.terminal import show, show_json
from phase2sim.core.errors import BadInput
from phase2sim.reporting.screens.safety import safety_json, safety_screen
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.scenario_file import load_scenario


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--rate", "rates", type=click.FloatRange(0, 1), multiple=True,
              help="True event rate of treated patients. Repeatable.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key. Repeatable.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, scenario: Path, rates: tuple[float, ...], settings: tuple[str, ...], as_json: bool
) -> None:
    """Print the safety boundary of SCENARIO and its probability of stopping the trial.

    The probabilities are exact; nothing is simulated. Without --rate they are given for true event
    rates from half the limit to twice the limit, which shows how large an excess the rule detects.

    \b
    Examples:
      phase2sim safety scenarios/safety-stopping.toml
      phase2sim safety scenarios/safety-stopping.toml --rate 0.1 --rate 0.4 --json
    """
    built = build_scenario(load_scenario(scenario, settings))
    if built.study.safety is None:
        raise BadInput(
            f"{scenario}: safety is missing; docs/guide/scenario.md has its keys. Add it."
        )
    if as_json:
        show_json(safety_json(built.study.safety, rates))
    else:
        show(safety_screen(built.scenario.title, built.study.safety, rates))

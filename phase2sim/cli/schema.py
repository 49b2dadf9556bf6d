"""phase2sim schema: the keys of a scenario file."""

import click

from phase2sim.cli.screen import show_json
from phase2sim.schema import scenario_schema


@click.command()
def command() -> None:
    """Print the JSON schema of a scenario file, the options of every part included.

    \b
    Example:
      phase2sim schema > scenario.schema.json
    """
    show_json(scenario_schema())

"""phase2sim schema: the JSON schema of a file."""

import click

from phase2sim.cli.terminal import show_json
from phase2sim.scenario.schema import SCHEMAS


@click.command()
@click.argument("kind", default="scenario", type=click.Choice(("scenario", "sweep", "evidence")))
def command(kind: str) -> None:
    """Print the JSON schema of a file of one KIND: scenario (the default), sweep or evidence.

    The schema of a scenario includes the options of every part. Editors can check files with it.

    \b
    Examples:
      phase2sim schema > scenario.schema.json
      phase2sim schema evidence > evidence.schema.json
    """
    show_json(SCHEMAS[kind]())

"""phase2sim schema: the keys of a file."""

import click

from phase2sim.cli.screen import show_json
from phase2sim.scenario.schema import SCHEMAS


@click.command()
@click.argument("kind", default="scenario", type=click.Choice(("scenario", "sweep", "evidence")))
def command(kind: str) -> None:
    """Print the JSON schema of a file of one KIND: scenario (if left out), sweep or evidence.

    That of a scenario has the options of every part. Editors check against it while typing.

    \b
    Examples:
      phase2sim schema > scenario.schema.json
      phase2sim schema evidence > evidence.schema.json
    """
    show_json(SCHEMAS[kind]())

"""phase2sim init: files to start from."""

import shlex
from pathlib import Path

import click

from phase2sim.cli.terminal import say
from phase2sim.scenario.templates import write_templates


@click.command()
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder to write to. Default: the current folder.",
)
def command(name: str, folder: Path) -> None:
    """Write a commented scenario, scenarios/NAME.toml, and evidence, priors/NAME.toml.

    Both work unchanged: change one line at a time and run again. Existing files are not
    overwritten.

    \b
    Example:
      phase2sim init my-trial
    """
    for path in write_templates(folder, name):
        say(f"Wrote {path}.")
    scenario = shlex.quote(str(folder / "scenarios" / f"{name}.toml"))
    say(f"Next: phase2sim run {scenario} --trials 500")

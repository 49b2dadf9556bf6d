"""phase2sim replay: one simulated trial again."""

from pathlib import Path

import click

from phase2sim.cli.screen import say, show, show_json
from phase2sim.core.io.atomic_files import write_text
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.reporting.screens.single_trial import examined_json, examined_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.single_trial import replay


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--trial", required=True, type=click.IntRange(0), help="Number of the trial, from 0.")
@click.option(
    "--truth",
    default="target",
    show_default=True,
    type=click.Choice(["target", "null", "prior", "sceptical"]),
    help="What is true in it.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write its patients to a CSV file.")
@click.option(
    "--look",
    type=click.FloatRange(0),
    metavar="MONTH",
    help="Write only the visits due by this month from the trial's opening.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Change one key. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(  # noqa: PLR0913 - one argument an option
    scenario: Path,
    trial: int,
    truth: str,
    out: Path | None,
    look: float | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Simulate trial number K of SCENARIO again: its estimates, its decision, its patients.

    It is the trial that `run` counted under the same number. The CSV can be read by `analyse`.

    \b
    Example:
      phase2sim replay scenarios/gxipc1-phase2.toml --trial 417 --out patients.csv
    """
    ready = prepare_scenario(load_scenario(scenario, settings), say)
    examined, patients = replay(ready.assembled, truth, trial, look)
    if out is not None:
        write_text(out, patients)
        say(f"Wrote {out}.")
    if as_json:
        show_json({"trial": trial, "truth": truth, **examined_json(examined)})
    else:
        show(examined_screen(examined, f"Trial {trial} of {scenario}, truth: {truth}"))

"""phase2sim replay: one simulated trial again."""

from pathlib import Path

import click

from phase2sim.cli.paths import OutputFile
from phase2sim.cli.terminal import say, show, show_json
from phase2sim.core.io.atomic_files import write_text
from phase2sim.operating.simulation import prepare_scenario
from phase2sim.reporting.screens.single_trial import trial_result_json, trial_result_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.single_trial import replay


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--trial", required=True, type=click.IntRange(0), help="Number of the trial, from 0.")
@click.option(
    "--truth",
    default="target",
    show_default=True,
    type=click.Choice(["target", "null", "prior", "sceptical", "expected"]),
    help="Assumed truth of the trial.",
)
@click.option("--out", type=OutputFile(), help="Write the trial's patients to a CSV file.")
@click.option(
    "--look",
    type=click.FloatRange(0),
    metavar="MONTH",
    help="Write only visits due by this month after the trial opens.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Change one key. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    scenario: Path,
    trial: int,
    truth: str,
    out: Path | None,
    look: float | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Simulate one trial of SCENARIO again: its estimates, its decision and its patients.

    The trial is the one that `run` simulated under the same number. `analyse` reads the CSV.

    \b
    Example:
      phase2sim replay scenarios/gxipc1-phase2.toml --trial 417 --out patients.csv
    """
    ready = prepare_scenario(load_scenario(scenario, settings), say)
    result, patients = replay(ready.assembled, truth, trial, look)
    if out is not None:
        write_text(out, patients)
        say(f"Wrote {out}.")
    if as_json:
        show_json({"trial": trial, "truth": truth, **trial_result_json(result)})
    else:
        show(trial_result_screen(result, f"Trial {trial} of {scenario}, truth: {truth}"))

"""phase2sim analyse: a scenario's own analysis on a real data set."""

from pathlib import Path

import click

from phase2sim.cli.screen import show, show_json
from phase2sim.reporting.screens.prediction import predicted_json, predicted_screen
from phase2sim.reporting.screens.single_trial import examined_json, examined_screen
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.prediction.predict import COMPLETIONS
from phase2sim.studies.prediction.predict import predict as foretell
from phase2sim.studies.single_trial import analyse


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--endpoint", help="Only the analyses of this endpoint.")
@click.option("--predict", is_flag=True,
              help="Also the chance of each verdict at the planned end.")  # fmt: skip
@click.option("--completions", type=click.IntRange(100, 1_000_000), default=COMPLETIONS,
              show_default=True, help="Of the trial, for --predict.")  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Change one key. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(  # noqa: PLR0913 - one argument an option
    scenario: Path, data: Path, endpoint: str | None, predict: bool, completions: int,
    settings: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Run the analyses of SCENARIO on DATA, a CSV file in long format.

    The same code analyses the simulated trials. Columns: id, arm, y, and where they are needed
    stratum, base, age, visit (from 1 after baseline), months, endpoint. See docs/guide/cli.md.

    With --predict DATA is a look: a patient without a row for a visit is not due there yet, one
    with an empty y was missed.

    \b
    Examples:
      phase2sim analyse scenarios/meld-atg.toml my-trial.csv --json
      phase2sim analyse scenarios/meld-atg.toml look.csv --predict
    """
    built = build_scenario(load_scenario(scenario, settings))
    title = f"{data} by {scenario}"
    if predict:
        predicted = foretell(built, data, endpoint, completions)
        if as_json:
            show_json(predicted_json(predicted))
        else:
            show(predicted_screen(predicted, title))
        return
    examined = analyse(built, data, endpoint)
    if as_json:
        show_json(examined_json(examined))
    else:
        show(examined_screen(examined, title))

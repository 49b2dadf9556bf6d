"""phase2sim analyse: the analyses of a scenario on a real data set."""

from pathlib import Path

import click

from phase2sim.cli.terminal import show, show_json
from phase2sim.reporting.screens.prediction import prediction_json, prediction_screen
from phase2sim.reporting.screens.single_trial import trial_result_json, trial_result_screen
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.data_options import with_data
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.prediction.predict import COMPLETIONS
from phase2sim.studies.prediction.predict import predict as predict_verdicts
from phase2sim.studies.real_data import analyse, check_answered


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--endpoint", help="Only the analyses of this endpoint.")
@click.option("--predict", is_flag=True,
              help="Also print the predictive probability of each final verdict.")  # fmt: skip
@click.option("--completions", type=click.IntRange(100, 1_000_000), default=COMPLETIONS,
              show_default=True, help="Simulated completions for --predict.")  # fmt: skip
@click.option("--unit", "units", multiple=True, metavar="ENDPOINT=UNIT",
              help="Unit of y and base, such as hba1c=mmol/mol. Repeatable.")  # fmt: skip
@click.option("--missing", "codes", multiple=True, metavar="CODE",
              help="A code of missing values, such as 999. Repeatable.")  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Change one key. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, scenario: Path, data: Path, endpoint: str | None, predict: bool, completions: int,
    units: tuple[str, ...], codes: tuple[str, ...], settings: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Run the analyses of SCENARIO on DATA, a CSV file in long format.

    The same code analyses the simulated trials. Columns: id, arm and y; if an analysis needs them,
    also stratum, base, age, visit (0 is the baseline), months and endpoint. See
    docs/guide/analyse-real-data.md. --unit and --missing set the keys of the scenario's [data].
    Exit code 1: an analysis failed.

    With --predict, DATA are those of an interim look: a visit without a row is not due yet, and a
    row with an empty y is a missed visit.

    \b
    Examples:
      phase2sim analyse scenarios/meld-atg.toml my-trial.csv --json
      phase2sim analyse scenarios/meld-atg.toml look.csv --predict
    """
    built = build_scenario(with_data(load_scenario(scenario, settings), units, codes))
    title = f"{data} by {scenario}"
    if predict:
        prediction = predict_verdicts(built, data, endpoint, completions)
        if as_json:
            show_json(prediction_json(prediction))
        else:
            show(prediction_screen(prediction, title))
        check_answered(prediction.look_result)
        return
    result = analyse(built, data, endpoint)
    if as_json:
        show_json(trial_result_json(result))
    else:
        show(trial_result_screen(result, title))
    check_answered(result)

"""phase2sim calibrate: the threshold that gives a required type I error."""

from pathlib import Path

import click

from phase2sim.cli.terminal import say, show, show_json, trials_progress
from phase2sim.core.backends import backend
from phase2sim.reporting.screens.calibration import calibration_json, calibration_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.calibrate import calibrate


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--type-one-error", type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
              default=0.025, show_default=True, help="Required, one-sided.")  # fmt: skip
@click.option("--verdict", help="An analysis, or the overall verdict (the default).")
@click.option("--trials", type=click.IntRange(1_000, 100_000_000), default=100_000,
              show_default=True, help="Trials; as many new ones check it.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key. Repeatable.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, scenario: Path, type_one_error: float, verdict: str | None, trials: int,
    settings: tuple[str, ...], workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Find the threshold that gives the rule of SCENARIO, a file, a required type I error.

    The threshold is the rule's posterior probability, confidence level or one-sided alpha. It is
    calibrated under the worst null hypothesis: no effect in some of the analyses and effects so
    large in the others that those always succeed.

    \b
    Examples:
      phase2sim calibrate scenarios/dual-criterion.toml --type-one-error 0.025
      phase2sim calibrate scenarios/hba1c-primary.toml --trials 20000 --json
    """
    loaded = load_scenario(scenario, settings)
    with backend(workers) as workforce, trials_progress() as progress:
        calibration = calibrate(
            loaded, type_one_error, workforce, trials=trials, verdict=verdict, report=say,
            progress=progress,
        )  # fmt: skip
    if as_json:
        show_json(calibration_json(calibration))
    else:
        show(calibration_screen(calibration))

"""phase2sim calibrate: the threshold that gives a wanted type I error."""

from pathlib import Path

import click

from phase2sim.cli.screen import say, show, show_json, trials_progress
from phase2sim.core.backends import backend
from phase2sim.reporting.screens.calibration import calibrated_json, calibrated_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.calibrate import calibrate


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--type-one-error", type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
              default=0.025, show_default=True, help="Wanted, one-sided.")  # fmt: skip
@click.option(
    "--verdict", help="Which one: an analysis, or the one on all. The latter if not said."
)
@click.option("--trials", type=click.IntRange(1_000, 100_000_000), default=100_000,
              show_default=True, help="To find it with; as many fresh ones check it.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key. Repeatable.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(  # noqa: PLR0913 - one argument an option
    scenario: Path, type_one_error: float, verdict: str | None, trials: int,
    settings: tuple[str, ...], workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Find the threshold of SCENARIO's rule, a file, that gives a wanted type I error.

    The threshold is the rule's posterior probability, confidence or one-sided alpha. It holds under
    the worst null: no effect on any set of the analyses, the others as effective as can be.

    \b
    Examples:
      phase2sim calibrate scenarios/dual-criterion.toml --type-one-error 0.025
      phase2sim calibrate scenarios/hba1c-primary.toml --trials 20000 --json
    """
    loaded = load_scenario(scenario, settings)
    with backend(workers) as at, trials_progress() as progress:
        found = calibrate(
            loaded, type_one_error, at, trials=trials, verdict=verdict, report=say,
            progress=progress,
        )  # fmt: skip
    if as_json:
        show_json(calibrated_json(found))
    else:
        show(calibrated_screen(found))

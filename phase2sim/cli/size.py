"""phase2sim size: the number of patients, or the smallest detectable effect."""

import json
import re
from pathlib import Path

import click

from phase2sim.cli.terminal import climbing_progress, say, show, show_json
from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.reporting.screens.size import size_json, size_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.sizing.size import find_size, smallest_effect
from phase2sim.studies.sizing.size_result import LARGEST, Search

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--power", type=_SHARE, help="Required power under truth.target.")
@click.option(
    "--assurance", type=_SHARE, help="Required assurance: power averaged over the fitted prior."
)
@click.option("--confidence", type=_SHARE, default=0.99, show_default=True,
              help="Monte Carlo confidence that the answer reaches the target.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(0.001, 0.2), default=0.01, show_default=True,
              help="How far the next smaller size may exceed the target.")  # fmt: skip
@click.option(
    "--allocation", metavar="RATIO", help="Ratio such as 1:2, in the order of design.arms."
)
@click.option("--verdict", help="An analysis, or the overall verdict (the default).")
@click.option("--detectable", is_flag=True,
              help="Find the smallest detectable effect instead.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1_000, 100_000_000), default=1_000_000,
              show_default=True, help="Largest number of trials.")  # fmt: skip
@click.option("--at-most", type=click.IntRange(8, 100_000), default=LARGEST, show_default=True,
              help="Largest number of patients to consider.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key. Repeatable.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads; with --dask local, processes.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler, tcp://..., or local.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context, *, scenario: Path, power: float | None, assurance: float | None,
    confidence: float, tolerance: float, allocation: str | None, verdict: str | None,
    detectable: bool, trials: int, at_most: int, settings: tuple[str, ...], workers: int,
    dask: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the smallest number of patients that gives SCENARIO, a file, a power or assurance.

    Where a closed form is exact its answer is the smallest, and simulated as a check. Elsewhere the
    command simulates until, with the stated confidence, the answer reaches the target and the next
    smaller size is less than --tolerance above it. All sizes share the same trials: the first
    n patients of a trial form the trial of size n. Exit code 1 if no size reaches the target:
    assurance has an upper limit that more patients do not raise.

    \b
    Examples:
      phase2sim size scenarios/meld-atg.toml --power 0.8 --allocation 1:1
      phase2sim size scenarios/gxipc1-phase2.toml --assurance 0.3 --verdict c_peptide
      phase2sim size scenarios/meld-atg.toml --power 0.9 --detectable --json
    """
    if (power is None) == (assurance is None):
        raise BadInput("give one of --power and --assurance.")
    search = Search(
        criterion="power" if assurance is None else "assurance",
        target=power if power is not None else assurance or 0.0,
        confidence=confidence,
        tolerance=tolerance,
        verdict=verdict,
        most=trials,
        largest=at_most,
    )
    loaded = load_scenario(scenario, (*_ratio_settings(allocation), *settings))
    with backend(workers, dask) as workforce, climbing_progress() as progress:
        result = (smallest_effect if detectable else find_size)(
            loaded, search, workforce, say, progress
        )
    if as_json:
        show_json(size_json(result))
    else:
        show(size_screen(result))
    ctx.exit(0 if result.answer else 1)


def _ratio_settings(allocation: str | None) -> tuple[str, ...]:
    """Settings for an allocation ratio, with a number of patients that it divides."""
    if allocation is None:
        return ()
    if not re.fullmatch(r"[1-9]\d?:[1-9]\d?", allocation):
        raise BadInput(f"--allocation is {allocation!r}; write it as 1:1 or 1:2, control first.")
    ratio = [int(part) for part in allocation.split(":")]
    return (f"design.allocation={json.dumps(ratio)}", f"design.patients={4 * sum(ratio)}")

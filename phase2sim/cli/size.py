"""phase2sim size: how many patients, or how large an effect."""

import json
import re
from pathlib import Path

import click

from phase2sim.cli.screen import climbing_progress, say, show, show_json
from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.reporting.screens.size import size_json, size_screen
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.sizing.size import find_size, smallest_effect
from phase2sim.studies.sizing.size_result import LARGEST, Search

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--power", type=_SHARE, help="Target, if truth.target is true.")
@click.option("--assurance", type=_SHARE, help="Target, averaged over the fitted prior.")
@click.option("--confidence", type=_SHARE, default=0.99, show_default=True,
              help="That the answer is right, for Monte Carlo error.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(0.001, 0.2), default=0.01, show_default=True,
              help="How far above the target the next smaller size may be.")  # fmt: skip
@click.option("--allocation", metavar="RATIO", help="Such as 1:2, in the order of design.arms.")
@click.option(
    "--verdict", help="Which one: an analysis, or the one on all. The latter if not said."
)
@click.option("--detectable", is_flag=True,
              help="Instead: the smallest effect, with the scenario's patients.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1_000, 100_000_000), default=1_000_000,
              show_default=True, help="At most.")  # fmt: skip
@click.option("--at-most", type=click.IntRange(8, 100_000), default=LARGEST, show_default=True,
              help="Patients beyond which nobody looks.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key. Repeatable.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads; with --dask local, processes.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler, tcp://..., or local.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(  # noqa: PLR0913 - one argument an option
    ctx: click.Context, scenario: Path, power: float | None, assurance: float | None,
    confidence: float, tolerance: float, allocation: str | None, verdict: str | None,
    detectable: bool, trials: int, at_most: int, settings: tuple[str, ...], workers: int,
    dask: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the fewest patients with which SCENARIO, a file, reaches a power or an assurance.

    Simulates until it is sure: with the stated confidence the answer reaches the target and the
    next smaller size is not clearly enough. Every size is seen in the same trials, as the first n
    patients of a trial are the trial of size n. Exit code 1 if there is no such size: assurance has
    a ceiling that no number of patients lifts.

    \b
    Examples:
      phase2sim size scenarios/meld-atg.toml --power 0.8 --allocation 1:1
      phase2sim size scenarios/gxipc1-phase2.toml --assurance 0.3 --verdict c_peptide
      phase2sim size scenarios/meld-atg.toml --power 0.9 --detectable --json
    """
    if (power is None) == (assurance is None):
        raise BadInput("give one of --power and --assurance.")
    wanted = Search(
        of="power" if assurance is None else "assurance",
        target=power if power is not None else assurance or 0.0,
        confidence=confidence,
        tolerance=tolerance,
        verdict=verdict,
        most=trials,
        largest=at_most,
    )
    loaded = load_scenario(scenario, (*_ratio(allocation), *settings))
    with backend(workers, dask) as at, climbing_progress() as progress:
        found = (smallest_effect if detectable else find_size)(loaded, wanted, at, say, progress)
    if as_json:
        show_json(size_json(found))
    else:
        show(size_screen(found))
    ctx.exit(0 if found.answer else 1)


def _ratio(allocation: str | None) -> tuple[str, ...]:
    """Settings that give the arms a ratio, with a number of patients that it divides."""
    if allocation is None:
        return ()
    if not re.fullmatch(r"[1-9]\d?:[1-9]\d?", allocation):
        raise BadInput(f"--allocation is {allocation!r}; write it as 1:1 or 1:2, control first.")
    ratio = [int(part) for part in allocation.split(":")]
    return (f"design.allocation={json.dumps(ratio)}", f"design.patients={4 * sum(ratio)}")

"""phase2sim sweep: run many scenarios."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

from phase2sim.cli.terminal import STARTED, say, show, show_json, sweep_progress
from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.reporting.screens.sweep import estimate_json, estimate_line, sweep_json, sweep_screen
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.store.results_folder import try_results_folder
from phase2sim.studies.sweeps.sweep import PRESETS, SweepOptions, prepare_sweep, run_sweep

_SECONDS_WITHOUT_A_QUESTION = 120.0
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """``60s``, ``10m``, ``1.5h``, as seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a duration."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)\s*", str(value))
        if match is None or float(match[1]) == 0.0:
            self.fail(f"{value!r} is no time; write 60s, 10m or 1.5h.", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


def _add_presets[F: Callable[..., object]](command: F) -> F:
    """Add a flag for each preset."""
    for name, trials in reversed(PRESETS.items()):
        flag = click.option(
            f"--{name}", "preset", flag_value=str(trials), help=f"{trials:,} trials per cell."
        )
        command = flag(command)
    return command


@click.command()
@click.argument("sweep", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--trials", type=click.IntRange(1, 1_000_000_000), help="Trials per cell.")
@_add_presets
@click.option("--mcse", type=click.FloatRange(0, 0.5, min_open=True), metavar="SE",
              help="Simulate until every share of go has this error.")  # fmt: skip
@click.option("--mcse-difference", type=click.FloatRange(0, 0.5, min_open=True), metavar="SE",
              help="The same for the difference from the reference cell.")  # fmt: skip
@click.option("--budget", type=Duration(), help="Simulate for this long: 60s, 10m, 1.5h.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads; with --dask local, processes.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler, tcp://..., or local.")
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key of the base. Repeatable.")  # fmt: skip
@click.option("--estimate", is_flag=True, help="Print the expected time and disk space, and stop.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation before a long sweep.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context, *, sweep: Path, out: Path, trials: int | None, preset: str | None,
    mcse: float | None, mcse_difference: float | None, budget: float | None, workers: int,
    dask: str | None, settings: tuple[str, ...], estimate: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run every cell of SWEEP, a file, that is not yet in the results folder.

    The command first prints the expected time and disk space. Ctrl-C stops it after the current
    file; the same command then continues, and a larger number of trials extends the stored ones.
    The numbers depend on the scenarios and the seed, not on workers, interruptions or other cells.

    \b
    Examples:
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --draft
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --mcse 0.005
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --budget 10m
    """
    options = _sweep_options(
        trials=trials, preset=preset, mcse=mcse, mcse_difference=mcse_difference, budget=budget
    )
    loaded = load_sweep(sweep, settings)
    if not estimate:
        try_results_folder(out)
    prepared = prepare_sweep(loaded, out, options, workers, say)
    if estimate and as_json:
        show_json(estimate_json(prepared.forecast))
    else:
        say(estimate_line(prepared.forecast, options))
    if estimate:
        return
    long = (prepared.forecast.seconds or 0.0) > _SECONDS_WITHOUT_A_QUESTION
    if long and not yes and sys.stdin.isatty():
        click.confirm("Go on?", abort=True, err=True)
    with backend(workers, dask) as workforce, sweep_progress() as progress:
        result = run_sweep(prepared, out, workforce, ["phase2sim", *sys.argv[1:]], progress)
    if as_json:
        show_json(sweep_json(result))
    else:
        show(sweep_screen(result, loaded))
    ctx.exit(0 if result.finished and not result.refused else 1)


def _sweep_options(
    *,
    trials: int | None,
    preset: str | None,
    mcse: float | None,
    mcse_difference: float | None,
    budget: float | None,
) -> SweepOptions:
    """Combine the options that limit the trials; refuse combinations that contradict each other."""
    values = {
        "--trials": trials,
        "a preset": preset,
        "--budget": budget,
        "--mcse": mcse,
        "--mcse-difference": mcse_difference,
    }
    names = [name for name, value in values.items() if value is not None]
    if len(names) > 1 and names not in (["--trials", "--mcse"], ["--trials", "--mcse-difference"]):
        raise BadInput(
            f"{' and '.join(names)} were given; give one. Only --mcse takes --trials too, as the"
            " most trials that it may cost."
        )
    return SweepOptions(
        trials=int(preset) if preset else trials,
        mcse=mcse if mcse is not None else mcse_difference,
        quantity="share" if mcse_difference is None else "difference",
        seconds=budget,
        started=STARTED,
    )

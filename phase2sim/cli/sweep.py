"""phase2sim sweep: many scenarios at once."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

from phase2sim.cli.screen import STARTED, say, show, show_json, sweep_progress
from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.reporting.screens.sweep import estimate_json, estimate_line, sweep_json, sweep_screen
from phase2sim.scenario.sweep_file import load_sweep
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
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)\s*", str(value))
        if found is None or float(found[1]) == 0.0:
            self.fail(f"{value!r} is no time; write 60s, 10m or 1.5h.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


def _presets[F: Callable[..., object]](command: F) -> F:
    """Add a flag for each preset."""
    for name, trials in reversed(PRESETS.items()):
        flag = click.option(
            f"--{name}", "preset", flag_value=str(trials), help=f"{trials:,} trials a cell."
        )
        command = flag(command)
    return command


@click.command()
@click.argument("sweep", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--trials", type=click.IntRange(1, 1_000_000_000), help="Trials of each cell.")
@_presets
@click.option("--mcse", type=click.FloatRange(0, 0.5, min_open=True), metavar="SE",
              help="Until every share of go has this Monte Carlo standard error.")  # fmt: skip
@click.option("--mcse-difference", type=click.FloatRange(0, 0.5, min_open=True), metavar="SE",
              help="The same for the difference to the reference cell.")  # fmt: skip
@click.option("--budget", type=Duration(), help="As many as this time allows: 60s, 10m, 1.5h.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Threads; with --dask local, processes.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler, tcp://..., or local.")
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE",
              help="Change one key of the base. Repeatable.")  # fmt: skip
@click.option("--estimate", is_flag=True, help="Say what it would cost, and stop.")
@click.option("--yes", is_flag=True, help="Do not ask before a long sweep.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(  # noqa: PLR0913 - one argument an option
    ctx: click.Context, sweep: Path, out: Path, trials: int | None, preset: str | None,
    mcse: float | None, mcse_difference: float | None, budget: float | None, workers: int,
    dask: str | None, settings: tuple[str, ...], estimate: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run every cell of SWEEP, a file, that the folder of results does not hold yet.

    Says first what it will cost. Ctrl-C ends it at the next file; the same command then goes on
    from there, and more trials are added to those that are there. The numbers depend on the
    scenarios and their seed, not on workers, interruptions or what else is in the sweep.

    \b
    Examples:
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --draft
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --mcse 0.005
      phase2sim sweep scenarios/sweeps/gxipc1-sizes.toml --out results/sizes --budget 10m
    """
    asked = _asked(trials, preset, (mcse, mcse_difference), budget)
    loaded = load_sweep(sweep, settings)
    prepared = prepare_sweep(loaded, out, asked, workers, say)
    if estimate and as_json:
        show_json(estimate_json(prepared.forecast))
    else:
        say(estimate_line(prepared.forecast, asked))
    if estimate:
        return
    long = (prepared.forecast.seconds or 0.0) > _SECONDS_WITHOUT_A_QUESTION
    if long and not yes and sys.stdin.isatty():
        click.confirm("Go on?", abort=True, err=True)
    with backend(workers, dask) as at, sweep_progress() as progress:
        swept = run_sweep(prepared, out, at, ["phase2sim", *sys.argv[1:]], progress)
    if as_json:
        show_json(sweep_json(swept))
    else:
        show(sweep_screen(swept, loaded))
    ctx.exit(0 if swept.finished and not swept.refused else 1)


def _asked(
    trials: int | None,
    preset: str | None,
    mcse: tuple[float | None, float | None],
    budget: float | None,
) -> SweepOptions:
    """Put together what was asked for; refuse what contradicts itself."""
    share, difference = mcse
    ways = {"--trials": trials, "a preset": preset, "--budget": budget}
    ways |= {"--mcse": share, "--mcse-difference": difference}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1 and not (len(given) == 2 and given[0] == "--trials" and "mcse" in given[1]):  # noqa: PLR2004
        raise BadInput(
            f"{' and '.join(given)} were given; give one. Only --mcse takes --trials too, as the"
            " most trials that it may cost."
        )
    return SweepOptions(
        trials=int(preset) if preset else trials,
        mcse=share if share is not None else difference,
        of="share" if difference is None else "difference",
        seconds=budget,
        started=STARTED,
    )

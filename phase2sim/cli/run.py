"""phase2sim run: the operating characteristics of a scenario."""

from pathlib import Path

import click

from phase2sim.cli.terminal import say, show, show_json, trials_progress
from phase2sim.operating.simulation import simulate
from phase2sim.reporting.screens.ends import ends_screen
from phase2sim.reporting.screens.explained import explanation_screen
from phase2sim.reporting.screens.run import run_json, run_screen
from phase2sim.scenario.scenario_file import load_scenario


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--trials", type=int, help="Trials to simulate, instead of the scenario's.")
@click.option("--seed", type=int, help="Seed, instead of the scenario's.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Change one key, such as design.patients=80 or analysis.1.month=12. Repeatable.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads."
)
@click.option(
    "--assume",
    type=click.Choice(["optimistic", "planned", "pessimistic"]),
    help="Set dropout, SD, heterogeneity and adherence together.",
)
@click.option("--explain", is_flag=True, help="Explain each number below the table.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    scenario: Path,
    trials: int | None,
    seed: int | None,
    settings: tuple[str, ...],
    workers: int,
    assume: str | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Print power, type I error and assurance of SCENARIO, a file.

    Evidence without a stored fit is fitted first; the first fit on a machine takes minutes. The
    same scenario, evidence and seed give the same numbers with any number of workers. Ctrl-C prints
    the results of the trials simulated so far.

    \b
    Examples:
      phase2sim run scenarios/gxipc1-phase2.toml
      phase2sim run scenarios/gxipc1-phase2.toml --set design.patients=80 --trials 20000
      phase2sim run scenarios/meld-atg.toml --assume pessimistic --json
      phase2sim run scenarios/meld-atg.toml --explain
    """
    if assume is not None:
        settings = (*settings, f"assume={assume}")
    loaded = load_scenario(scenario, settings)
    with trials_progress() as progress:
        result = simulate(
            loaded, trials=trials, seed=seed, workers=workers, report=say, progress=progress
        )
    if as_json:
        show_json(run_json(result))
    else:
        seeds = () if seed is None else (f"seed={seed}",)
        show(run_screen(result, (*settings, *seeds)))
        show(ends_screen(result))
        if explain:
            show(explanation_screen(result))
    ctx.exit(1 if result.interrupted else 0)

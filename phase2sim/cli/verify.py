"""phase2sim verify: a report's cells simulated again, or the installation checked."""

from pathlib import Path

import click
from click.core import ParameterSource

from phase2sim.cli.terminal import counting_progress, say, show, show_json
from phase2sim.reporting.screens.verification import verification_json, verification_screen
from phase2sim.studies.verification.installation import check_installation
from phase2sim.studies.verification.reports import check_report


@click.command()
@click.argument("report", required=False, type=click.Path(path_type=Path))
@click.option("--share", type=click.FloatRange(0, 1), default=0.01, show_default=True,
              help="Share of the report's cells to simulate again; at least one cell.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="Seed that chooses the cells.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context, report: Path | None, share: float, seed: int, *, as_json: bool
) -> None:
    """Check REPORT, an .html file written by `report`; without REPORT, check the installation.

    For a report, randomly chosen cells are simulated again and hashes of their trials compared. For
    the installation, the checks are closed forms, published values, reproducibility and
    calibration, each passed or failed. Exit code 1 if a check fails.

    \b
    Examples:
      phase2sim verify
      phase2sim verify report.html --share 0.05
    """
    if report is None:
        _refuse_options(ctx, "share", "seed")
        with counting_progress("checks") as progress:
            findings = check_installation(progress)
    else:
        findings = check_report(report, share, seed, say)
    if as_json:
        show_json(verification_json(findings))
    else:
        show(verification_screen(findings))
    ctx.exit(0 if findings.passed else 1)


def _refuse_options(ctx: click.Context, *names: str) -> None:
    """Refuse options that apply only to a report."""
    for name in names:
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} is for a report. Name the report, or leave it out.")

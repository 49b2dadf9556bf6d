"""phase2sim report: the simulation report of a scenario or of a folder of results."""

import sys
from pathlib import Path

import click

from phase2sim.cli.collect_dossier import collect_dossier
from phase2sim.cli.paths import OutputFile
from phase2sim.cli.terminal import say
from phase2sim.reporting.report.full_report import check_output_file, write_report
from phase2sim.studies.dossier.dossier import ReportOptions


@click.command()
@click.argument("source", metavar="SCENARIO|DIR", type=click.Path(path_type=Path))
@click.option("--out", type=OutputFile(), help="The .html or .docx file to write.")
@click.option("--docx", type=OutputFile(), help="Write a Word file too.")
@click.option("--trials", type=click.IntRange(20), help="Trials, instead of the scenario's.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads."
)
def command(
    *,
    source: Path,
    out: Path | None,
    docx: Path | None,
    trials: int | None,
    store: Path | None,
    workers: int,
) -> None:
    """Write the simulation report of SCENARIO, a file, or of DIR, a folder that `sweep` wrote.

    The report is one file that needs no network: question and decision, inputs with sources, check
    of the fitted model, design, operating characteristics with an explorer, sensitivity, example
    trials, verification, and how to reproduce it. Simulated trials are stored, so a second call
    simulates nothing.

    \b
    Examples:
      phase2sim report scenarios/gxipc1-phase2.toml --out report.html
      phase2sim report results/sizes --out sizes.html --docx sizes.docx
    """
    paths = [path for path in (out, docx) if path is not None] or [Path("report.html")]
    for path in paths:
        check_output_file(path)
    words_of_command = ["phase2sim", *sys.argv[1:]]
    dossier = collect_dossier(
        source, store, ReportOptions(trials=trials), workers, words_of_command
    )
    for path in paths:
        write_report(dossier, path)
        say(f"Wrote {path}.")

"""phase2sim protocol: the sample-size section of a protocol or an analysis plan."""

import sys
from pathlib import Path

import click

from phase2sim.cli.collect_dossier import collect_dossier
from phase2sim.cli.paths import OutputFile
from phase2sim.cli.terminal import say, show_json
from phase2sim.core.io.atomic_files import write_text
from phase2sim.reporting.report.protocol import protocol_json, protocol_text
from phase2sim.studies.dossier.dossier import ReportOptions


@click.command()
@click.argument("source", metavar="SCENARIO|DIR", type=click.Path(path_type=Path))
@click.option("--out", type=OutputFile(), help="Write the text to this file.")
@click.option("--trials", type=click.IntRange(20), help="Trials, instead of the scenario's.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: each number with its cell.")
def command(
    *,
    source: Path,
    out: Path | None,
    trials: int | None,
    store: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Print the sample-size section of a protocol for SCENARIO, ready to paste.

    It states hypothesis, estimand, assumptions with sources, method, software, power with its Monte
    Carlo error, sensitivity and references. The results are those of `report`, stored in the same
    folder.

    \b
    Example:
      phase2sim protocol scenarios/meld-atg.toml --trials 2000
    """
    options = ReportOptions(trials=trials, explorer=False, examples=False, replicas=False)
    dossier = collect_dossier(source, store, options, workers, ["phase2sim", *sys.argv[1:]])
    text = protocol_text(dossier)
    if out is not None:
        write_text(out, text)
        say(f"Wrote {out}.")
    if as_json:
        show_json(protocol_json(dossier))
    elif out is None:
        click.echo(text, nl=False)

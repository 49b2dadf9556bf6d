"""phase2sim results: the stored results of a folder."""

from pathlib import Path

import click

from phase2sim.cli.paths import OutputFile
from phase2sim.cli.terminal import say, show, show_json
from phase2sim.core.io.atomic_files import write_bytes
from phase2sim.reporting.screens.sweep import results_screen
from phase2sim.studies.store.parquet_tables import csv_of, parquet_of
from phase2sim.studies.sweeps.results import matching_rows
from phase2sim.studies.sweeps.stored_results import read_results


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--where",
    metavar="CONDITION",
    help="Print only rows that satisfy the condition, such as 'patients >= 40'.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--parquet", type=OutputFile(), help="Write the rows to this Parquet file.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    folder: Path,
    where: str | None,
    as_csv: bool,
    as_json: bool,
    parquet: Path | None,
) -> None:
    """Print the results in FOLDER, written by `phase2sim sweep`: one row per number.

    The command also works while a sweep is running and then shows the trials stored so far. --where
    may name any column of --json, including the axes of the sweep.

    \b
    Examples:
      phase2sim results results/sizes
      phase2sim results results/sizes --where "patients_per_arm >= 40 and name == 'power'" --csv
      phase2sim results results/sizes --parquet sizes.parquet
    """
    stored = read_results(folder, say)
    rows = matching_rows(stored.rows, where)
    if stored.rows and not rows:
        say(f"--where {where!r}: none of the {len(stored.rows):,} rows meets it.")
    if parquet is not None:
        write_bytes(parquet, parquet_of(rows))
        say(f"Wrote {parquet}.")
    if as_json:
        show_json([dict(row) for row in rows])
    elif as_csv:
        click.echo(csv_of(rows), nl=False)
    elif parquet is None and (rows or not stored.rows):
        show(results_screen(rows))
    for reason in stored.results.refused:
        say(f"Refused: {reason}")
    ctx.exit(1 if stored.results.refused else 0)

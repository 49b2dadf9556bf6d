"""phase2sim list: the parts a scenario can name."""

import click

from phase2sim.cli.terminal import show, show_json
from phase2sim.reporting.screens.parts import parts_rows, parts_table

_KINDS = (
    "analyses", "decisions", "derived", "designs", "dropouts", "efficacies", "endpoints",
    "futilities", "gaps", "intercurrent", "randomisations", "recruitments", "reestimations",
    "responses", "safety", "shapes", "spendings",
)  # fmt: skip


@click.command()
@click.argument("kind", required=False, type=click.Choice(_KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, kind: str | None, as_json: bool) -> None:
    """List the parts of one KIND, or of all kinds, with the keys of each part.

    \b
    Examples:
      phase2sim list
      phase2sim list analyses --json
    """
    kinds = _KINDS if kind is None else (kind,)
    if as_json:
        show_json({name: parts_rows(name) for name in kinds})
    else:
        show(parts_table(kinds))

"""Files that a command writes, checked before it computes anything."""

from pathlib import Path
from typing import Any

import click

from phase2sim.core.io.atomic_files import check_output


class OutputFile(click.Path):
    """A file to write; refused at once where no file can be written."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path; raises ``BadInput``."""
        path = Path(str(super().convert(value, param, ctx)))
        check_output(path)
        return path

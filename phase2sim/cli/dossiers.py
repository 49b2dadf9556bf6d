"""What `report` and `protocol` share: a scenario or a folder of results becomes a dossier."""

from collections.abc import Sequence
from pathlib import Path

from phase2sim.cli.screen import say, sweep_progress
from phase2sim.core.backends import backend
from phase2sim.studies.dossier.dossier import Dossier, ReportOptions, dossier_of


def dossier_for(
    source: Path, store: Path | None, wish: ReportOptions, workers: int, words: Sequence[str]
) -> Dossier:
    """Collect a dossier, telling the waiting what happens."""
    with backend(workers) as at, sweep_progress() as progress:
        return dossier_of(source, store, wish, at, words, say, progress)

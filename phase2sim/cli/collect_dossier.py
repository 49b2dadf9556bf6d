"""Collect the dossier of a scenario or of a results folder, for `report` and `protocol`."""

from collections.abc import Sequence
from pathlib import Path

from phase2sim.cli.terminal import say, sweep_progress
from phase2sim.core.backends import backend
from phase2sim.reporting.report.lint import check_texts
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.dossier.dossier import Dossier, ReportOptions, dossier_of


def collect_dossier(
    source: Path,
    store: Path | None,
    options: ReportOptions,
    workers: int,
    words_of_command: Sequence[str],
) -> Dossier:
    """Simulate missing trials of a report, show progress, and return the report's dossier."""
    if not source.is_dir():
        check_texts(load_scenario(source))
    with backend(workers) as workforce, sweep_progress() as progress:
        return dossier_of(
            source, store, options, workforce, words_of_command, say=say, progress=progress
        )

"""A folder of results as it is read: damage in it is said, and mended where it can be written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phase2sim.core.errors import BadInput, NotWritten
from phase2sim.core.progress import Report
from phase2sim.studies.store.manifest import Manifest, read_manifest, write_manifest
from phase2sim.studies.store.results_folder import DamagedFile, Store, open_store, writing
from phase2sim.studies.sweeps.results import Results, write_measurements


@dataclass(frozen=True, slots=True)
class StoredResults:
    """A folder's results, with the rows of all its cells."""

    store: Store
    results: Results
    rows: list[dict[str, Any]]

    @property
    def manifest(self) -> Manifest:
        """The cells and the runs."""
        return self.results.manifest


def read_results(folder: Path, report: Report) -> StoredResults:
    """Read a folder of results, also while a sweep adds to it; ``report`` is told of damage.

    Raises ``BadInput`` for a folder without results, and ``DamagedFile`` for damaged trials.
    """
    store = open_store(folder)
    results = Results(store, manifest_with_cells(store))
    lines = damage_in(results)
    for line in lines:
        report(line)
    stored = _mended(folder, report) if lines else None
    if stored is None:  # whole, or not to be written: what is damaged is measured in memory
        stored = StoredResults(store, results, results.rows())
    if empty := [key for key in stored.results.manifest.cells if not stored.results.trials(key)]:
        report(
            f"{folder}: {len(empty)} of {len(stored.results.manifest.cells)} cells have no trials"
            " here. The sweep simulates them, also those that were lost."
        )
    if stored.results.without_theory:
        report(
            f"{folder}: closed forms of {len(stored.results.without_theory)} cells were lost, and"
            " the fitted prior that they need is not kept here. Run the sweep again: it computes"
            " them."
        )
    return stored


def _mended(folder: Path, report: Report) -> StoredResults | None:
    """Write anew what is damaged; None if the folder cannot be written now, which is said."""
    try:
        with writing(folder) as store:
            results = Results(store, manifest_with_cells(store))
            write_manifest(store, results.manifest)
            return StoredResults(store, results, write_measurements(store, results))
    except DamagedFile:
        raise
    except (BadInput, NotWritten) as error:
        report(f"The folder was left as it is: {error}")
        return None


def damage_in(results: Results) -> list[str]:
    """What cannot be used in a folder's files, and what is in its place, one line each."""
    lines = [results.manifest.damage] if results.manifest.damage else []
    if results.damaged:
        lines.append(
            f"{results.damaged[0]}: is damaged, or of an earlier version without a digest"
            f"{f', and {len(results.damaged) - 1} files more' if len(results.damaged) > 1 else ''}."
            " What they held is measured again from the trials."
        )
    return lines


def manifest_with_cells(store: Store) -> Manifest:
    """Manifest of a store; raises ``BadInput`` where it is lost with all that it held."""
    manifest = read_manifest(store)
    if manifest.damage and not manifest.cells:
        raise BadInput(
            f"{manifest.damage} Run the sweep again into the same folder: it finds the trials that"
            " are stored there."
        )
    return manifest

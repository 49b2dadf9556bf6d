"""The manifest of a folder of results: its cells, and the runs that requested them."""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput
from phase2sim.core.io.digests import UNSEALED, is_intact, is_sealed, seal
from phase2sim.core.io.plain_files import read_regular_file, reason_of
from phase2sim.studies.store.headers import read_header
from phase2sim.studies.store.results_folder import (
    CHARACTERISTICS,
    MANIFEST,
    DamagedFile,
    Store,
    verdicts_path,
)

_FORMAT = "phase2sim results 2"
_WITHOUT_DIGEST = "phase2sim results 1"  # read, and written anew with one
_PROGRAMS = ("phase2sim", "numpy", "numba", "scipy", "pyarrow")

type ManifestEntry = dict[str, Any]


@dataclass(slots=True)
class Manifest:
    """Cells by key, in the order of their first request, and the runs.

    ``damage`` says what was wrong with the file, in a sentence; empty if nothing was.
    ``is_rebuilt`` is True if the file could not be read at all.
    """

    cells: dict[str, ManifestEntry] = field(default_factory=dict)
    runs: list[ManifestEntry] = field(default_factory=list)
    damage: str = ""
    is_rebuilt: bool = False

    def add_run(self, command: str, about: Mapping[str, Any]) -> None:
        """Add a run: its command, its time and the versions of the programs."""
        versions = {name: version(name) for name in _PROGRAMS}
        self.runs.append(
            {
                "command": command,
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
                "results_version": RESULTS_VERSION,
                "versions": versions | {"python": platform.python_version()},
                **about,
            }
        )


def read_manifest(store: Store) -> Manifest:
    """Return the manifest of a store, an empty one of an empty store.

    One that is damaged or lost is rebuilt from the headers of the files beside it, and says so in
    ``damage``. Raises ``BadInput`` for one that another version wrote.
    """
    path = store.folder / MANIFEST
    try:
        content = read_regular_file(path)
    except FileNotFoundError:
        return _rebuilt(store, "is not there") if store.holds_trials() else Manifest()
    except OSError as error:
        return _rebuilt(store, f"cannot be read ({reason_of(error)})")
    if is_sealed(content) and not is_intact(content):
        return _rebuilt(store, "is damaged")
    try:
        table = json.loads(content)
        file_format = table["format"]
        manifest = Manifest(dict(table["cells"]), list(table["runs"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _rebuilt(store, "is damaged")
    if is_sealed(content) == (file_format == _FORMAT) and file_format in {_FORMAT, _WITHOUT_DIGEST}:
        if not is_sealed(content):
            manifest.damage = f"{path}: carries no digest, as an earlier version wrote it."
        return manifest
    if is_sealed(content):
        raise BadInput(
            f"{path}: its format is {file_format!r}; this version reads {_FORMAT!r}. Name another"
            " folder."
        )
    return _rebuilt(store, "is damaged")


def write_manifest(store: Store, manifest: Manifest) -> None:
    """Write the manifest, whole; one that could not be read is put aside; raises ``NotWritten``."""
    path = store.folder / MANIFEST
    if manifest.is_rebuilt and os.path.lexists(path):
        store.put_aside(path)
    table = {"format": _FORMAT, "digest": UNSEALED.decode(), **_content_of(manifest)}
    store.write(path, seal((json.dumps(table, indent=1) + "\n").encode()))


def in_header(manifest: Manifest) -> dict[str, Any]:
    """What the table of characteristics holds of the manifest, for when it is lost."""
    return {"manifest": _content_of(manifest)}


def _content_of(manifest: Manifest) -> dict[str, Any]:
    return {"runs": manifest.runs, "cells": manifest.cells}


def _rebuilt(store: Store, problem: str) -> Manifest:
    """Manifest from the headers of whatever is intact: of all cells, of each, of each study."""
    manifest = Manifest(is_rebuilt=True)
    for header in _headers(store):
        manifest.runs = header.get("runs", manifest.runs)
        for key, entry in header["cells"].items():
            manifest.cells.setdefault(key, entry)
    studies = {entry["study"] for entry in manifest.cells.values()}
    for study in store.studies():
        if study not in studies:
            manifest.cells |= _cells_of_trials(store, study)
    for entry in manifest.cells.values():
        if entry["compared_with"] not in manifest.cells:
            entry["compared_with"] = None
    manifest.damage = (
        f"{store.folder / MANIFEST}: {problem}. It was rebuilt from the headers of the files beside"
        f" it: {len(manifest.cells)} cells, {len(manifest.runs)} runs."
    )
    return manifest


def _headers(store: Store) -> Iterator[dict[str, Any]]:
    """Headers of the tables measured from the trials, that of all cells first."""
    table = store.header(store.folder / CHARACTERISTICS)
    if table:
        yield table["manifest"]
    of_cells = map(store.header, store.folder.glob(str(verdicts_path("*"))))
    for header in sorted(filter(None, of_cells), key=lambda header: header["number"]):
        yield {"cells": {header["cell"]: header["entry"]}}


def _cells_of_trials(store: Store, study: str) -> dict[str, ManifestEntry]:
    """The cell that a study's trials were simulated for, if a file of them is intact."""
    for stretch in store.stretches(study):
        try:
            header = read_header(store.read_intact(study, stretch))
        except DamagedFile:
            continue
        if header:
            return {header["cell"]: header["entry"] | {"requested": store.trials(study)}}
    return {}

"""The manifest of a folder of results: its cells, and the runs that requested them."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput
from phase2sim.studies.store.results_folder import MANIFEST, Store

_FORMAT = "phase2sim results 1"
_PROGRAMS = ("phase2sim", "numpy", "numba", "scipy", "pyarrow")

type ManifestEntry = dict[str, Any]


@dataclass(slots=True)
class Manifest:
    """Cells by key, in the order of their first request, and the runs."""

    cells: dict[str, ManifestEntry] = field(default_factory=dict)
    runs: list[ManifestEntry] = field(default_factory=list)

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
    """Return the manifest of a store, an empty one if it has none; raises ``BadInput``."""
    path = store.folder / MANIFEST
    if not path.is_file():
        return Manifest()
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        file_format = table["format"]
        manifest = Manifest(dict(table["cells"]), list(table["runs"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(
            f"{path}: cannot be read as a manifest. The trials beside it are whole: move it away"
            " and run the sweep again, which finds them."
        ) from None
    if file_format != _FORMAT:
        raise BadInput(
            f"{path}: its format is {file_format!r}; this version reads {_FORMAT!r}. Name another"
            " folder."
        )
    return manifest


def write_manifest(store: Store, manifest: Manifest) -> None:
    """Write the manifest, whole; raises ``NotWritten``."""
    table = {"format": _FORMAT, "runs": manifest.runs, "cells": manifest.cells}
    store.write(store.folder / MANIFEST, (json.dumps(table, indent=1) + "\n").encode())

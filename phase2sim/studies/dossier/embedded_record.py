"""Machine-readable record in a report's page: its cells, their scenarios and hashes."""

import json
import re
from pathlib import Path
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput
from phase2sim.core.io.json_text import json_script
from phase2sim.core.io.plain_files import read_text
from phase2sim.studies.dossier.dossier import Dossier

_FORMAT = "phase2sim report 1"
_SCRIPT = re.compile(r'<script type="application/json" id="record">(.*?)</script>', re.DOTALL)


def record(dossier: Dossier) -> dict[str, Any]:
    """Collect the record of a report."""
    trials = {row["cell"]: row["trials"] for row in dossier.rows}
    return {
        "format": _FORMAT,
        "results_version": RESULTS_VERSION,
        "versions": dossier.manifest.runs[-1]["versions"],
        "command": dossier.command,
        "main": dossier.main.key,
        "cells": {
            key: entry | {"trials": trials.get(key, 0), "fingerprint": dossier.fingerprints[key]}
            for key, entry in dossier.manifest.cells.items()
        },
        "rows": [dict(row) for row in dossier.of_main],
    }


def record_script(values: dict[str, Any]) -> str:
    """Return the record as it stands in a page."""
    return json_script(values, "record")


def read_record(page: Path) -> dict[str, Any]:
    """Return the record of a report's page; raises ``BadInput`` for another file."""
    match = _SCRIPT.search(read_text(page, BadInput))
    try:
        values: dict[str, Any] = json.loads(match[1]) if match else {}
    except ValueError:
        values = {}
    if values.get("format") != _FORMAT:
        raise BadInput(
            f"{page}: is no report of this version (no record of {_FORMAT!r}). Name the .html file"
            " that `phase2sim report` wrote."
        )
    return values

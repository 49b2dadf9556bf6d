"""Machine-readable record in a report's page: its cells, their scenarios and hashes."""

import json
import re
from pathlib import Path
from typing import Any

from phase2sim.core.contracts import RESULTS_VERSION
from phase2sim.core.errors import BadInput
from phase2sim.core.io.digests import UNSEALED, is_intact, is_sealed
from phase2sim.core.io.json_text import json_script
from phase2sim.core.io.plain_files import read_bytes_of
from phase2sim.studies.dossier.dossier import Dossier

_FORMAT = "phase2sim report 2"
_SCRIPT = re.compile(r'<script type="application/json" id="record">(.*?)</script>', re.DOTALL)


class AlteredPage(BadInput):
    """A page of a report whose bytes are not those that were written."""


def record(dossier: Dossier) -> dict[str, Any]:
    """Collect the record of a report."""
    trials = {row["cell"]: row["trials"] for row in dossier.rows}
    return {
        "format": _FORMAT,
        "digest": UNSEALED.decode(),  # of the whole page, once it is written
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
    """Return the record of a report's page.

    Raises ``AlteredPage`` if a byte of the page is not as it was written, and ``BadInput`` for
    another file.
    """
    content = read_bytes_of(page, BadInput)
    try:
        match = _SCRIPT.search(content.decode())
    except UnicodeDecodeError:
        match = None
    if is_sealed(content) and not is_intact(content):
        raise AlteredPage(
            f"{page}: is not as it was written: its digest does not match. Make the report again,"
            " or get an unchanged copy."
        )
    try:
        values: dict[str, Any] = json.loads(match[1]) if match else {}
    except (ValueError, RecursionError):
        values = {}
    if values.get("format") != _FORMAT or not is_sealed(content):
        raise BadInput(
            f"{page}: is no report of this version (no record of {_FORMAT!r} with a digest). Name"
            " the .html file that `phase2sim report` wrote; a page of an earlier version has to be"
            " made again."
        )
    return values

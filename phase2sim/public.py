"""Sweeps and sizes in Python: one call each, as the commands do it."""

from pathlib import Path
from typing import Any

from phase2sim.backends import backend
from phase2sim.errors import BadInput
from phase2sim.scenario import Scenario
from phase2sim.sizing.size import Search, Sized
from phase2sim.sizing.size import size as find_size
from phase2sim.store.folder import reading
from phase2sim.store.manifest import read_manifest
from phase2sim.sweep_file import load_sweep
from phase2sim.sweeping.results import Results, selected
from phase2sim.sweeping.sweep import Asked, Swept, prepare, run


def size(
    scenario: Scenario,
    *,
    power: float | None = None,
    assurance: float | None = None,
    verdict: str | None = None,
    workers: int = 1,
) -> Sized:
    """Find the fewest patients that reach a power or an assurance, with 99 % confidence.

    Raises ``BadInput`` for what does not fit. ``Sized.patients`` is None if there is no such size.
    """
    if (power is None) == (assurance is None):
        raise BadInput("size needs one of power and assurance.")
    target = power if power is not None else assurance or 0.0
    wanted = Search("assurance" if power is None else "power", target, verdict=verdict)
    with backend(workers) as at:
        return find_size(scenario, wanted, at)


def sweep(
    path: Path | str,
    out: Path | str,
    *,
    trials: int | None = None,
    mcse: float | None = None,
    workers: int = 1,
) -> Swept:
    """Run every cell of a sweep file that the folder ``out`` does not hold yet.

    ``Swept.rows`` are those of ``results``. Raises ``BadInput`` and ``NotWritten``.
    """
    asked = Asked(trials=trials, mcse=mcse)
    ready = prepare(load_sweep(path), Path(out), asked, workers, lambda _line: None)
    with backend(workers) as at:
        return run(ready, Path(out), at, ["phase2sim.sweep", str(path)], lambda _status: None)


def results(folder: Path | str, where: str | None = None) -> list[dict[str, Any]]:
    """Rows of a folder of results that meet a condition: one a number.

    Raises ``BadInput`` for a folder without results, or what is no condition.
    """
    store = reading(Path(folder))
    rows = Results(store, read_manifest(store)).rows()
    return [dict(row) for row in selected(rows, where)]

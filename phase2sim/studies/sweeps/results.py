"""What a folder of results says: one row a number, with its place on the axes."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from phase2sim.core.io.data_frames import Row
from phase2sim.core.io.row_conditions import condition
from phase2sim.core.measured import Measured
from phase2sim.operating.characteristics import Characteristic, ClosedFormOf
from phase2sim.operating.closed_form import ClosedForm
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.studies.store.folder import Store
from phase2sim.studies.store.manifest import Manifest, ManifestEntry
from phase2sim.studies.store.tables import decisions_bytes, parquet_of, read_table
from phase2sim.studies.sweeps.cells import Cell
from phase2sim.studies.sweeps.measure import (
    Measurements,
    Verdicts,
    difference,
    measure,
    verdicts_of,
)

_CHARACTERISTICS = "characteristics.parquet"
_DECISIONS = "decisions"
_SIDE_BY_SIDE = 4  # cells measured at a time
DECIDED = {"power", "type_i_error", "assurance"}


def entry_of(cell: Cell, requested: int, compared_with: str | None) -> ManifestEntry:
    """What the manifest says of a cell: enough to measure it again without the sweep file."""
    return {
        "study": cell.study,
        "labels": dict(cell.labels),
        "truths": list(cell.truths),
        "prior": cell.prior,
        "requested": requested,
        "compared_with": compared_with,
        "file": str(cell.scenario.path),
        "scenario": cell.scenario.model_dump(mode="json", exclude_defaults=True),
    }


def cell_of(key: str, entry: ManifestEntry) -> Cell:
    """Undo ``entry_of``."""
    return Cell(
        key=key,
        study=entry["study"],
        labels=entry["labels"],
        built=build_scenario(scenario_from(entry["scenario"], Path(entry["file"]))),
        truths=tuple(entry["truths"]),
        prior=entry["prior"],
    )


class Results:
    """Rows of every cell of a store; those that are already in its table are taken from there."""

    def __init__(self, store: Store, manifest: Manifest, cells: Iterable[Cell] = ()) -> None:
        self.store = store
        self.manifest = manifest
        self.refused: list[str] = []  # why some numbers are not to be used
        self._cells = {cell.key: cell for cell in cells}
        self._known: dict[str, list[dict[str, Any]]] = {}
        self._stamps: dict[str, object] = {}
        self._last: tuple[str, Verdicts] = ("", {})
        path = store.folder / _CHARACTERISTICS
        if path.is_file():
            rows, about = read_table(path)
            self._stamps = about.get("stamps", {})
            for row in rows:
                self._known.setdefault(row["cell"], []).append(row)

    def cell(self, key: str) -> Cell:
        """Return a cell of the manifest, built once."""
        if key not in self._cells:
            self._cells[key] = cell_of(key, self.manifest.cells[key])
        return self._cells[key]

    def rows(
        self,
        closed_form_of: Callable[[str], ClosedFormOf | None] = lambda _key: None,
        measured: Callable[[Measurements], None] = lambda _found: None,
    ) -> list[dict[str, Any]]:
        """Measure the cells whose trials have changed; ``measured`` is called with each.

        A closed form that nobody can give anew is the one of before.
        """
        stamps = {key: self._stamp(key) for key in self.manifest.cells}
        stale = [key for key, stamp in stamps.items() if self._stamps.get(key) != stamp]
        for key, rows in self._measured(stale, closed_form_of, measured):
            self._known[key] = rows
            self._stamps[key] = stamps[key]
        found = [row for key in self.manifest.cells for row in self._known[key]]
        self.refused = list(dict.fromkeys(row["refused"] for row in found if row["refused"]))
        return found

    def _measured(
        self,
        keys: Sequence[str],
        closed_form_of: Callable[[str], ClosedFormOf | None],
        measured: Callable[[Measurements], None],
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Rows of some cells, a few measured side by side; what reads and adds up needs no lock."""
        left = deque(keys)
        running: deque[tuple[str, Future[list[dict[str, Any]]]]] = deque()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            while left or running:
                while left and len(running) < 2 * _SIDE_BY_SIDE:
                    key = left.popleft()
                    kept = _kept_closed_form(self._known.get(key, []))
                    closed_form = closed_form_of(key) or kept
                    running.append((key, pool.submit(self._measure, key, closed_form, measured)))
                key, future = running.popleft()
                yield key, future.result()

    def about(self) -> dict[str, Any]:
        """What the table of rows must say of itself to be taken as it is next time."""
        return {"stamps": self._stamps}

    def _stamp(self, key: str) -> list[object]:
        """What the rows of a cell depend on."""
        entry = self.manifest.cells[key]
        other = entry["compared_with"]
        beside = self.store.contents(self.manifest.cells[other]["study"]) if other else ""
        return [self.store.contents(entry["study"]), entry["requested"], beside, other]

    def _measure(
        self, key: str, closed_form: ClosedFormOf, measured: Callable[[Measurements], None]
    ) -> list[dict[str, Any]]:
        cell, entry = self.cell(key), self.manifest.cells[key]
        found = measure(self.store, cell, entry["requested"], closed_form)
        measured(found)
        other = entry["compared_with"]
        reference = self._verdicts(other) if other else {}
        return [_row(found, row, _against(found, row, reference)) for row in found.rows]

    def _verdicts(self, key: str) -> Verdicts:
        """Verdicts of a cell; the last one asked for is kept."""
        if self._last[0] != key:
            self._last = (key, verdicts_of(self.store, self.cell(key)))
        return self._last[1]


def keep_measured(
    store: Store, results: Results, closed_form_of: Callable[[str], ClosedFormOf | None]
) -> list[dict[str, Any]]:
    """Measure what has changed; write the tables of numbers and of decisions; return all rows."""

    def write_decisions(found: Measurements) -> None:
        if found.verdicts:
            path = store.folder / _DECISIONS / f"cell={found.cell.key}" / "verdicts.parquet"
            store.write(path, decisions_bytes(found.verdicts, found.cell.verdicts))

    rows = results.rows(closed_form_of, write_decisions)
    store.write(store.folder / _CHARACTERISTICS, parquet_of(rows, results.about()))
    return rows


def matching_rows(rows: Sequence[Row], where: str | None) -> list[Row]:
    """Rows that meet a condition on the columns; raises ``BadInput`` for one that is none."""
    if where is None:
        return list(rows)
    asked = condition(where, "--where")
    asked.check_names({name for row in rows for name in row})
    return [row for row in rows if asked.holds(row)]


def _against(found: Measurements, row: Characteristic, reference: Verdicts) -> Measured | None:
    """Difference of a share of go to that of the reference; None where there is none."""
    if row.name not in DECIDED or row.truth not in reference:
        return None
    number = found.cell.verdicts.index(row.analysis)
    beside = reference[row.truth]
    if number >= beside.shape[1]:
        return None
    return difference(found.verdicts[row.truth][:, number], beside[:, number])


def _row(found: Measurements, row: Characteristic, against: Measured | None) -> dict[str, Any]:
    cell, measured, twin = found.cell, row.measured, row.twin
    arms = cell.built.design.allocation
    refused = found.refused.get(row.truth)

    def known(number: float | None) -> float | None:
        return None if refused or number is None or not math.isfinite(number) else number

    return {
        "cell": cell.key,
        **cell.labels,
        "patients": cell.built.design.patients,
        "patients_per_arm": cell.built.design.patients / len(arms) if len(set(arms)) == 1 else None,
        "decision": cell.decision,
        "name": row.name,
        "endpoint": row.endpoint,
        "analysis": row.analysis,
        "month": row.month,
        "truth": row.truth,
        **({} if row.look is None else {"look": row.look}),
        "estimate": known(measured.estimate),
        "mcse": known(measured.mcse),
        "requested": measured.requested,
        "used": measured.used,
        "failed": measured.failed,
        "low": known(measured.low),
        "high": known(measured.high),
        "exact": twin.value if twin and twin.is_exact else None,
        "approximate": twin.value if twin and not twin.is_exact else None,
        "gap_in_se": known(row.gap),
        "difference": known(against.estimate if against else None),
        "difference_mcse": known(against.mcse if against else None),
        "refused": refused,
        "trials": found.trials,
        "seed": cell.scenario.seed,
        "study": cell.study,
    }


def _kept_closed_form(rows: Sequence[Row]) -> ClosedFormOf:
    """Closed forms as rows of before have them: they depend on no trial."""
    known: dict[tuple[int, str], ClosedForm] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        if row["name"] in DECIDED:
            number = numbers.setdefault(row["analysis"], len(numbers))
            for name, why in (("exact", ""), ("approximate", "kept")):
                if row[name] is not None:
                    known[number, row["truth"]] = ClosedForm(row[name], why)
    return lambda number, truth: known.get((number, truth))

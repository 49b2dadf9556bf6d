"""Rows of a folder of results: one per number, with its position on the axes."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from phase2sim.core.io.data_frames import Row
from phase2sim.core.io.row_conditions import condition
from phase2sim.core.measured import Measured
from phase2sim.operating.characteristics import Characteristic, ClosedFormLookup, closed_forms
from phase2sim.operating.closed_form import ClosedForm
from phase2sim.scenario.assembly.assemble import assemble
from phase2sim.studies.store.headers import read_header
from phase2sim.studies.store.manifest import Manifest, in_header
from phase2sim.studies.store.parquet_tables import decisions_bytes, parquet_of, table_in
from phase2sim.studies.store.results_folder import (
    CHARACTERISTICS,
    DamagedFile,
    Store,
    verdicts_path,
)
from phase2sim.studies.sweeps.cells import Cell, cell_of, kept_prior
from phase2sim.studies.sweeps.measure import (
    Measurements,
    Verdicts,
    difference_of_cells,
    measure,
    verdicts_of,
)

_CELLS_AT_ONCE = 4  # cells measured at a time
_THEORY = ("name", "analysis", "truth", "exact", "approximate")
GO_SHARES = {"power", "type_i_error", "assurance"}

type ClosedFormsOfCells = Callable[[str], ClosedFormLookup | None]
type OnMeasured = Callable[[Measurements, Mapping[str, Any]], None]


class Results:
    """Rows of every cell of a store; unchanged cells are read from its table.

    ``damaged`` lists derived files that cannot be used; what they held is measured again.
    """

    def __init__(self, store: Store, manifest: Manifest, cells: Iterable[Cell] = ()) -> None:
        self.store = store
        self.manifest = manifest
        self.refused: list[str] = []  # why some numbers must not be used
        self.damaged: list[Path] = []
        self._cells = {cell.key: cell for cell in cells}
        self._rows_by_cell: dict[str, list[dict[str, Any]]] = {}
        self._stamps: dict[str, object] = {}
        self.without_theory: set[str] = set()  # cells whose closed forms are lost
        self._last: tuple[str, Verdicts] = ("", {})
        self._numbers = {key: number for number, key in enumerate(manifest.cells)}
        self._headers = {
            key: self._read(verdicts_path(key), partial(_header_of, key)) for key in manifest.cells
        }
        if table := self._read(Path(CHARACTERISTICS), _rows_and_stamps):
            rows, self._stamps = table
            for row in rows:
                self._rows_by_cell.setdefault(row["cell"], []).append(row)

    def _read[T](self, name: Path, reader: Callable[[bytes], T]) -> T | None:
        """Read a derived file; None if there is none, or it is damaged, which is noted."""
        path = self.store.folder / name
        if not os.path.lexists(path):
            return None
        try:
            return reader(self.store.read_sealed(path))
        except (DamagedFile, ValueError):  # or whole, but another file
            self.damaged.append(path)
            return None

    def cell(self, key: str) -> Cell:
        """Return a cell of the manifest, built once."""
        if key not in self._cells:
            self._cells[key] = cell_of(key, self.manifest.cells[key])
        return self._cells[key]

    def trials(self, key: str) -> int:
        """Number of stored trials of a cell."""
        return self.store.trials(self.manifest.cells[key]["study"])

    def rows(
        self,
        closed_forms: ClosedFormsOfCells = lambda _key: None,
        on_measured: OnMeasured | None = None,
    ) -> list[dict[str, Any]]:
        """Measure the cells whose trials have changed; ``on_measured`` is called with each.

        A closed form that cannot be computed here is that of the stored rows. With
        ``on_measured``, a cell whose table of verdicts is lost counts as changed too.
        """
        stamps = {key: self._stamp(key) for key in self.manifest.cells}
        stale = [
            key
            for key, stamp in stamps.items()
            if self._stamps.get(key) != stamp
            or self._lost_verdicts(key, stamp, counts_missing=on_measured is not None)
        ]
        for key, rows in self._measure_cells(stale, closed_forms, on_measured):
            self._rows_by_cell[key] = rows
            self._stamps[key] = None if key in self.without_theory else stamps[key]
        all_rows = [row for key in self.manifest.cells for row in self._rows_by_cell[key]]
        self.refused = list(dict.fromkeys(row["refused"] for row in all_rows if row["refused"]))
        return all_rows

    def _lost_verdicts(self, key: str, stamp: object, *, counts_missing: bool) -> bool:
        """Whether the table of verdicts of a cell is damaged, of other trials, or missing."""
        header = self._headers[key]
        if header is not None:
            return bool(header["stamp"] != stamp)
        if self.store.folder / verdicts_path(key) in self.damaged:
            return True
        return counts_missing and self.trials(key) > 0

    def _measure_cells(
        self,
        keys: Sequence[str],
        closed_forms: ClosedFormsOfCells,
        on_measured: OnMeasured | None,
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Rows of some cells, a few at a time in threads; reading and adding needs no lock."""
        waiting = deque(keys)
        running: deque[tuple[str, Future[list[dict[str, Any]]]]] = deque()
        with ThreadPoolExecutor(_CELLS_AT_ONCE) as pool:
            while waiting or running:
                while waiting and len(running) < 2 * _CELLS_AT_ONCE:
                    key = waiting.popleft()
                    closed_form = closed_forms(key) or self._kept_closed_forms(key)
                    running.append((key, pool.submit(self._measure, key, closed_form, on_measured)))
                key, future = running.popleft()
                yield key, future.result()

    def about(self) -> dict[str, Any]:
        """Header of the table of rows: the state of the trials behind each cell, and the cells."""
        return {"stamps": self._stamps, **in_header(self.manifest)}

    def _about_cell(self, key: str, rows: Sequence[Row]) -> dict[str, Any]:
        """Header of the table of verdicts of a cell: what else is lost with the other files."""
        return {
            "cell": key,
            "number": self._numbers[key],
            "entry": self.manifest.cells[key],
            "stamp": self._stamp(key),
            "closed_forms": None if key in self.without_theory else _closed_forms_in(rows),
        }

    def _kept_closed_forms(self, key: str) -> ClosedFormLookup:
        """Closed forms beside the verdicts, else of the rows, else computed anew where they can be.

        Without damage none is computed for a cell with a fitted prior: only its sweep does that.
        """
        header, rows, cell = self._headers[key], self._rows_by_cell.get(key), self.cell(key)
        if header is not None and header["closed_forms"] is not None:
            return _stored_closed_forms(header["closed_forms"])
        are_lost = bool(self.damaged) if header is None else True
        if rows and self._stamps.get(key) is not None:
            return _stored_closed_forms(rows)
        if not cell.prior:
            return closed_forms(assemble(cell.built, None))
        prior = kept_prior(cell) if are_lost else None
        if prior is not None:
            return closed_forms(assemble(cell.built, prior))
        if are_lost:
            self.without_theory.add(key)
        return _stored_closed_forms([])

    def _stamp(self, key: str) -> list[object]:
        """State that the rows of a cell depend on."""
        entry = self.manifest.cells[key]
        reference = entry["compared_with"]
        reference_contents = (
            self.store.contents(self.manifest.cells[reference]["study"]) if reference else ""
        )
        return [
            self.store.contents(entry["study"]),
            entry["requested"],
            reference_contents,
            reference,
            entry.get("draws", 0),  # behind the errors of assurance
        ]

    def _measure(
        self, key: str, closed_form: ClosedFormLookup, on_measured: OnMeasured | None
    ) -> list[dict[str, Any]]:
        cell, entry = self.cell(key), self.manifest.cells[key]
        measurements = measure(self.store, cell, entry["requested"], closed_form)
        reference_key = entry["compared_with"]
        reference = None
        if reference_key:
            reference = self.cell(reference_key), self._verdicts(reference_key)
        rows = [
            _row(measurements, row, _paired_difference(measurements, row, reference))
            for row in measurements.rows
        ]
        if on_measured is not None:
            on_measured(measurements, self._about_cell(key, rows))
        return rows

    def _verdicts(self, key: str) -> Verdicts:
        """Verdicts of a cell; those of the last cell are cached."""
        if self._last[0] != key:
            self._last = (key, verdicts_of(self.store, self.cell(key)))
        return self._last[1]


def write_measurements(
    store: Store, results: Results, closed_forms: ClosedFormsOfCells = lambda _key: None
) -> list[dict[str, Any]]:
    """Measure changed cells, write the tables of numbers and of decisions, return all rows."""

    def write_decisions(measurements: Measurements, about: Mapping[str, Any]) -> None:
        if measurements.verdicts:
            cell = measurements.cell
            content = decisions_bytes(measurements.verdicts, cell.verdicts, about)
            store.write(store.folder / verdicts_path(cell.key), content)

    rows = results.rows(closed_forms, write_decisions)
    store.write(store.folder / CHARACTERISTICS, parquet_of(rows, results.about()))
    return rows


def matching_rows(rows: Sequence[Row], where: str | None) -> list[Row]:
    """Rows that meet a condition on the columns; raises ``BadInput`` for an invalid condition."""
    if where is None:
        return list(rows)
    row_condition = condition(where, "--where")
    row_condition.check_names({name for row in rows for name in row})
    return [row for row in rows if row_condition.holds(row)]


def _paired_difference(
    measurements: Measurements, row: Characteristic, reference: tuple[Cell, Verdicts] | None
) -> Measured | None:
    """Difference of a share of go to that of the reference; None where there is none."""
    if reference is None or row.name not in GO_SHARES or row.truth not in reference[1]:
        return None
    number = measurements.cell.verdicts.index(row.analysis)
    if number >= reference[1][row.truth].shape[1]:
        return None
    cell = measurements.cell, measurements.verdicts
    return difference_of_cells(row.truth, number, cell, reference)


def _row(
    measurements: Measurements, row: Characteristic, paired: Measured | None
) -> dict[str, Any]:
    cell, measured, closed_form = measurements.cell, row.measured, row.closed_form
    arms = cell.built.design.allocation
    refused = measurements.refused.get("prior" if row.truth == "fitted" else row.truth)

    def usable(number: float | None) -> float | None:
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
        "estimate": usable(measured.estimate),
        "mcse": usable(measured.mcse),
        "draws_mcse": usable(measured.draws_mcse),
        "requested": measured.requested,
        "used": measured.used,
        "failed": measured.failed,
        "low": usable(measured.low),
        "high": usable(measured.high),
        "exact": closed_form.value if closed_form and closed_form.is_exact else None,
        "approximate": closed_form.value if closed_form and not closed_form.is_exact else None,
        "gap_in_se": usable(row.gap),
        "difference": usable(paired.estimate if paired else None),
        "difference_mcse": usable(paired.mcse if paired else None),
        "refused": refused,
        "trials": measurements.trials,
        "seed": cell.scenario.seed,
        "study": cell.study,
    }


def _header_of(key: str, content: bytes) -> dict[str, Any]:
    """Header of a cell's table of verdicts; raises ``ValueError`` for another file."""
    header = read_header(content)
    if header.get("cell") != key:
        raise ValueError(f"not of cell {key}")
    return header


def _rows_and_stamps(content: bytes) -> tuple[list[dict[str, Any]], dict[str, object]]:
    """Rows of all cells, and what they depend on; raises ``ValueError`` for another file."""
    rows, about = table_in(content)
    if "stamps" not in about:
        raise ValueError("no table of rows")
    return rows, about["stamps"]


def _closed_forms_in(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What ``_stored_closed_forms`` needs of rows."""
    return [{name: row[name] for name in _THEORY} for row in rows if row["name"] in GO_SHARES]


def _stored_closed_forms(rows: Sequence[Row]) -> ClosedFormLookup:
    """Closed forms of the stored rows, which do not depend on the trials."""
    closed_forms: dict[tuple[int, str], ClosedForm] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        if row["name"] in GO_SHARES:
            number = numbers.setdefault(row["analysis"], len(numbers))
            for name, why in (("exact", ""), ("approximate", "kept")):
                if row[name] is not None:
                    closed_forms[number, row["truth"]] = ClosedForm(row[name], why)
    return lambda number, truth: closed_forms.get((number, truth))

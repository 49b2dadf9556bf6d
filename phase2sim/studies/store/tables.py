"""What was measured, as Parquet tables: one row a number, one column a name."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED
from phase2sim.core.errors import BadInput
from phase2sim.core.io.data_frames import Row

_ABOUT = b"phase2sim"
_WORDS = {UNDECIDED: "undecided", STOP: "stop", GO: "go", CONSIDER: "consider"}  # codes rise by 1
_KINDS = ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64()))


def parquet_of(rows: Sequence[Row], about: Mapping[str, Any] | None = None) -> bytes:
    """Return a Parquet file of rows, each with any of the columns, and of what is said of it."""
    said = {_ABOUT: json.dumps(about or {}).encode()}
    file = io.BytesIO()
    pq.write_table(_table(rows).replace_schema_metadata(said), file, compression="zstd")
    return file.getvalue()


def csv_of(rows: Sequence[Row]) -> bytes:
    """Return a CSV file of rows; what is missing is empty."""
    file = io.BytesIO()
    arrow_csv.write_csv(_table(rows), file)
    return file.getvalue()


def read_table(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return rows of a table and what is said of it; raises ``BadInput`` for another file."""
    try:
        table = pq.read_table(path, use_threads=False)
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{path}: is no table of results ({error}). Run the sweep again.") from None
    return table.to_pylist(), about


def decisions_bytes(verdicts: Mapping[str, NDArray[np.int8]], names: Sequence[str]) -> bytes:
    """Return a Parquet file of verdicts (trial, verdict) by truth: one row a truth, name, trial."""
    shape = [(truth, len(found)) for truth, found in verdicts.items()]
    truths = np.repeat(np.arange(len(shape)), [trials * len(names) for _, trials in shape])
    of = [np.repeat(np.arange(len(names)), trials) for _, trials in shape]
    trial = [np.tile(np.arange(trials), len(names)) for _, trials in shape]
    codes = np.concatenate([found.T.ravel() for found in verdicts.values()])
    table = pa.table(
        {
            "truth": _named(truths, [truth for truth, _ in shape]),
            "verdict_on": _named(np.concatenate(of), names),
            "trial": pa.array(np.concatenate(trial)),
            "verdict": _named(codes - UNDECIDED, list(_WORDS.values())),
        }
    )
    file = io.BytesIO()
    pq.write_table(
        table,
        file,
        compression="zstd",
        use_dictionary=["truth", "verdict_on", "verdict"],
        column_encoding={"trial": "DELTA_BINARY_PACKED"},
        write_statistics=["trial"],  # of names they say nothing, and cost as much as the column
    )
    return file.getvalue()


def _table(rows: Sequence[Row]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [_column([row.get(name) for row in rows]) for name in names]
    return pa.Table.from_arrays(columns, names=names)


def _named(codes: NDArray[np.integer[Any]], words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(list(words), pa.string())
    )


def _column(values: Sequence[object]) -> pa.Array:
    """Return a column of one kind: numbers if all are, else text."""
    kinds = {type(value) for value in values if value is not None}
    for kind, made in _KINDS:
        if kinds == {kind}:
            return pa.array(values, made)
    if kinds == {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())  # type: ignore[arg-type]  # numbers
    return pa.array([None if value is None else str(value) for value in values], pa.string())

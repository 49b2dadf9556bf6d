"""Measured numbers as Parquet tables: one row per number, one column per name."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED
from phase2sim.core.io.csv_files import spreadsheet_text
from phase2sim.core.io.data_frames import Row
from phase2sim.core.io.digests import UNSEALED, seal
from phase2sim.studies.store.headers import header_of, pack, with_header

_WORDS = {UNDECIDED: "undecided", STOP: "stop", GO: "go", CONSIDER: "consider"}  # codes rise by 1
_ARROW_TYPES = ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64()))


def parquet_of(rows: Sequence[Row], about: Mapping[str, Any] | None = None) -> bytes:
    """Return a Parquet file of rows, with ``about`` as its header and a digest of its bytes."""
    return _sealed(_table(rows), about or {})


def csv_of(rows: Sequence[Row]) -> bytes:
    """Return a CSV file of rows; missing values are empty, and no text is a formula."""
    file = io.BytesIO()
    plain = [
        {str(spreadsheet_text(name)): spreadsheet_text(value) for name, value in row.items()}
        for row in rows
    ]
    arrow_csv.write_csv(_table(plain), file)
    return file.getvalue()


def table_in(content: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of a table whose bytes were checked, and its header."""
    table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    return table.to_pylist(), header_of(table.schema)


def decisions_bytes(
    verdicts: Mapping[str, NDArray[np.int8]], names: Sequence[str], about: Mapping[str, Any]
) -> bytes:
    """Return a Parquet file of verdicts by truth, one row per truth, name and trial.

    With ``about`` as its header and a digest of its bytes.
    """
    shape = [(truth, len(verdict)) for truth, verdict in verdicts.items()]
    truths = np.repeat(np.arange(len(shape)), [trials * len(names) for _, trials in shape])
    numbers = [np.repeat(np.arange(len(names)), trials) for _, trials in shape]
    trial = [np.tile(np.arange(trials), len(names)) for _, trials in shape]
    codes = np.concatenate([verdict.T.ravel() for verdict in verdicts.values()])
    table = pa.table(
        {
            "truth": _dictionary_array(truths, [truth for truth, _ in shape]),
            "verdict_on": _dictionary_array(np.concatenate(numbers), names),
            "trial": pa.array(np.concatenate(trial)),
            "verdict": _dictionary_array(codes - UNDECIDED, list(_WORDS.values())),
        }
    )
    return _sealed(
        table,
        about,
        use_dictionary=["truth", "verdict_on", "verdict"],
        column_encoding={"trial": "DELTA_BINARY_PACKED"},
        write_statistics=["trial"],  # of names they say nothing, and cost as much as the column
    )


def _sealed(table: pa.Table, about: Mapping[str, Any], **encoding: Any) -> bytes:  # noqa: ANN401 - of pyarrow
    schema = with_header(table.schema, pack(about), digest=UNSEALED)
    file = io.BytesIO()
    whole = table.replace_schema_metadata(schema.metadata)
    pq.write_table(whole, file, compression="zstd", **encoding)
    return seal(file.getvalue())


def _table(rows: Sequence[Row]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [_column([row.get(name) for row in rows]) for name in names]
    return pa.Table.from_arrays(columns, names=names)


def _dictionary_array(codes: NDArray[np.integer[Any]], words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(list(words), pa.string())
    )


def _column(values: Sequence[object]) -> pa.Array:
    """Return a column of one type: numbers if all values are, else text."""
    kinds = {type(value) for value in values if value is not None}
    for kind, arrow_type in _ARROW_TYPES:
        if kinds == {kind}:
            return pa.array(values, arrow_type)
    if kinds == {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())  # type: ignore[arg-type]  # numbers
    return pa.array([None if value is None else str(value) for value in values], pa.string())

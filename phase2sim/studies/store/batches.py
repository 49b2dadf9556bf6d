"""A batch of simulated trials as a Parquet file, and back, bit for bit.

One row per truth, analysis and trial, in that order; the columns are the same for every study, so
that a folder of such files is one table to R, DuckDB, pandas and polars. Trials with interim looks
have one row per look before the trial, and columns of each look; those whose arms are dropped at
looks have columns of each arm too; trials monitored for harm have columns of that.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from phase2sim.core.contracts import FAILURES, FALLBACKS, Estimates, OwnTest
from phase2sim.studies.store.harm_columns import HARM_FIELDS, Column, harm_columns, harm_monitoring
from phase2sim.studies.store.headers import with_header
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.interim.look import ArmsSeen, Look

_NAMES = pa.dictionary(pa.int32(), pa.string())
_OWN_TEST = ("statistic", "p_two_sided", "lower", "upper")
SCHEMA = pa.schema(
    [
        ("truth", _NAMES),
        ("analysis", _NAMES),
        ("trial", pa.int64()),
        *((name, pa.float64()) for name in ("effect", "se", "df", "p")),
        *((name, pa.float64()) for name in _OWN_TEST),  # null for a t test: effect and se say it
        ("failure", _NAMES),  # why the analysis could not answer, null where it did
        ("fallback", _NAMES),  # the simpler model that answered, null where none did
        ("true_effect", pa.float64()),
        ("missing", pa.float64()),  # share of patients without the value analysed
    ]
)
_LOOK_COLUMNS = ("due", "enrolled", "months", "overrun_p")
LOOKS_SCHEMA = pa.schema(
    [
        *SCHEMA,
        ("look", pa.int8()),  # from 1; the final analysis is the highest
        ("due", pa.int64()),  # patients whose visit of the analysis had been due
        ("enrolled", pa.int64()),  # when the decision is made
        ("months", pa.float64()),  # from the trial's opening to the decision
        ("overrun_p", pa.float64()),  # once all who are enrolled were followed; null if not asked
    ]
)
_ARM_COLUMNS = ("arm_enrolled", "arm_due", "arm_months")
_CONTROL_COLUMNS = ("control_enrolled", "control_due")
ARMS_SCHEMA = pa.schema(
    [
        *LOOKS_SCHEMA,  # as if no arm had been dropped, and so are these
        ("arm_enrolled", pa.int64()),  # in the arm of the analysis, when the decision is made
        ("arm_due", pa.int64()),
        ("arm_months", pa.float64()),  # at the end: to the last readout of the arm and control
        ("control_enrolled", pa.int64()),
        ("control_due", pa.int64()),
    ]
)
_SCHEMAS = tuple(
    schema
    for base in (SCHEMA, LOOKS_SCHEMA, ARMS_SCHEMA)
    for schema in (base, pa.schema([*base, *map(pa.field, *zip(*HARM_FIELDS, strict=True))]))
)
# Columns of many different numbers; the others repeat a few and are kept as a dictionary.
_NUMBERS = ("effect", "se", "p", "statistic", "p_two_sided", "lower", "upper")


_ENCODINGS = dict.fromkeys(_NUMBERS, "BYTE_STREAM_SPLIT") | {"trial": "DELTA_BINARY_PACKED"}
_CODES = {"failure": FAILURES, "fallback": FALLBACKS}  # code -> its name, 0 for none


def encode_batch(
    by_truth: Mapping[str, BatchResults], names: Sequence[str], header: str = ""
) -> bytes:
    """Return the Parquet file of a batch: the same trials under every truth.

    ``header`` says which study the trials are of (``headers.pack``).
    """
    parts = [
        _columns(results, truth=code, number=number, look=look)
        for code, results in enumerate(by_truth.values())
        for number in range(len(names))
        for look in range(max(len(results.looks), 1))
    ]
    schema = next(candidate for candidate in _SCHEMAS if set(candidate.names) == parts[0].keys())
    words = {"truth": tuple(by_truth), "analysis": tuple(names), **_CODES}
    arrays = [_array([part[name] for part in parts], words.get(name)) for name in schema.names]
    file = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=with_header(schema, header)),
        file,
        compression="lz4",  # as small as zstd after these encodings, in half the time
        use_dictionary=[name for name in schema.names if name not in _ENCODINGS],
        column_encoding=_ENCODINGS,
        write_statistics=["trial"],  # the one that a query may skip a file by
    )
    content: bytes = file.getvalue().to_pybytes()
    return content


def decode_batch(content: bytes) -> dict[str, BatchResults]:
    """Return the trials of a batch under each truth; raises ``ValueError`` for another file."""
    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"it is not a Parquet file ({error})") from None
    if table.schema.names not in [schema.names for schema in _SCHEMAS]:
        raise ValueError(f"its columns are {', '.join(table.schema.names)}")
    arrays = dict(zip(table.schema.names, table.combine_chunks().columns, strict=True))
    truths, analyses = (arrays.pop(name).unique().to_pylist() for name in ("truth", "analysis"))
    looks = len(arrays["look"].unique()) if "look" in arrays else 1
    shape = (len(truths), len(analyses), looks, -1)
    columns = {}
    for name, array in arrays.items():
        values, missing = _column(array.chunk(0), _CODES.get(name))
        columns[name] = values.reshape(shape), missing.reshape(shape)
    return {truth: _batch_results(columns, number) for number, truth in enumerate(truths)}


def _columns(results: BatchResults, *, truth: int, number: int, look: int) -> dict[str, Column]:
    """Columns of one truth and analysis, by their numbers, at one look if any."""
    source = results.looks[look] if results.looks else results
    estimates = source.estimates[number]
    trials = results.missing.shape[1]
    present, absent = np.zeros(trials, np.bool_), np.ones(trials, np.bool_)
    zeros = np.zeros(trials)
    columns: dict[str, Column] = {
        "truth": (np.full(trials, truth), present),
        "analysis": (np.full(trials, number), present),
        "trial": (np.arange(results.first, results.last), present),
        "failure": (estimates.reason, estimates.reason == 0),
        "fallback": (zeros, absent),
        "true_effect": (results.true_effect[number], present),
        "missing": (source.missing[number], present),
    }
    if isinstance(source, Look):
        columns["look"] = (np.full(trials, look + 1, np.int8), present)
        columns |= {"due": (source.due[number], present), "enrolled": (source.enrolled, present)}
        columns["months"] = (source.months, present)
        columns["overrun_p"] = (source.overrun_p[number], np.isnan(source.overrun_p[number]))
        if source.arms is not None:
            arms, control = source.arms, (source.arms.control_enrolled, source.arms.control_due)
            arm_values = (arms.enrolled[number], arms.due[number], arms.months[number])
            values = zip((*_ARM_COLUMNS, *_CONTROL_COLUMNS), (*arm_values, *control), strict=True)
            columns |= {name: (values, present) for name, values in values}
    if results.watched is not None:
        columns |= harm_columns(results.watched, look)
    if estimates.fallback is not None:
        columns["fallback"] = (estimates.fallback, estimates.fallback == 0)
    for name in ("effect", "se", "df", "p"):
        columns[name] = (getattr(estimates, name), present)
    for name in _OWN_TEST:
        test = estimates.test
        columns[name] = (zeros, absent) if test is None else (getattr(test, name), present)
    return columns


def _array(parts: Sequence[Column], words: Sequence[str] | None) -> pa.Array:
    """Join the parts of a column; values are indices of ``words`` if it holds names."""
    values = np.concatenate([values for values, _ in parts])
    missing = np.concatenate([missing for _, missing in parts])
    mask = missing if missing.any() else None
    if words is None:
        return pa.array(values, mask=mask)
    codes = pa.array(values.astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string()))


def _column(array: pa.Array, words: Sequence[str] | None) -> Column:
    """Undo ``_array``; missing values are 0."""
    if array.null_count == len(array):
        return np.zeros(len(array)), np.ones(len(array), np.bool_)
    if array.null_count == 0 and words is None:
        return np.asarray(array), np.zeros(len(array), np.bool_)
    missing = np.asarray(array.is_null())
    if words is None:
        return np.asarray(array.fill_null(0)), missing
    positions = [words.index(word) for word in array.dictionary.to_pylist()]
    codes = np.asarray(array.indices.fill_null(0))
    return np.where(missing, 0, np.array(positions)[codes]), missing


def _batch_results(columns: Mapping[str, Column], truth: int) -> BatchResults:
    """Trials under one truth, from columns (truth, analysis, look, trial)."""
    _, analyses, looks, _ = columns["trial"][0].shape
    looks_read = []
    for look in range(looks):
        at_look = {
            n: (v[truth, :, look], is_missing[truth, :, look])
            for n, (v, is_missing) in columns.items()
        }
        estimates = tuple(_estimates(at_look, number) for number in range(analyses))
        looks_read.append((at_look, estimates))
    at_look, estimates = looks_read[-1]
    return BatchResults(
        first=int(at_look["trial"][0][0, 0]),
        estimates=estimates,
        true_effect=at_look["true_effect"][0],
        missing=at_look["missing"][0],
        looks=tuple(_look(*parts) for parts in looks_read) if "look" in columns else (),
        watched=harm_monitoring([at_look for at_look, _ in looks_read]),
    )


def _look(columns: Mapping[str, Column], estimates: tuple[Estimates, ...]) -> Look:
    due, enrolled, months, overrun_p = (columns[name][0] for name in _LOOK_COLUMNS)
    p = np.where(columns["overrun_p"][1], np.nan, overrun_p)
    arms = None
    if _ARM_COLUMNS[0] in columns:
        arm_values = (columns[name][0] for name in _ARM_COLUMNS)
        arms = ArmsSeen(*arm_values, *(columns[name][0][0] for name in _CONTROL_COLUMNS))
    return Look(estimates, columns["missing"][0], due, enrolled[0], months[0], p, arms)


def _estimates(columns: Mapping[str, Column], number: int) -> Estimates:
    array = {name: array[number] for name, (array, _) in columns.items()}
    is_absent = {name: columns[name][1][number].all() for name in ("lower", "fallback")}
    test = None if is_absent["lower"] else OwnTest(*(array[name] for name in _OWN_TEST))
    return Estimates(
        effect=array["effect"],
        se=array["se"],
        df=array["df"],
        p=array["p"],
        reason=array["failure"].astype(np.int8),
        test=test,
        fallback=None if is_absent["fallback"] else array["fallback"].astype(np.int8),
    )

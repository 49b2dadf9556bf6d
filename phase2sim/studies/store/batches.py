"""A batch of simulated trials as a Parquet file, and back, bit for bit.

One row a truth, analysis and trial, in that order; the columns are the same for every study, so
that a folder of such files is one table to R, DuckDB, pandas and polars. Trials with interim looks
have a row a look before the trial, and further columns that say what a look had; those whose
arms are dropped at looks also what it had of each arm; trials that are watched for harm have
columns of that.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from phase2sim.core.contracts import FAILURES, FALLBACKS, Estimates, OwnTest
from phase2sim.studies.store.harm_columns import HARM_FIELDS, Column, harm_columns, watched_of
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
_OF_LOOKS = ("due", "enrolled", "months", "overrun_p")
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
_OF_ARMS = ("arm_enrolled", "arm_due", "arm_months")
_OF_CONTROL = ("control_enrolled", "control_due")
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


def encoded(by_truth: Mapping[str, BatchResults], names: Sequence[str]) -> bytes:
    """Return the Parquet file of a batch: the same trials under every truth."""
    parts = [
        _columns(answers, number, (code, number), look)
        for code, answers in enumerate(by_truth.values())
        for number in range(len(names))
        for look in range(max(len(answers.looks), 1))
    ]
    schema = next(one for one in _SCHEMAS if set(one.names) == parts[0].keys())
    words = {"truth": tuple(by_truth), "analysis": tuple(names), **_CODES}
    arrays = [_array([part[name] for part in parts], words.get(name)) for name in schema.names]
    file = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=schema),
        file,
        compression="lz4",  # as small as zstd after these encodings, in half the time
        use_dictionary=[name for name in schema.names if name not in _ENCODINGS],
        column_encoding=_ENCODINGS,
        write_statistics=["trial"],  # the one that a query may skip a file by
    )
    content: bytes = file.getvalue().to_pybytes()
    return content


def decoded(content: bytes) -> dict[str, BatchResults]:
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
    return {truth: _answers(columns, number) for number, truth in enumerate(truths)}


def _columns(
    answers: BatchResults, number: int, codes: tuple[int, int], look: int
) -> dict[str, Column]:
    """Columns of one truth and analysis, which are numbered ``codes``, at one look if any."""
    at = answers.looks[look] if answers.looks else answers
    estimates = at.estimates[number]
    trials = answers.missing.shape[1]
    there, nowhere = np.zeros(trials, np.bool_), np.ones(trials, np.bool_)
    nothing = np.zeros(trials)
    found: dict[str, Column] = {
        "truth": (np.full(trials, codes[0]), there),
        "analysis": (np.full(trials, codes[1]), there),
        "trial": (np.arange(answers.first, answers.last), there),
        "failure": (estimates.reason, estimates.reason == 0),
        "fallback": (nothing, nowhere),
        "true_effect": (answers.true_effect[number], there),
        "missing": (at.missing[number], there),
    }
    if isinstance(at, Look):
        found["look"] = (np.full(trials, look + 1, np.int8), there)
        found |= {"due": (at.due[number], there), "enrolled": (at.enrolled, there)}
        found["months"] = (at.months, there)
        found["overrun_p"] = (at.overrun_p[number], np.isnan(at.overrun_p[number]))
        if at.arms is not None:
            arms, control = at.arms, (at.arms.control_enrolled, at.arms.control_due)
            own = (arms.enrolled[number], arms.due[number], arms.months[number])
            values = zip((*_OF_ARMS, *_OF_CONTROL), (*own, *control), strict=True)
            found |= {name: (each, there) for name, each in values}
    if answers.watched is not None:
        found |= harm_columns(answers.watched, look)
    if estimates.fallback is not None:
        found["fallback"] = (estimates.fallback, estimates.fallback == 0)
    for name in ("effect", "se", "df", "p"):
        found[name] = (getattr(estimates, name), there)
    for name in _OWN_TEST:
        test = estimates.test
        found[name] = (nothing, nowhere) if test is None else (getattr(test, name), there)
    return found


def _array(parts: Sequence[Column], words: Sequence[str] | None) -> pa.Array:
    """Join the parts of a column, whose values are places in ``words`` if it holds names."""
    values = np.concatenate([values for values, _ in parts])
    missing = np.concatenate([missing for _, missing in parts])
    mask = missing if missing.any() else None
    if words is None:
        return pa.array(values, mask=mask)
    codes = pa.array(values.astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string()))


def _column(array: pa.Array, words: Sequence[str] | None) -> Column:
    """Undo ``_array``; what is missing is 0."""
    if array.null_count == len(array):
        return np.zeros(len(array)), np.ones(len(array), np.bool_)
    if array.null_count == 0 and words is None:
        return np.asarray(array), np.zeros(len(array), np.bool_)
    missing = np.asarray(array.is_null())
    if words is None:
        return np.asarray(array.fill_null(0)), missing
    places = [words.index(word) for word in array.dictionary.to_pylist()]
    codes = np.asarray(array.indices.fill_null(0))
    return np.where(missing, 0, np.array(places)[codes]), missing


def _answers(columns: Mapping[str, Column], truth: int) -> BatchResults:
    """Trials under one truth, from columns (truth, analysis, look, trial)."""
    _, analyses, looks, _ = columns["trial"][0].shape
    found = []
    for look in range(looks):
        at = {n: (v[truth, :, look], gone[truth, :, look]) for n, (v, gone) in columns.items()}
        estimates = tuple(_estimates(at, number) for number in range(analyses))
        found.append((at, estimates))
    at, estimates = found[-1]
    return BatchResults(
        first=int(at["trial"][0][0, 0]),
        estimates=estimates,
        true_effect=at["true_effect"][0],
        missing=at["missing"][0],
        looks=tuple(_look(*one) for one in found) if "look" in columns else (),
        watched=watched_of([at for at, _ in found]),
    )


def _look(at: Mapping[str, Column], estimates: tuple[Estimates, ...]) -> Look:
    due, enrolled, months, overrun_p = (at[name][0] for name in _OF_LOOKS)
    p = np.where(at["overrun_p"][1], np.nan, overrun_p)
    arms = None
    if _OF_ARMS[0] in at:
        own = (at[name][0] for name in _OF_ARMS)
        arms = ArmsSeen(*own, *(at[name][0][0] for name in _OF_CONTROL))
    return Look(estimates, at["missing"][0], due, enrolled[0], months[0], p, arms)


def _estimates(at: Mapping[str, Column], number: int) -> Estimates:
    here = {name: values[number] for name, (values, _) in at.items()}
    nowhere = {name: at[name][1][number].all() for name in ("lower", "fallback")}
    test = None if nowhere["lower"] else OwnTest(*(here[name] for name in _OWN_TEST))
    return Estimates(
        effect=here["effect"],
        se=here["se"],
        df=here["df"],
        p=here["p"],
        reason=here["failure"].astype(np.int8),
        test=test,
        fallback=None if nowhere["fallback"] else here["fallback"].astype(np.int8),
    )

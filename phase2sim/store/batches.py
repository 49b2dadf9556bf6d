"""A batch of simulated trials as a Parquet file, and back, bit for bit.

One row a truth, analysis and trial, in that order; the columns are the same for every study, so
that a folder of such files is one table to R, DuckDB, pandas and polars.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from phase2sim.contracts import FAILURES, FALLBACKS, Bools, Estimates, Floats, OwnTest

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
# Columns of many different numbers; the others repeat a few and are kept as a dictionary.
_NUMBERS = ("effect", "se", "p", "statistic", "p_two_sided", "lower", "upper")


_ENCODINGS = dict.fromkeys(_NUMBERS, "BYTE_STREAM_SPLIT") | {"trial": "DELTA_BINARY_PACKED"}
_CODES = {"failure": FAILURES, "fallback": FALLBACKS}  # code -> its name, 0 for none

type Column = tuple[NDArray[Any], Bools]  # values, and True where there is none


@dataclass(frozen=True, slots=True)
class Answers:
    """What consecutive trials came to under one truth, from the first on."""

    first: int
    estimates: tuple[Estimates, ...]  # one an analysis
    true_effect: Floats  # (analysis, trial)
    missing: Floats  # (analysis, trial)

    @property
    def last(self) -> int:
        """One beyond the last trial."""
        return self.first + int(self.missing.shape[1])


def encoded(by_truth: Mapping[str, Answers], names: Sequence[str]) -> bytes:
    """Return the Parquet file of a batch: the same trials under every truth."""
    parts = [
        _columns(answers, number, (code, number))
        for code, answers in enumerate(by_truth.values())
        for number in range(len(names))
    ]
    words = {"truth": tuple(by_truth), "analysis": tuple(names), **_CODES}
    arrays = [_array([part[name] for part in parts], words.get(name)) for name in SCHEMA.names]
    file = io.BytesIO()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=SCHEMA),
        file,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in SCHEMA.names if name not in _ENCODINGS],
        column_encoding=_ENCODINGS,
    )
    return file.getvalue()


def decoded(content: bytes) -> dict[str, Answers]:
    """Return the trials of a batch under each truth; raises ``ValueError`` for another file."""
    try:
        table = pq.read_table(io.BytesIO(content), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"it is not a Parquet file ({error})") from None
    if table.schema.names != SCHEMA.names:
        raise ValueError(f"its columns are {', '.join(table.schema.names)}")
    truths, analyses = (table.column(name).unique().to_pylist() for name in ("truth", "analysis"))
    shape = (len(truths), len(analyses), -1)
    columns = {}
    for name in SCHEMA.names[2:]:
        values, missing = _column(table.column(name).combine_chunks(), _CODES.get(name))
        columns[name] = values.reshape(shape), missing.reshape(shape)
    return {truth: _answers(columns, number) for number, truth in enumerate(truths)}


def joined(parts: Sequence[Answers]) -> Answers:
    """Return consecutive stretches of trials as one."""
    if len(parts) == 1:
        return parts[0]
    return Answers(
        first=parts[0].first,
        estimates=tuple(map(_joined, zip(*(part.estimates for part in parts), strict=True))),
        true_effect=np.concatenate([part.true_effect for part in parts], axis=1),
        missing=np.concatenate([part.missing for part in parts], axis=1),
    )


def cut(answers: Answers, first: int, last: int) -> Answers:
    """Return the trials from ``first`` up to ``last``, which ``answers`` holds."""
    if (first, last) == (answers.first, answers.last):
        return answers
    part = slice(first - answers.first, last - answers.first)
    return Answers(
        first=first,
        estimates=tuple(_part(estimates, part) for estimates in answers.estimates),
        true_effect=answers.true_effect[:, part],
        missing=answers.missing[:, part],
    )


def _columns(answers: Answers, number: int, codes: tuple[int, int]) -> dict[str, Column]:
    """Columns of one truth and analysis, which are numbered ``codes``."""
    estimates = answers.estimates[number]
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
        "missing": (answers.missing[number], there),
    }
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
    missing = np.asarray(array.is_null())
    if words is None:
        return np.asarray(array.fill_null(0)), missing
    places = [words.index(word) for word in array.dictionary.to_pylist()]
    codes = np.asarray(array.indices.fill_null(0))
    return np.where(missing, 0, np.array([*places, 0])[codes]), missing


def _answers(columns: Mapping[str, Column], truth: int) -> Answers:
    """Trials under one truth, from columns (truth, analysis, trial)."""
    analyses = range(columns["trial"][0].shape[1])
    return Answers(
        first=int(columns["trial"][0][truth, 0, 0]),
        estimates=tuple(_estimates(columns, truth, number) for number in analyses),
        true_effect=columns["true_effect"][0][truth],
        missing=columns["missing"][0][truth],
    )


def _estimates(columns: Mapping[str, Column], truth: int, number: int) -> Estimates:
    here = {name: values[truth, number] for name, (values, _) in columns.items()}
    nowhere = {name: missing[truth, number].all() for name, (_, missing) in columns.items()}
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


def _joined(parts: tuple[Estimates, ...]) -> Estimates:
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("effect", "se", "df", "p", "reason")
    }
    tests = [part.test for part in parts if part.test is not None]
    test = None
    if tests:
        together = (np.concatenate([getattr(one, name) for one in tests]) for name in _OWN_TEST)
        test = OwnTest(*together)
    fallback = [np.zeros_like(p.reason) if p.fallback is None else p.fallback for p in parts]
    return Estimates(**arrays, test=test, fallback=np.concatenate(fallback))


def _part(estimates: Estimates, part: slice) -> Estimates:
    test, fallback = estimates.test, estimates.fallback
    return Estimates(
        effect=estimates.effect[part],
        se=estimates.se[part],
        df=estimates.df[part],
        p=estimates.p[part],
        reason=estimates.reason[part],
        test=None if test is None else OwnTest(*(getattr(test, n)[part] for n in _OWN_TEST)),
        fallback=None if fallback is None else fallback[part],
    )

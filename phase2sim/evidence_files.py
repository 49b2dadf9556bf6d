"""The keys of an evidence file: TOML to checked tables, or one plain message."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from phase2sim.errors import BadEvidence

MOST_PATIENTS = 1_000_000
LAST_MONTH = 1_200

type Pair = Annotated[tuple[float, float], Field(strict=False)]  # TOML has arrays, not tuples
type Text = Annotated[str, Field(min_length=1)]
type Month = Annotated[float, Field(ge=0, le=LAST_MONTH)]
type Months = Annotated[tuple[Month, Month], Field(strict=False)]
type Patients = Annotated[int, Field(ge=1, le=MOST_PATIENTS)]
type Spread = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class StudyTable(_Table):
    """One arm of one study: who was in it and when they could enrol."""

    name: Text
    design: Literal["single-arm", "control-arm"]
    patients: Patients | None = None
    months_since_diagnosis: Months
    arm: Text | None = None
    source: Text
    population: str = ""
    dose: str = ""
    note: str = ""


class NormalTable(_Table):
    """Mean and SD of an elicited normal distribution."""

    normal: Pair


class ElicitedTable(_Table):
    """What an elicited distribution is about: exactly one of the keys."""

    change: NormalTable | None = None
    correlation: NormalTable | None = None


class ReportedTable(_Table):
    """One reported number; which keys belong together is checked where it is turned into one."""

    study: Text | None = None
    arm: Text | None = None
    endpoint: Text
    month: Month | None = None
    months: Months | None = None
    clock: Literal["entry", "diagnosis"] = "entry"
    unit: Text | None = None
    n: Patients | None = None
    source: Text | None = None
    place: str = ""
    status: Literal["published", "quoted", "derived", "computed", "elicited"] | None = None
    note: str = ""
    unused: Text | None = None
    why: Text | None = None
    mean: float | None = None
    median: float | None = None
    geometric_mean: float | None = None
    sd: Spread | None = None
    se: Spread | None = None
    ci95: Pair | None = None
    count: Annotated[int, Field(ge=0, le=MOST_PATIENTS)] | None = None
    of: Patients | None = None
    below: float | None = None
    above: float | None = None
    below_baseline: Literal[True] | None = None
    slope: float | None = None
    change: float | None = None
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    with_endpoint: Text | None = None
    percent_change: Annotated[float, Field(ge=-100, le=10_000)] | None = None
    quartiles: Pair | None = None
    range: Pair | None = None
    events: Annotated[int, Field(ge=0, le=MOST_PATIENTS)] | None = None
    rate: Annotated[float, Field(ge=0, le=MOST_PATIENTS)] | None = None
    statement: Text | None = None
    elicited: ElicitedTable | None = None


class EffectTable(_Table):
    """What a single-arm file assumes about one effect; the shape's own options are extra keys."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    month: Annotated[float, Field(gt=0, le=LAST_MONTH)]
    shape: Text
    sceptical_sd: Spread
    bias_sd: Spread
    why: Text


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file whose keys and types are right; what it says may still contradict itself."""

    path: Path
    studies: tuple[StudyTable, ...]
    reported: tuple[ReportedTable, ...]
    effects: Mapping[str, EffectTable]
    many: bool  # studies are listed, so entries must name theirs

    def study_place(self, number: int) -> str:
        """Key path of a study (from 1), for messages."""
        return f"study[{number}]" if self.many else "study"


def read_file(path: Path) -> EvidenceFile:
    """Read one evidence file.

    Raises ``BadEvidence`` with the file, the key, its value and what is allowed.
    """
    tables = _parse(path)
    _check_top(path, tables)
    study = tables["study"]
    many = isinstance(study, list)
    studies = [
        _checked(path, f"study[{number}]" if many else "study", table, StudyTable)
        for number, table in enumerate(study if many else [study], start=1)
    ]
    reported = [
        _checked(path, f"reported[{number}]", table, ReportedTable)
        for number, table in enumerate(tables["reported"], start=1)
    ]
    effects = {
        name: _checked(path, f"effect.{name}", table, EffectTable)
        for name, table in tables.get("effect", {}).items()
    }
    return EvidenceFile(path, tuple(studies), tuple(reported), effects, many)


def refuse(path: Path, message: str) -> BadEvidence:
    """Make the error for a file: ``message`` names the key, its value and the remedy."""
    return BadEvidence(f"{path}: {message}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or list them all."""
    listed = sorted(known)
    close = get_close_matches(word, listed, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(listed)}."


def _parse(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise refuse(path, "is a folder, not a file. Name the .toml file inside it.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(
            path, f"byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from None
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise refuse(path, f"cannot be read: {reason}. Check the name and its rights.") from None
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error).rstrip(".")
        raise refuse(path, f"is not TOML: {reason}. Correct that place.") from None
    except ValueError as error:  # a number of thousands of digits
        raise refuse(path, f"holds a number that cannot be read: {error}.") from None


def _check_top(path: Path, tables: dict[str, Any]) -> None:
    if not tables:
        raise refuse(path, "is empty. Write a [study] table and at least one [[reported]].")
    known = ("study", "reported", "effect")
    for key in tables:
        if key not in known:
            raise refuse(path, f"{key} is not a key of an evidence file. {nearest(key, known)}")
    study = tables.get("study")
    if not study or not isinstance(study, dict | list):
        raise refuse(path, "study is missing; write one [study] table or several [[study]] tables.")
    reported = tables.get("reported")
    if not reported or not isinstance(reported, list):
        raise refuse(path, "reported is missing; write one [[reported]] table for each number.")
    if not isinstance(tables.get("effect", {}), dict):
        raise refuse(path, "effect must be tables such as [effect.hba1c]. Write one an endpoint.")


def _checked[T: _Table](path: Path, place: str, table: object, kind: type[T]) -> T:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        message = _message(place, problems[0], kind)
        more = len(problems) - 1
        also = f" ({more} more after this one in the same table.)" if more else ""
        raise refuse(path, message + also) from None


def _message(place: str, problem: ErrorDetails, kind: type[_Table]) -> str:
    # A position inside an array is shown from 1, as entries are.
    where = place + "".join(
        f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
    )
    if problem["type"] == "extra_forbidden":
        key = str(problem["loc"][-1])
        return f"{where} is not a known key. {nearest(key, _keys(kind, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"{where} is missing. Add it; docs/guide/evidence.md lists every key."
    shown = repr(problem["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."  # noqa: PLR2004
    return f"{where} is {shown}; {_rule(problem)}. Correct this value."


def _keys(kind: type[_Table], inside: tuple[int | str, ...]) -> Iterable[str]:
    """Keys of the table that a location points into."""
    if not inside:
        return kind.model_fields
    return ElicitedTable.model_fields if len(inside) == 1 else NormalTable.model_fields


def _rule(problem: ErrorDetails) -> str:
    limits: dict[str, Any] = problem.get("ctx", {})
    rules = {
        "float_type": "it must be a number",
        "int_type": "it must be a whole number",
        "string_type": 'it must be text in "quotes"',
        "finite_number": "it must be a finite number",
        "string_too_short": "it must not be empty",
        "tuple_type": "it must be two numbers in [brackets]",
        "missing": "it must be two numbers in [brackets]",
        "too_long": "it must be two numbers in [brackets]",
        "model_type": "it must be a table of keys",
        "greater_than": f"it must be above {limits.get('gt')}",
        "greater_than_equal": f"it cannot be below {limits.get('ge')}",
        "less_than": f"it must be below {limits.get('lt')}",
        "less_than_equal": f"it cannot be above {limits.get('le')}",
        "literal_error": f"it must be {limits.get('expected')}",
    }
    return rules.get(problem["type"], problem["msg"][:1].lower() + problem["msg"][1:])

"""The keys of an evidence file: TOML to checked tables, or one plain message."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from phase2sim.errors import BadEvidence
from phase2sim.toml_files import Table, checked, nearest, read_toml

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
    residual_sd: Spread | None = None
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


_STUDY = TypeAdapter(StudyTable)
_REPORTED = TypeAdapter(ReportedTable)
_EFFECT = TypeAdapter(EffectTable)


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
    tables = read_toml(path, BadEvidence)
    _check_top(path, tables)
    study = tables["study"]
    many = isinstance(study, list)
    studies = [
        checked(_STUDY, table, f"study[{number}]" if many else "study", path, BadEvidence)
        for number, table in enumerate(study if many else [study], start=1)
    ]
    reported = [
        checked(_REPORTED, table, f"reported[{number}]", path, BadEvidence)
        for number, table in enumerate(tables["reported"], start=1)
    ]
    effects = {
        name: checked(_EFFECT, table, f"effect.{name}", path, BadEvidence)
        for name, table in tables.get("effect", {}).items()
    }
    return EvidenceFile(path, tuple(studies), tuple(reported), effects, many)


def refuse(path: Path, message: str) -> BadEvidence:
    """Make the error for a file: ``message`` names the key, its value and the remedy."""
    return BadEvidence(f"{path}: {message}")


def _check_top(path: Path, tables: Table) -> None:
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

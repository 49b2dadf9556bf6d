"""The keys of an evidence file: TOML to checked tables, or one plain message."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from phase2sim.errors import BadEvidence
from phase2sim.toml_files import Table, checked, nearest, read_toml

MOST_PATIENTS = 1_000_000
OLDEST = 110
LAST_MONTH = 1_200

type Pair = Annotated[tuple[float, float], Field(strict=False)]  # TOML has arrays, not tuples
type Text = Annotated[str, Field(min_length=1)]
type Month = Annotated[float, Field(ge=0, le=LAST_MONTH)]
type Months = Annotated[tuple[Month, Month], Field(strict=False)]
type Patients = Annotated[int, Field(ge=1, le=MOST_PATIENTS)]
type Spread = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class NormalTable(_Table):
    """Mean and SD of an elicited normal distribution."""

    normal: Pair


class StudyTable(_Table):
    """One arm of one study: who was in it and when they could enrol."""

    name: Text
    design: Literal["single-arm", "control-arm", "randomised"]
    treated: bool | None = None
    patients: Patients | None = None
    months_since_diagnosis: Months
    arm: Text | None = None
    age_years: Annotated[float, Field(gt=0, le=OLDEST)] | None = None
    weight_kg: NormalTable | None = None
    weight_why: Text | None = None
    source: Text
    population: str = ""
    dose: str = ""
    note: str = ""


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
    difference: float | None = None
    versus: Text | None = None
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    residual_sd: Spread | None = None
    with_endpoint: Text | None = None
    percent_change: Annotated[float, Field(gt=-100, le=10_000)] | None = None
    quartiles: Pair | None = None
    quantile_method: Literal["hazen", "weibull", "linear"] | None = None
    range: Pair | None = None
    events: Annotated[int, Field(ge=0, le=MOST_PATIENTS)] | None = None
    rate: Annotated[float, Field(ge=0, le=MOST_PATIENTS)] | None = None
    statement: Text | None = None
    elicited: ElicitedTable | None = None


class IndividualTable(_Table):
    """Own data of one arm: a CSV file beside the evidence file."""

    file: Text
    study: Text | None = None
    arm: Text | None = None
    source: Text | None = None
    units: Annotated[dict[str, Text], Field(min_length=1)]


class CourseTable(_Table):
    """How an effect grows, and how large it may be; the shape's own options are extra keys."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    month: Annotated[float, Field(gt=0, le=LAST_MONTH)]
    shape: Text
    sceptical_sd: Spread
    why: Text


class EffectTable(CourseTable):
    """What is assumed about the effect of one treatment."""

    bias_sd: Spread
    prior: NormalTable | None = None
    shared: Annotated[float, Field(ge=0, lt=1)] = 0.0


class ClassEffectTable(CourseTable):
    """What is assumed about the effects of a class of treatments."""

    between_trials_sd: Spread


_STUDY = TypeAdapter(StudyTable)
_REPORTED = TypeAdapter(ReportedTable)
_INDIVIDUAL = TypeAdapter(IndividualTable)
_EFFECT = TypeAdapter(EffectTable)
_CLASS_EFFECT = TypeAdapter(ClassEffectTable)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file whose keys and types are right; what it says may still contradict itself."""

    path: Path
    studies: tuple[StudyTable, ...]
    reported: tuple[ReportedTable, ...]
    individuals: tuple[IndividualTable, ...]
    effects: Mapping[str, EffectTable]
    classes: Mapping[str, ClassEffectTable]
    many: bool  # studies are listed, so entries must name theirs

    @property
    def is_effects_only(self) -> bool:
        """Whether the file states effects and reports nothing."""
        return not self.studies

    def study_place(self, number: int) -> str:
        """Key path of a study (from 1), for messages."""
        return f"study[{number}]" if self.many else "study"


def read_file(path: Path) -> EvidenceFile:
    """Read one evidence file.

    Raises ``BadEvidence`` with the file, the key, its value and what is allowed.
    """
    tables = read_toml(path, BadEvidence)
    _check_top(path, tables)
    study = tables.get("study", [])
    many = isinstance(study, list)

    def listed[T](adapter: TypeAdapter[T], key: str, given: list[Table]) -> tuple[T, ...]:
        places = [f"{key}[{number}]" for number in range(1, len(given) + 1)]
        both = zip(given, places, strict=True)
        return tuple(checked(adapter, table, place, path, BadEvidence) for table, place in both)

    def named[T](adapter: TypeAdapter[T], key: str) -> dict[str, T]:
        given = tables.get(key, {}).items()
        return {
            name: checked(adapter, table, f"{key}.{name}", path, BadEvidence)
            for name, table in given
        }

    return EvidenceFile(
        path=path,
        studies=listed(_STUDY, "study", study)
        if many
        else (checked(_STUDY, study, "study", path, BadEvidence),),
        reported=listed(_REPORTED, "reported", tables.get("reported", [])),
        individuals=listed(_INDIVIDUAL, "individual", tables.get("individual", [])),
        effects=named(_EFFECT, "effect"),
        classes=named(_CLASS_EFFECT, "class_effect"),
        many=many,
    )


def refuse(path: Path, message: str) -> BadEvidence:
    """Make the error for a file: ``message`` names the key, its value and the remedy."""
    return BadEvidence(f"{path}: {message}")


def _check_top(path: Path, tables: Table) -> None:
    if not tables:
        raise refuse(path, "is empty. Write a [study] table and at least one [[reported]].")
    known = ("study", "reported", "individual", "effect", "class_effect")
    for key in tables:
        if key not in known:
            raise refuse(path, f"{key} is not a key of an evidence file. {nearest(key, known)}")
    for key in ("effect", "class_effect"):
        if not isinstance(tables.get(key, {}), dict):
            raise refuse(
                path, f"{key} must be tables such as [{key}.hba1c]. Write one an endpoint."
            )
    if set(tables) == {"effect"} and tables["effect"]:
        return
    _check_studied(path, tables)


def _check_studied(path: Path, tables: Table) -> None:
    study = tables.get("study")
    if not study or not isinstance(study, dict | list):
        raise refuse(path, "study is missing; write one [study] table or several [[study]] tables.")
    for key in ("reported", "individual"):
        if not isinstance(tables.get(key, []), list):
            raise refuse(path, f"{key} must be a list; write [[{key}]] above each table.")
    if not tables.get("reported") and not tables.get("individual"):
        raise refuse(path, "reported is missing; write one [[reported]] table for each number.")

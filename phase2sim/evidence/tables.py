"""Keys of an evidence file: TOML to checked tables, or one plain error message."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from phase2sim.core.endpoint_definitions import (
    DEFINITIONS,
    FILE_OF_ENDPOINTS,
    define,
    own_definitions,
)
from phase2sim.core.errors import BadEvidence
from phase2sim.core.io.entry_tables import ReportedEntry
from phase2sim.core.io.toml_files import read_toml
from phase2sim.core.io.validation import (
    Month,
    Table,
    join_key,
    nearest,
    validate,
)
from phase2sim.evidence.care_tables import CareShare, CareTable
from phase2sim.evidence.effect_tables import ClassEffectTable, EffectTable
from phase2sim.evidence.table_types import (
    MOST_PATIENTS,
    KnownKeys,
    MeanAge,
    Months,
    NormalTable,
    Pair,
    Patients,
    Spread,
    Text,
)


class StudyTable(KnownKeys):
    """One arm of one study: who was in it and when they could enrol."""

    name: Text = Field(description="Of the study; the same study cannot be in two files.")
    design: Literal["single-arm", "control-arm", "randomised"] = Field(
        description="All treated, untreated (whatever trial the arm is from), or an arm of a "
        "randomised study.",
    )
    treated: bool | None = Field(
        default=None,
        description="Of each arm of a randomised study: whether it was given the therapy or one "
        "of its class.",
    )
    patients: Patients | None = Field(
        default=None,
        description="How many; may be left out where the source does not say, but not of a "
        "single arm.",
    )
    months_since_diagnosis: ReportedEntry | None = Field(
        default=None,
        description="When patients entered: earliest and latest month, even between them; or a "
        "table { mean, sd, within } of what the source prints; or { within, learned = true }. "
        "Required unless clock is 'entry'.",
    )
    clock: Literal["diagnosis", "entry"] | None = Field(
        default=None,
        description="'entry' if the untreated course does not depend on the time since diagnosis: "
        "months then count from entry, for all patients alike.",
    )
    arm: Text | None = Field(
        default=None, description="Name of the arm; treated or control if left out."
    )
    age_years: MeanAge | None = Field(
        default=None, description="Mean age, or your distribution of it; N(12, 3) if left out."
    )
    age_why: Text | None = Field(
        default=None, description="Why you believe a distribution of the mean age; required there."
    )
    weight_kg: NormalTable | None = Field(
        default=None,
        description="Your distribution of a typical patient's weight, to read doses in IU/day; "
        "elicited.",
    )
    weight_why: Text | None = Field(
        default=None, description="Why you believe it; required beside weight_kg."
    )
    care: dict[str, CareShare] = Field(
        default_factory=dict,
        description="By covariate of care, such as sensor_share: its value from 0 to 1, or your "
        "distribution of it.",
    )
    care_why: Text | None = Field(
        default=None, description="Why you believe it; required beside a distribution."
    )
    source: Text = Field(description="Where it was read.")
    population: str = Field(default="", description="Who they were, in words.")
    dose: str = Field(default="", description="What they were given, in words.")
    note: str = Field(default="", description="Text; say here what is your assumption.")


class ElicitedTable(KnownKeys):
    """What an elicited distribution is about: exactly one of the keys."""

    change: NormalTable | None = Field(
        default=None, description="Of the arm's mean change, model scale."
    )
    correlation: NormalTable | None = Field(
        default=None, description="Of the correlation between two endpoints at one visit."
    )


class ReportedTable(KnownKeys):
    """One reported number; which keys belong together is checked where it is turned into one."""

    study: Text | None = Field(
        default=None, description="Whose number it is; needed where the file has several studies."
    )
    arm: Text | None = Field(
        default=None, description="Of which arm; needed where the study has several."
    )
    endpoint: Text = Field(description="What was measured, or counted.")
    month: Month | None = Field(default=None, description="One visit; 0 is baseline.")
    months: Months | None = Field(default=None, description="First and last of a span.")
    clock: Literal["entry", "diagnosis"] = Field(
        default="entry",
        description="Whether months count since randomisation or infusion, or since diagnosis.",
    )
    unit: Text | None = Field(
        default=None, description="In which the number is typed; one of the endpoint's."
    )
    n: Patients | None = Field(
        default=None,
        description="Patients behind the number; the study's if left out, of for a count.",
    )
    source: Text | None = Field(
        default=None, description="Where it was read; the study's if left out."
    )
    place: str = Field(default="", description="The place in the source.")
    status: Literal["published", "quoted", "derived", "computed", "elicited"] | None = Field(
        default=None, description="How it was come by; published if left out, elicited by itself."
    )
    note: str = Field(default="", description="Text, shown in the ledger.")
    unused: Text | None = Field(
        default=None,
        description="Your reason to set the number aside: it is listed and not fitted.",
    )
    why: Text | None = Field(
        default=None, description="Why you believe an elicited number; required there."
    )
    mean: float | None = Field(default=None, description="With sd, se or ci95, or none of them.")
    median: float | None = Field(default=None, description="Of the patients' values.")
    geometric_mean: float | None = Field(
        default=None,
        description="Of C-peptide exp(mean of ln(x + 1)) - 1, of glucose exp(mean of ln x); "
        "with ci95.",
    )
    sd: Spread | None = Field(
        default=None, description="Between patients; of a mean or change, or alone."
    )
    se: Spread | None = Field(default=None, description="Standard error of the number.")
    ci95: Pair | None = Field(default=None, description="Limits of the 95 % confidence interval.")
    reading_sd: Spread | None = Field(
        default=None, description="SD of the error of reading the number off a figure, in unit."
    )
    count: Annotated[int, Field(ge=0, le=MOST_PATIENTS)] | None = Field(
        default=None,
        description="Patients with an event, or beyond below, above or below_baseline.",
    )
    of: Patients | None = Field(
        default=None, description="How many patients were looked at for count."
    )
    below: float | None = Field(
        default=None, description="Counted were patients below this, in unit."
    )
    above: float | None = Field(
        default=None, description="Counted were patients above this, in unit."
    )
    below_baseline: Literal[True] | None = Field(
        default=None, description="Counted were patients below their own baseline."
    )
    slope: float | None = Field(
        default=None, description="Per month, in the endpoint's unit; with months, and se or ci95."
    )
    change: float | None = Field(
        default=None,
        description="Mean change over months, or from entry to month; with sd, se or ci95.",
    )
    difference: float | None = Field(
        default=None, description="Mean of arm minus mean of versus; with se or ci95."
    )
    ratio: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="Geometric mean of arm over that of versus; with ci95."
    )
    versus: Text | None = Field(default=None, description="The arm that it is compared with.")
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = Field(
        default=None,
        description="Of one endpoint at two months, or with with_endpoint at one; model scale.",
    )
    residual_sd: Spread | None = Field(
        default=None, description="SD at the second of months given the first, model scale."
    )
    with_endpoint: Text | None = Field(
        default=None, description="The other endpoint of a correlation."
    )
    percent_change: Annotated[float, Field(gt=-100, le=10_000)] | None = Field(
        default=None,
        description="Of the mean, in percent, not as a fraction; with se or ci95 in percent "
        "points.",
    )
    quartiles: Pair | None = Field(default=None, description="First and third.")
    quantile_method: Literal["hazen", "weibull", "linear"] | None = Field(
        default=None,
        description="How the source's program finds a quartile between two patients; hazen if "
        "left out.",
    )
    range: Pair | None = Field(default=None, description="Smallest and largest of n patients.")
    events: Annotated[int, Field(ge=0, le=MOST_PATIENTS)] | None = Field(
        default=None, description="How many in months."
    )
    rate: Annotated[float, Field(ge=0, le=MOST_PATIENTS)] | None = Field(
        default=None, description="Events per unit of time; with unit, and se or ci95."
    )
    statement: Text | None = Field(
        default=None, description="What was said in words; listed, and fitted only with elicited."
    )
    elicited: ElicitedTable | None = Field(
        default=None, description="Your distribution for what was said in words; needs why."
    )


class IndividualTable(KnownKeys):
    """Own data of one arm: a CSV file beside the evidence file."""

    file: Text = Field(description="A CSV file, its path counted from the evidence file.")
    study: Text | None = Field(
        default=None, description="Whose data they are; needed where the file has several studies."
    )
    arm: Text | None = Field(
        default=None, description="Of which arm; needed where the study has several."
    )
    source: Text | None = Field(
        default=None, description="Where they are from; the study's if left out."
    )
    units: Annotated[dict[str, Text], Field(min_length=1)] = Field(
        description="By endpoint: the unit of its values."
    )


_STUDY = TypeAdapter(StudyTable)
_REPORTED = TypeAdapter(ReportedTable)
_INDIVIDUAL = TypeAdapter(IndividualTable)
_EFFECT = TypeAdapter(EffectTable)
_CLASS_EFFECT = TypeAdapter(ClassEffectTable)
_CARE = TypeAdapter(CareTable)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """An evidence file with valid keys and types; contents are not checked for conflicts."""

    path: Path
    studies: tuple[StudyTable, ...]
    reported: tuple[ReportedTable, ...]
    individuals: tuple[IndividualTable, ...]
    effects: Mapping[str, EffectTable]
    classes: Mapping[str, ClassEffectTable]
    care: Mapping[str, CareTable]
    lists_studies: bool  # [[study]] tables, so that entries must name their study

    @property
    def is_effects_only(self) -> bool:
        """True if the file states effects and reports no numbers."""
        return not self.studies

    def study_key_path(self, number: int) -> str:
        """Key path of a study (counted from 1), for messages."""
        return f"study[{number}]" if self.lists_studies else "study"


def read_file(path: Path) -> EvidenceFile:
    """Read one evidence file.

    Raises ``BadEvidence`` that names the file, the key, its value and the allowed values.
    """
    tables = read_toml(path, BadEvidence)
    define(own_definitions(tables, path, BadEvidence), path, BadEvidence)
    _check_top(path, tables)
    study = tables.get("study", [])
    lists_studies = isinstance(study, list)

    def validate_list[T](
        adapter: TypeAdapter[T], key: str, raw_tables: list[Table]
    ) -> tuple[T, ...]:
        key_paths = [f"{key}[{number}]" for number in range(1, len(raw_tables) + 1)]
        pairs = zip(raw_tables, key_paths, strict=True)
        return tuple(
            validate(adapter, table, key_path, path, BadEvidence) for table, key_path in pairs
        )

    def validate_by_name[T](adapter: TypeAdapter[T], key: str) -> dict[str, T]:
        raw_tables = tables.get(key, {}).items()
        return {
            name: validate(adapter, table, f"{key}.{name}", path, BadEvidence)
            for name, table in raw_tables
        }

    return EvidenceFile(
        path=path,
        studies=validate_list(_STUDY, "study", study)
        if lists_studies
        else (validate(_STUDY, study, "study", path, BadEvidence),),
        reported=validate_list(_REPORTED, "reported", tables.get("reported", [])),
        individuals=validate_list(_INDIVIDUAL, "individual", tables.get("individual", [])),
        effects=validate_by_name(_EFFECT, "effect"),
        classes=validate_by_name(_CLASS_EFFECT, "class_effect"),
        care=validate_by_name(_CARE, "care"),
        lists_studies=lists_studies,
    )


def refuse(path: Path, message: str) -> BadEvidence:
    """Build the error for a file; ``message`` names the key, its value and the remedy."""
    return BadEvidence(f"{path}: {message}")


def _check_top(path: Path, tables: Table) -> None:
    if not tables:
        raise refuse(path, "is empty. Write a [study] table and at least one [[reported]].")
    top_keys = ("study", "reported", "individual", "effect", "class_effect", "care")
    known = (*top_keys, *DEFINITIONS, FILE_OF_ENDPOINTS)
    for key in tables:
        if key not in known:
            shown = join_key("", key)
            raise refuse(path, f"{shown} is not a key of an evidence file. {nearest(key, known)}")
    for key, name, each in (
        ("effect", "hba1c", "an endpoint"),
        ("class_effect", "hba1c", "an endpoint"),
        ("care", "sensor_share", "a covariate"),
        ("endpoint", "fev1", "an endpoint"),
        ("response", "fev1_recovered", "a response"),
    ):
        if not isinstance(tables.get(key, {}), dict):
            raise refuse(path, f"{key} must be tables such as [{key}.{name}]. Write one {each}.")
    if set(tables) - {*DEFINITIONS, FILE_OF_ENDPOINTS} == {"effect"} and tables["effect"]:
        return
    _check_studies(path, tables)


def _check_studies(path: Path, tables: Table) -> None:
    study = tables.get("study")
    if not study or not isinstance(study, dict | list):
        raise refuse(path, "study is missing; write one [study] table or several [[study]] tables.")
    for key in ("reported", "individual"):
        if not isinstance(tables.get(key, []), list):
            raise refuse(path, f"{key} must be a list; write [[{key}]] above each table.")
    if not tables.get("reported") and not tables.get("individual"):
        raise refuse(path, "reported is missing; write one [[reported]] table for each number.")

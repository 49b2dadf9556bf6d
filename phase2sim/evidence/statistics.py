"""Kinds of numbers that an evidence file can report, and the keys of each kind."""

from dataclasses import dataclass

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.errors import BadEvidence
from phase2sim.core.io.validation import nearest
from phase2sim.evidence.reported import StudyArm
from phase2sim.evidence.tables import EvidenceFile, ReportedTable, refuse


@dataclass(frozen=True, slots=True)
class Statistic:
    """A kind of reported number, named after its key in the file."""

    says: str
    timing: str  # "visit" (month) | "span" (months) | "either"
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    unread_reason: str = ""  # reason why no likelihood reads it


STATISTICS: dict[str, Statistic] = {
    "mean": Statistic("arithmetic mean", "either", ("unit",), ("sd", "se", "ci95")),
    "median": Statistic("median", "visit", ("unit",)),
    "geometric_mean": Statistic("mean of logarithms, back", "visit", ("unit",), ("ci95",)),
    "sd": Statistic("SD between patients", "visit", ("unit",)),
    "count": Statistic("k of n patients", "either", ("of",), ("below", "above", "below_baseline")),
    "slope": Statistic("mean slope per month", "span", ("unit",), ("se", "ci95")),
    "change": Statistic("mean change", "span", ("unit",), ("sd", "se", "ci95")),
    "difference": Statistic("mean of arm - versus", "visit", ("unit", "versus"), ("se", "ci95")),
    "ratio": Statistic("geometric mean of arm / versus", "visit", ("versus", "ci95"), ("unit",)),
    "correlation": Statistic("correlation between patients", "either", may=("with_endpoint",)),
    "residual_sd": Statistic("SD at the second visit given the first, all arms", "span", ("unit",)),
    "percent_change": Statistic("change in percent", "span", may=("se", "ci95")),
    "quartiles": Statistic("first and third quartile", "visit", ("unit",), ("quantile_method",)),
    "range": Statistic("smallest and largest", "visit", ("unit",)),
    "events": Statistic("number of events", "span"),
    "rate": Statistic("events per patient and time", "span", ("unit",), ("se", "ci95")),
    "statement": Statistic(
        "words", "either", unread_reason="words without a number; elicit a distribution to use them"
    ),
}
EVENT_STATISTICS = ("count", "events", "rate", "statement")
ELICITED_STATISTIC = Statistic(
    "our own distribution", "either", ("why",), ("statement", "with_endpoint")
)
PATIENT_KEYS = frozenset({"study", "arm", "endpoint", "n"})
TIME_KEYS = frozenset({"month", "months", "clock"})
SOURCE_KEYS = frozenset({"unit", "source", "place", "status", "note", "unused", "why"})
COMMON_KEYS = PATIENT_KEYS | TIME_KEYS | SOURCE_KEYS


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """One [[reported]] table with its file, number and arms."""

    file: EvidenceFile
    number: int  # from 1
    table: ReportedTable
    arm: StudyArm
    versus: StudyArm | None = None  # the other arm of a difference

    def refuse(self, key: str, message: str) -> BadEvidence:
        """Build the error for one key of this entry."""
        return refuse(self.file.path, f"reported[{self.number}].{key} {message}")

    @property
    def patients(self) -> int:
        """Number of patients behind the number; 0 if unknown."""
        return self.table.of or self.table.n or self.most_patients

    @property
    def most_patients(self) -> int:
        """Patients of the arm, or of both arms of a difference; 0 if unknown."""
        if self.versus is None:
            return self.arm.patients
        patients = self.arm.patients, self.versus.patients
        return sum(patients) if all(patients) else 0

    @property
    def is_of_events(self) -> bool:
        """True if the outcome is counted, not measured."""
        return self.table.endpoint in EVENTS


def statistic_of(entry: EvidenceEntry) -> str:
    """Return the statistic of an entry, a key of ``STATISTICS``.

    Raises ``BadEvidence`` for no statistic, for several, or for a key that does not belong to it.
    """
    table = entry.table
    keys = table.model_fields_set
    numbers = [key for key in STATISTICS if key in keys]
    if "sd" in keys and keys & {"mean", "change"}:
        numbers.remove("sd")
    _check_outcome(entry, numbers)
    if table.elicited is not None:
        return _elicited_statistic(entry, [key for key in numbers if key != "statement"])
    if not numbers:
        raise entry.refuse(
            "endpoint", f"comes without a number. Write one of: {', '.join(STATISTICS)}."
        )
    if len(numbers) > 1:
        raise entry.refuse(
            numbers[1], f"and {numbers[0]} are two numbers. Write one [[reported]] for each."
        )
    if table.status == "elicited":
        raise entry.refuse(
            "status", "is 'elicited' but there is no elicited = { ... }. Add it with a why."
        )
    _check_keys(entry, numbers[0], STATISTICS[numbers[0]], {numbers[0]})
    return numbers[0]


def entry_months(entry: EvidenceEntry, statistic: str) -> tuple[float, ...]:
    """Months of an entry: one for a visit, two for a span, none for an undated statement."""
    table = entry.table
    timing = STATISTICS[statistic].timing
    if entry.is_of_events and statistic == "count" and table.unused is None:
        timing = "span"
    if table.month is not None and table.months is not None:
        raise entry.refuse("months", "comes with month. Keep month for a visit, months for a span.")
    if table.months is not None:
        if timing == "visit" or (statistic == "correlation" and table.with_endpoint):
            raise entry.refuse(
                "months",
                f"does not fit: this {statistic} is about one visit. Write month = ... instead.",
            )
        return _span(entry, *table.months)
    if table.month is None:
        if statistic == "statement":
            return ()
        key = "months" if timing == "span" else "month"
        raise entry.refuse(key, f"is missing. Say when this {statistic} was reported.")
    if statistic in {"change", "percent_change"}:
        return _span(entry, 0.0, table.month)
    if timing == "span" or (statistic == "correlation" and not table.with_endpoint):
        raise entry.refuse(
            "month", f"does not fit: a {statistic} needs two visits. Write months = [first, last]."
        )
    _check_enrolled(entry, "month", table.month)
    return (table.month,)


def _check_outcome(entry: EvidenceEntry, numbers: list[str]) -> None:
    """Refuse measured statistics of events, and event statistics of measured endpoints."""
    table = entry.table
    if table.unused is not None:
        return
    if entry.is_of_events and table.elicited is not None:
        raise entry.refuse("elicited", f"does not fit: {EVENTS[table.endpoint]} are counted.")
    for key in numbers:
        if entry.is_of_events and key not in EVENT_STATISTICS:
            raise entry.refuse(
                key,
                f"does not fit: {EVENTS[table.endpoint]} are counted."
                f" Write one of: {', '.join(EVENT_STATISTICS)}.",
            )
        if key in {"events", "rate"} and table.endpoint in ENDPOINTS:
            raise entry.refuse(
                key, f"does not fit: it belongs to {' or '.join(EVENTS)}. Correct the endpoint."
            )


def _elicited_statistic(entry: EvidenceEntry, numbers: list[str]) -> str:
    table = entry.table
    if numbers:
        raise entry.refuse(
            "elicited",
            f"and {numbers[0]} are two numbers. A reported number is not elicited: keep one.",
        )
    subjects = sorted(table.elicited.model_fields_set) if table.elicited else []
    if len(subjects) != 1:
        raise entry.refuse(
            "elicited",
            f"holds {len(subjects)} statistics. Write exactly one: change or correlation.",
        )
    if table.status not in (None, "elicited"):
        raise entry.refuse(
            "status", f"is {table.status!r}; our own numbers are 'elicited'. Leave status out."
        )
    _check_keys(entry, f"elicited {subjects[0]}", ELICITED_STATISTIC, {"elicited"})
    return subjects[0]


def _check_keys(
    entry: EvidenceEntry, name: str, statistic: Statistic, number_keys: set[str]
) -> None:
    entry_keys = entry.table.model_fields_set
    for key in statistic.needs:
        if key not in entry_keys and not _is_needless(entry, key):
            raise entry.refuse(key, f"is missing. A {name} needs it; add {key} = ...")
    allowed = COMMON_KEYS | number_keys | set(statistic.needs) | set(statistic.may)
    for key in sorted(entry_keys - allowed):
        raise entry.refuse(key, f"does not belong to a {name}. Remove it, or report it apart.")


def _is_needless(entry: EvidenceEntry, key: str) -> bool:
    # Without a unit a number can be listed but not converted.
    return key == "unit" and entry.table.unused is not None


def _span(entry: EvidenceEntry, start: float, end: float) -> tuple[float, float]:
    if not start < end:
        raise entry.refuse(
            "months", f"is [{start:g}, {end:g}]; the first must come before the last. Swap them."
        )
    _check_enrolled(entry, "months", start)
    return (start, end)


def _check_enrolled(entry: EvidenceEntry, key: str, month: float) -> None:
    earliest = entry.arm.months_since_diagnosis.earliest
    if entry.table.clock == "diagnosis" and month < earliest and entry.table.unused is None:
        raise entry.refuse(
            key,
            f"is {month:g} months from diagnosis, before the first patient entered at {earliest:g}."
            " Correct it, or set clock = 'entry'.",
        )


def unknown_name(entry: EvidenceEntry, key: str, name: str, known_names: list[str]) -> BadEvidence:
    """Build the error for an unknown name."""
    return entry.refuse(key, f"is {name!r}, which is not known. {nearest(name, known_names)}")

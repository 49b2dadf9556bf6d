"""Check that no two entries of a file report the same information or contradict each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import LOCATIONS, IndividualData, ReportedNumber
from phase2sim.evidence.statistics import EvidenceEntry
from phase2sim.evidence.values import BOUNDS

TWO_VISIT_STATISTICS = ("change", "percent_change", "slope")
# Above this the exact probability of both the patients with an event and their total is too slow.
MOST_WITH_AN_EVENT = 30
SET_ASIDE = "Remove one, or set it aside with unused = 'why'."


@dataclass(frozen=True, slots=True)
class _Claim:
    """A number that a fit reads, with its table in the file."""

    table: EvidenceEntry
    entry: ReportedNumber

    def refuse(self, message: str) -> BadEvidence:
        return self.table.refuse(
            "elicited" if self.entry.elicited else self.entry.statistic, message
        )


def check_conflicts(tables: Sequence[EvidenceEntry], entries: Sequence[ReportedNumber]) -> None:
    """Check the entries of one file against each other.

    Raises ``BadEvidence`` that names the later and the earlier entry.
    """
    claims = [
        _Claim(table, entry)
        for table, entry in zip(tables, entries, strict=True)
        if not entry.unused
    ]
    _check_duplicates(claims)
    _check_difference_of_visits(claims)
    _check_difference_of_arms(claims)
    _check_duplicate_spreads(claims)
    _check_bounds(claims)
    _check_counts(claims)
    _check_events(claims)


def check_individual_data(
    tables: Sequence[EvidenceEntry],
    entries: Sequence[ReportedNumber],
    individuals: Iterable[IndividualData],
) -> None:
    """Refuse summaries of patients whose individual values are in the file too."""
    columns = {
        (data.study, data.arm, *column): data for data in individuals for column in data.columns
    }
    for table, entry in zip(tables, entries, strict=True):
        if entry.unused or entry.elicited or entry.clock != "entry":
            continue
        for arm, name, month in product((entry.arm, entry.versus), entry.measured, entry.months):
            data = columns.get((entry.study, arm, name, month))
            if data is not None:
                raise table.refuse(
                    entry.statistic,
                    f"is {entry.as_reported}: individual[{data.number}] holds the values of these"
                    f" patients at month {month:g}. {SET_ASIDE}",
                )


def _visit_key(entry: ReportedNumber) -> tuple[object, ...]:
    return (entry.study, entry.arm, entry.endpoint, entry.clock, entry.months)


def _check_duplicates(claims: Iterable[_Claim]) -> None:
    numbers: dict[tuple[object, ...], int] = {}
    for claim in claims:
        entry = claim.entry
        # k below a threshold and n - k above it are one count
        key = (
            *_visit_key(entry),
            entry.statistic,
            entry.threshold,
            entry.with_endpoint,
            entry.versus,
        )
        key = key if entry.threshold is not None else (*key, entry.beyond)
        if key in numbers:
            raise claim.refuse(
                f"is {entry.as_reported}: entry {numbers[key]} reports the same"
                f" {entry.statistic.replace('_', ' ')}. {SET_ASIDE}"
            )
        numbers[key] = entry.number


def _check_difference_of_visits(claims: Sequence[_Claim]) -> None:
    """Refuse a change that also follows from its two visits or from another entry."""
    locations = _locations_by_visit(claims)
    changes: dict[tuple[object, ...], ReportedNumber] = {}
    for claim in claims:
        entry = claim.entry
        if entry.statistic not in TWO_VISIT_STATISTICS or entry.elicited:
            continue
        *arm_key, months = _visit_key(entry)
        visits = [locations.get((*arm_key, (month,))) for month in entry.months]
        if all(visits):
            raise claim.refuse(
                f"is {entry.as_reported}: entries {_numbers(visits)} say the same of both visits."
                f" {SET_ASIDE}"
            )
        earlier = changes.setdefault((*arm_key, months), entry)
        if earlier is not entry:
            raise claim.refuse(
                f"is {entry.as_reported}: the {earlier.statistic.replace('_', ' ')} of entry"
                f" {earlier.number} says the same. {SET_ASIDE}"
            )


def _check_difference_of_arms(claims: Sequence[_Claim]) -> None:
    locations = _locations_by_visit(claims)
    numbers: dict[tuple[object, ...], int] = {}
    for claim in claims:
        entry = claim.entry
        if not entry.versus:
            continue
        study, _, *time_key = _visit_key(entry)
        arms = [locations.get((study, arm, *time_key)) for arm in (entry.arm, entry.versus)]
        if all(arms):
            raise claim.refuse(
                f"is {entry.as_reported}: entries {_numbers(arms)} say the same of both arms."
                f" {SET_ASIDE}"
            )
        key = (study, frozenset({entry.arm, entry.versus}), *time_key)
        number = numbers.setdefault(key, entry.number)
        if number != entry.number:
            raise claim.refuse(f"is {entry.as_reported}: entry {number} is the same. {SET_ASIDE}")


def _locations_by_visit(claims: Iterable[_Claim]) -> dict[tuple[object, ...], ReportedNumber]:
    return {
        _visit_key(claim.entry): claim.entry
        for claim in claims
        if claim.entry.statistic in LOCATIONS
    }


def _numbers(entries: Iterable[ReportedNumber | None]) -> str:
    return " and ".join(str(entry.number) for entry in entries if entry)


def _check_duplicate_spreads(claims: Sequence[_Claim]) -> None:
    """Refuse a visit that has both an SD and a pair of quantiles."""
    spreads: dict[tuple[object, ...], ReportedNumber] = {}
    for claim in claims:
        entry = claim.entry
        has_sd = entry.statistic == "sd" or (entry.statistic == "mean" and entry.sd is not None)
        if not has_sd and entry.statistic not in BOUNDS:
            continue
        earlier = spreads.setdefault(_visit_key(entry), entry)
        if earlier is entry or {entry.statistic, earlier.statistic} == set(BOUNDS):
            continue
        raise claim.refuse(
            f"is {entry.as_reported}: entry {earlier.number}, {earlier.as_reported}, gives the"
            f" spread of the same patients. {SET_ASIDE}"
        )


def _check_bounds(claims: Sequence[_Claim]) -> None:
    """Refuse quartiles or a range that do not enclose the numbers that must lie between them."""
    for inner, outer in (("median", "quartiles"), ("median", "range"), ("quartiles", "range")):
        inner_entries = _by_visit(claims, inner)
        for claim in claims:
            entry, enclosed = claim.entry, inner_entries.get(_visit_key(claim.entry))
            if entry.statistic != outer or enclosed is None or enclosed.n != entry.n:
                continue
            if entry.bounds is None:
                continue
            low, high = (_model_value(entry, bound) for bound in entry.bounds)
            values = [_model_value(enclosed, v) for v in enclosed.bounds or (enclosed.value,)]
            if not low <= min(values) <= max(values) <= high:
                raise claim.refuse(
                    f"is {entry.as_reported}, which does not hold the {inner} of entry"
                    f" {enclosed.number}, {enclosed.as_reported}. Check the numbers."
                )


def _by_visit(claims: Iterable[_Claim], statistic: str) -> dict[tuple[object, ...], ReportedNumber]:
    return {
        _visit_key(claim.entry): claim.entry
        for claim in claims
        if claim.entry.statistic == statistic
    }


def _model_value(entry: ReportedNumber, value: float) -> float:
    return value if entry.on_model_scale else ENDPOINTS[entry.endpoint].to_model(value)


def _check_counts(claims: Sequence[_Claim]) -> None:
    """Refuse counts that contradict a median of the same patients."""
    medians = _by_visit(claims, "median")
    for claim in claims:
        count, median = claim.entry, medians.get(_visit_key(claim.entry))
        if count.statistic != "count" or count.threshold is None or median is None:
            continue
        if count.n != median.n:
            continue
        few_side = _model_value(count, count.threshold) <= _model_value(median, median.value)
        patients_below = count.value if count.beyond == "below" else count.n - count.value
        if not (patients_below <= count.n / 2 if few_side else patients_below >= count.n / 2):
            raise claim.refuse(
                f"is {count.as_reported}, but the median of entry {median.number} is"
                f" {median.as_reported}: half of the patients lie on each side. Check both."
            )


def _check_events(claims: Sequence[_Claim]) -> None:
    """Refuse patients with an event, events and a rate of the same patients that disagree."""
    totals: dict[tuple[object, ...], ReportedNumber] = {}
    for claim in claims:
        entry = claim.entry
        if entry.endpoint in EVENTS and entry.statistic in {"events", "rate"}:
            earlier = totals.setdefault(_visit_key(entry), entry)
            if earlier is not entry:
                raise claim.refuse(
                    f"is {entry.as_reported}: entry {earlier.number} says the same. {SET_ASIDE}"
                )
    for claim in claims:
        count, total = claim.entry, totals.get(_visit_key(claim.entry))
        if count.endpoint not in EVENTS or count.statistic != "count" or total is None:
            continue
        if total.statistic == "events" and count.value > total.value:
            raise claim.refuse(
                f"is {count.as_reported}, but entry {total.number} reports {total.as_reported}."
                " A patient with an event has one or more. Correct one of them."
            )
        if count.value > MOST_WITH_AN_EVENT:
            raise claim.refuse(
                f"is {count.as_reported} beside the {total.as_reported} of entry {total.number}:"
                f" both are read together up to {MOST_WITH_AN_EVENT} patients. Set one aside with"
                " unused = 'why'."
            )

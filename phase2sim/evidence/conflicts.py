"""Entries that say the same thing twice, or cannot be true of the same patients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.core.errors import BadEvidence
from phase2sim.evidence.reported import LOCATIONS, IndividualData, Reported
from phase2sim.evidence.statistics import EvidenceEntry
from phase2sim.evidence.values import BOUNDS

TWO_VISIT_STATISTICS = ("change", "percent_change", "slope")
# The patients with an event given the number of events: the exact chance is computed up to here.
MOST_WITH_AN_EVENT = 30
SET_ASIDE = "Remove one, or set it aside with unused = 'why'."


@dataclass(frozen=True, slots=True)
class _Claim:
    """An entry that a fit would read, with its place in the file."""

    entry: EvidenceEntry
    one: Reported

    def refuse(self, message: str) -> BadEvidence:
        return self.entry.refuse("elicited" if self.one.elicited else self.one.statistic, message)


def check_conflicts(entries: Sequence[EvidenceEntry], read: Sequence[Reported]) -> None:
    """Check the entries of one file against each other.

    Raises ``BadEvidence`` naming the later entry and the earlier one.
    """
    said = [_Claim(entry, one) for entry, one in zip(entries, read, strict=True) if not one.unused]
    _check_twice(said)
    _check_difference_of_visits(said)
    _check_difference_of_arms(said)
    _check_spread_twice(said)
    _check_bounds(said)
    _check_counts(said)
    _check_events(said)


def check_individual_data(
    entries: Sequence[EvidenceEntry], read: Sequence[Reported], own: Iterable[IndividualData]
) -> None:
    """Refuse summaries of patients whose own values are there too."""
    columns = {(data.study, data.arm, *column): data for data in own for column in data.columns}
    for entry, one in zip(entries, read, strict=True):
        if one.unused or one.elicited or one.clock != "entry":
            continue
        for place in product((one.arm, one.versus), one.months):
            data = columns.get((one.study, place[0], one.endpoint, place[1]))
            if data is not None:
                raise entry.refuse(
                    one.statistic,
                    f"is {one.as_reported}: individual[{data.number}] holds the values of these"
                    f" patients at month {place[1]:g}. {SET_ASIDE}",
                )


def _visit(one: Reported) -> tuple[object, ...]:
    return (one.study, one.arm, one.endpoint, one.clock, one.months)


def _check_twice(said: Iterable[_Claim]) -> None:
    first: dict[tuple[object, ...], int] = {}
    for this in said:
        one = this.one
        # k below a threshold and n - k above it are one count
        key = (*_visit(one), one.statistic, one.threshold, one.with_endpoint, one.versus)
        key = key if one.threshold is not None else (*key, one.beyond)
        if key in first:
            raise this.refuse(
                f"is {one.as_reported}: entry {first[key]} reports the same"
                f" {one.statistic.replace('_', ' ')}. {SET_ASIDE}"
            )
        first[key] = one.number


def _check_difference_of_visits(said: Sequence[_Claim]) -> None:
    """Refuse a change whose two visits, or whose other statement, are read too."""
    at = {_visit(this.one): this.one for this in said if this.one.statistic in LOCATIONS}
    first: dict[tuple[object, ...], Reported] = {}
    for this in said:
        one = this.one
        if one.statistic not in TWO_VISIT_STATISTICS or one.elicited:
            continue
        *where, months = _visit(one)
        both = [at.get((*where, (month,))) for month in one.months]
        if all(both):
            numbers = " and ".join(str(other.number) for other in both if other)
            raise this.refuse(
                f"is {one.as_reported}: entries {numbers} say the same of both visits. {SET_ASIDE}"
            )
        other = first.setdefault((*where, months), one)
        if other is not one:
            raise this.refuse(
                f"is {one.as_reported}: the {other.statistic.replace('_', ' ')} of entry"
                f" {other.number} says the same. {SET_ASIDE}"
            )


def _check_difference_of_arms(said: Sequence[_Claim]) -> None:
    at = {_visit(this.one): this.one for this in said if this.one.statistic in LOCATIONS}
    first: dict[tuple[object, ...], int] = {}
    for this in said:
        one = this.one
        if one.statistic != "difference":
            continue
        study, _, *when = _visit(one)
        both = [at.get((study, arm, *when)) for arm in (one.arm, one.versus)]
        if all(both):
            numbers = " and ".join(str(other.number) for other in both if other)
            raise this.refuse(
                f"is {one.as_reported}: entries {numbers} say the same of both arms. {SET_ASIDE}"
            )
        number = first.setdefault((study, frozenset({one.arm, one.versus}), *when), one.number)
        if number != one.number:
            raise this.refuse(f"is {one.as_reported}: entry {number} is the same. {SET_ASIDE}")


def _check_spread_twice(said: Sequence[_Claim]) -> None:
    """A visit's spread is an SD or a pair of quantiles, not both."""
    first: dict[tuple[object, ...], Reported] = {}
    for this in said:
        one = this.one
        spread = one.statistic == "sd" or (one.statistic == "mean" and one.sd is not None)
        if not spread and one.statistic not in BOUNDS:
            continue
        other = first.setdefault(_visit(one), one)
        if other is one or {one.statistic, other.statistic} == set(BOUNDS):
            continue
        raise this.refuse(
            f"is {one.as_reported}: entry {other.number}, {other.as_reported}, gives the spread of"
            f" the same patients. {SET_ASIDE}"
        )


def _check_bounds(said: Sequence[_Claim]) -> None:
    """Refuse quartiles or a range that do not hold what lies between them."""
    for inner, outer in (("median", "quartiles"), ("median", "range"), ("quartiles", "range")):
        within = {_visit(this.one): this.one for this in said if this.one.statistic == inner}
        for this in said:
            one, other = this.one, within.get(_visit(this.one))
            if one.statistic != outer or other is None or other.n != one.n or one.bounds is None:
                continue
            low, high = (_on_model(one, bound) for bound in one.bounds)
            inside = [_on_model(other, value) for value in other.bounds or (other.value,)]
            if not low <= min(inside) <= max(inside) <= high:
                raise this.refuse(
                    f"is {one.as_reported}, which does not hold the {inner} of entry"
                    f" {other.number}, {other.as_reported}. Check the numbers."
                )


def _on_model(one: Reported, value: float) -> float:
    return value if one.on_model_scale else ENDPOINTS[one.endpoint].to_model(value)


def _check_counts(said: Sequence[_Claim]) -> None:
    """Refuse counts that a median of the same patients rules out."""
    medians = {_visit(this.one): this.one for this in said if this.one.statistic == "median"}
    for this in said:
        count, median = this.one, medians.get(_visit(this.one))
        if count.statistic != "count" or count.threshold is None or median is None:
            continue
        if count.n != median.n:
            continue
        few_side = _on_model(count, count.threshold) <= _on_model(median, median.value)
        below = count.value if count.beyond == "below" else count.n - count.value
        if not (below <= count.n / 2 if few_side else below >= count.n / 2):
            raise this.refuse(
                f"is {count.as_reported}, but the median of entry {median.number} is"
                f" {median.as_reported}: half of the patients lie on each side. Check both."
            )


def _check_events(said: Sequence[_Claim]) -> None:
    """Patients with an event, events and a rate of the same patients must agree."""
    totals: dict[tuple[object, ...], Reported] = {}
    for this in said:
        one = this.one
        if one.endpoint in EVENTS and one.statistic in {"events", "rate"}:
            other = totals.setdefault(_visit(one), one)
            if other is not one:
                raise this.refuse(
                    f"is {one.as_reported}: entry {other.number} says the same. {SET_ASIDE}"
                )
    for this in said:
        count, total = this.one, totals.get(_visit(this.one))
        if count.endpoint not in EVENTS or count.statistic != "count" or total is None:
            continue
        if total.statistic == "events" and count.value > total.value:
            raise this.refuse(
                f"is {count.as_reported}, but entry {total.number} reports {total.as_reported}."
                " A patient with an event has one or more. Correct one of them."
            )
        if count.value > MOST_WITH_AN_EVENT:
            raise this.refuse(
                f"is {count.as_reported} beside the {total.as_reported} of entry {total.number}:"
                f" both are read together up to {MOST_WITH_AN_EVENT} patients. Set one aside with"
                " unused = 'why'."
            )

"""Unit of a reported number: conversion to the endpoint's unit, and plausible limits."""

from dataclasses import dataclass
from math import inf

from phase2sim.core.endpoints import ENDPOINTS, EVENTS, Endpoint
from phase2sim.core.io.validation import nearest
from phase2sim.core.units import list_units, unit_of
from phase2sim.evidence.reported import REMISSION
from phase2sim.evidence.statistics import EvidenceEntry, unknown_name

INDEPENDENCE = "insulin_independence"  # patients with a daily dose of 0
COUNTED: dict[str, str] = {  # counts of patients by measured values -> their unit
    INDEPENDENCE: ENDPOINTS["insulin"].unit,
    REMISSION: "",
}
LEDGER_ONLY: dict[str, str] = {  # outcomes that are listed but not fitted
    "vital_signs_and_laboratory": "vital signs and laboratory values are not modelled",
}
PER_DAY = "IU/day"
NOT_CONVERTIBLE: dict[tuple[str, str], str] = {  # units that are listed but not converted
    ("insulin", PER_DAY): "IU/day cannot become U/kg/day: no weight is reported",
}
RATES: dict[str, float] = {  # events per patient-month
    "per patient-month": 1.0,
    "per patient-year": 1.0 / 12.0,
    "per 100 patient-years": 1.0 / 1200.0,
}
WITHOUT_UNIT = frozenset({"correlation", "count", "events", "percent_change", "ratio", "statement"})


@dataclass(frozen=True, slots=True)
class Scale:
    """Unit, conversion and plausible limits of the values of one entry."""

    unit: str
    typed: str  # unit in the file
    converts: Endpoint | None = None  # None if values are not converted
    on_model: bool = False
    low: float = -inf  # plausible limits for one patient
    high: float = inf
    unread: str = ""  # reason why no likelihood reads this unit or outcome
    times: float = 1.0  # factor of a unit that the endpoint does not list
    by_weight: bool = False  # the factor is 1 / the arm's typical weight

    def value(self, typed: float) -> float:
        """Convert a value of the file."""
        return self.converts.convert(typed, self.typed) if self.converts else typed * self.times

    def difference(self, typed: float) -> float:
        """Convert an SD, SE, change or slope; units are linear functions of each other."""
        return self.value(typed) - self.value(0.0)

    def describe(self, typed: float, value: float) -> str:
        """Write a value of the file, and its conversion if the unit differs."""
        conversion = f", which is {value:g} {self.unit}" if self.typed != self.unit else ""
        return f"{typed:g} {self.typed}{conversion}"

    @property
    def width(self) -> float:
        """Largest minus smallest plausible value."""
        return self.high - self.low


def scale_of(entry: EvidenceEntry, statistic: str) -> Scale:
    """Find the scale of one entry.

    Raises ``BadEvidence`` for an unknown endpoint, or a unit that the endpoint does not have.
    """
    table = entry.table
    unit = table.unit or ""
    name = table.endpoint
    if name in LEDGER_ONLY:
        return Scale(unit, unit, unread=LEDGER_ONLY[name])
    if name in EVENTS:
        return _event_scale(entry, statistic, unit)
    if name in COUNTED:
        return _counted_scale(entry, statistic, unit)
    if name not in ENDPOINTS:
        raise unknown_name(entry, "endpoint", name, [*ENDPOINTS, *EVENTS, *COUNTED, *LEDGER_ONLY])
    if not unit and table.elicited is None:
        return _unitless_scale(entry, statistic, ENDPOINTS[name])
    return _measured_scale(entry, ENDPOINTS[name], unit)


def _measured_scale(entry: EvidenceEntry, endpoint: Endpoint, unit: str) -> Scale:
    table = entry.table
    if table.elicited is not None and unit in {"", endpoint.model_unit}:
        unit = endpoint.model_unit
    elif table.elicited is None and unit in endpoint.units:
        low, high = endpoint.plausible
        return Scale(endpoint.unit, unit, endpoint, low=low, high=high)
    if unit == endpoint.model_unit:
        model = unit_of(endpoint, unit)
        return Scale(unit, unit, on_model=True, low=model.low, high=model.high)
    weight = entry.arm.weight_kg
    if (endpoint.name, unit) == ("insulin", PER_DAY) and weight and table.elicited is None:
        low, high = endpoint.plausible
        times = 1.0 / weight.mean
        return Scale(endpoint.unit, unit, low=low, high=high, times=times, by_weight=True)
    return _unconvertible_scale(entry, endpoint, unit)


def _event_scale(entry: EvidenceEntry, statistic: str, unit: str) -> Scale:
    if statistic == "rate" and unit not in RATES and entry.table.unused is None:
        raise entry.refuse("unit", f"is {unit!r}. {nearest(unit, RATES)}")
    if statistic != "rate" and unit and entry.table.unused is None:
        raise entry.refuse("unit", f"is {unit!r}, but patients and events are numbers. Remove it.")
    if unit in RATES:
        return Scale("per patient-month", unit, low=0.0, times=RATES[unit])
    return Scale(unit, unit)


def _counted_scale(entry: EvidenceEntry, statistic: str, unit: str) -> Scale:
    name = entry.table.endpoint
    if statistic in {"count", "statement"} and not unit:
        return Scale(COUNTED[name], "")
    if entry.table.unused is None:
        raise entry.refuse(
            "endpoint", f"is {name!r}, which is a count of patients. Write count and of."
        )
    return Scale(unit, unit)


def _unitless_scale(entry: EvidenceEntry, statistic: str, endpoint: Endpoint) -> Scale:
    table = entry.table
    threshold = table.below is not None or table.above is not None
    if statistic in WITHOUT_UNIT and not threshold:
        return Scale("", "", on_model=statistic == "correlation")
    if table.unused is not None:
        return Scale("", "", unread=table.unused)
    raise entry.refuse(
        "unit", f"is missing. {endpoint.label} is reported in {list_units(endpoint)}."
    )


def _unconvertible_scale(entry: EvidenceEntry, endpoint: Endpoint, unit: str) -> Scale:
    reason = NOT_CONVERTIBLE.get((endpoint.name, unit)) or entry.table.unused
    if entry.table.elicited is not None:
        raise entry.refuse(
            "unit", f"is {unit!r}; write elicited numbers in {endpoint.model_unit!r}."
        )
    if reason:
        return Scale(unit, unit, unread=reason)
    raise entry.refuse(
        "unit",
        f"is {unit!r}; {endpoint.label} is reported in {list_units(endpoint)}."
        " Convert it, or keep it listed with unused = 'why'.",
    )

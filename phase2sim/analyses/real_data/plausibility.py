"""Values outside an endpoint's plausible range, and the unit in which they were probably given."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from phase2sim.analyses.real_data.data_plan import DataPlan
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.refusals import Refusals
from phase2sim.core.units import Unit, unit_of, units_that_fit

_FAR_TOO_SMALL = 0.01  # of the highest plausible value
_MOST = 0.5  # share of implausible values that tells a unit from an error


@dataclass(frozen=True, slots=True)
class _Doubt:
    """One implausible value."""

    line: int
    column: str
    value: float
    shown: str


class Plausibility:
    """Collects the values of a file, to judge its implausible ones by all of them."""

    def __init__(self, plan: DataPlan) -> None:
        self._plan = plan
        self._values: dict[str, list[float]] = defaultdict(list)
        self._doubts: dict[str, list[_Doubt]] = defaultdict(list)

    def note(self, endpoint: str, value: float) -> None:
        """Add a value, plausible or not."""
        self._values[endpoint].append(value)

    def doubt(self, line: int, column: str, endpoint: str, value: float, shown: str) -> None:
        """Add an implausible value of a line."""
        self._doubts[endpoint].append(_Doubt(line, column, value, shown))

    def refuse(self, refusals: Refusals) -> None:
        """Refuse the implausible values, and a unit that makes all of them far too small."""
        for endpoint, doubts in self._doubts.items():
            unit, enough = self._plan.unit(endpoint), _MOST * len(self._values[endpoint])
            probable = tuple(
                other
                for other in units_that_fit(unit.endpoint, (), but=unit.name)
                if sum(other.holds(doubt.value) for doubt in doubts) >= enough
            )
            for doubt in doubts:
                fitting = tuple(other for other in probable if other.holds(doubt.value))
                advice = _say_unit(fitting, endpoint) if fitting else _correct(doubt, unit)
                refusals.of_line(
                    doubt.line,
                    doubt.column,
                    doubt.shown,
                    f"{unit.endpoint.label} lies {unit.limits()}. {advice}",
                )
        for endpoint, values in self._values.items():
            self._refuse_far_too_small(endpoint, values, refusals)

    def _refuse_far_too_small(self, endpoint: str, values: list[float], refusals: Refusals) -> None:
        unit, default = self._plan.unit(endpoint), unit_of(MEASURES[endpoint])
        if unit.is_model_scale or unit.name == default.name:
            return
        middle = median(values)
        if default.holds(middle) and unit.value(middle) < _FAR_TOO_SMALL * default.high:
            refusals.of_file(
                f"the unit of {endpoint} is said to be {unit.name!r}, but its median, {middle:g},"
                f" is far too small in it and plausible in {default.name}. Leave out the unit for"
                f" {default.name}."
            )


def _say_unit(fitting: tuple[Unit, ...], endpoint: str) -> str:
    names = " or ".join(unit.name for unit in fitting)
    unit = fitting[0].name
    return (
        f"These look like {names}: say so with --unit '{endpoint}={unit}', or in the scenario with"
        f' [data] unit.{endpoint} = "{unit}".'
    )


def _correct(doubt: _Doubt, unit: Unit) -> str:
    """What to do with a single implausible value."""
    elsewhere = units_that_fit(unit.endpoint, [doubt.value], but=unit.name)
    convert = f"It would be plausible in {elsewhere[0].name}. " if elsewhere else ""
    return (
        f"{convert}Correct it; if it stands for a missing value, leave it empty or name the code"
        " with --missing."
    )

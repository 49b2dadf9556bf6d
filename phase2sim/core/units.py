"""Units in which an endpoint's values may be given: their limits, and the way to its own unit."""

from collections.abc import Iterable
from dataclasses import dataclass

from phase2sim.core.endpoints import Endpoint
from phase2sim.core.errors import BadValue


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of an endpoint, or its model scale, and the plausible values of a patient in it.

    Units are linear functions of each other; the model scale may be any rising function.
    """

    endpoint: Endpoint
    name: str
    low: float
    high: float

    @property
    def is_model_scale(self) -> bool:
        """Whether values are on the model scale, which is not a unit of patients' values."""
        return self.name not in self.endpoint.units

    def holds(self, typed: float) -> bool:
        """Whether a value in this unit is plausible for a patient; False for nan."""
        return self.low <= typed <= self.high

    def value(self, typed: float) -> float:
        """Convert a value to the endpoint's own unit."""
        if self.is_model_scale:
            return self.endpoint.from_model(typed)
        return self.endpoint.convert(typed, self.name)

    def difference(self, typed: float) -> float:
        """Convert an SD, SE or difference to the endpoint's own unit; not on the model scale."""
        return self.value(typed) - self.value(0.0)

    def to_model(self, typed: float) -> float:
        """Convert a value to the model scale."""
        return typed if self.is_model_scale else self.endpoint.to_model(self.value(typed))

    def limits(self) -> str:
        """Say the plausible values: ``between 8.3 and 195 mmol/mol``."""
        return f"between {self.low:.4g} and {self.high:.4g} {self.name}"


def unit_names(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of all units of an endpoint, its model scale last."""
    return tuple(dict.fromkeys([*endpoint.units, endpoint.model_unit]))


def list_units(endpoint: Endpoint) -> str:
    """Names of all units of an endpoint as a message lists them: ``'%', 'mmol/mol'``."""
    return ", ".join(map(repr, unit_names(endpoint)))


def unit_of(endpoint: Endpoint, name: str | None = None, key: str = "unit") -> Unit:
    """Find a unit of an endpoint by its name, its own unit by default.

    Raises ``BadValue`` under ``key`` for a name that is not one of ``unit_names``.
    """
    name = endpoint.unit if name is None else name
    low, high = endpoint.plausible
    if name in endpoint.units:
        zero, unity = endpoint.convert(0.0, name), endpoint.convert(1.0, name)
        slope = unity - zero
        return Unit(endpoint, name, (low - zero) / slope, (high - zero) / slope)
    if name == endpoint.model_unit:
        return Unit(endpoint, name, endpoint.to_model(low), endpoint.to_model(high))
    raise BadValue(
        key, f"is {name!r}; {endpoint.label} is given in {list_units(endpoint)}. Use one of these."
    )


def units_that_fit(endpoint: Endpoint, values: Iterable[float], but: str = "") -> tuple[Unit, ...]:
    """Units of patients' values, other than ``but``, in which all ``values`` are plausible."""
    typed = tuple(values)
    units = (unit_of(endpoint, name) for name in endpoint.units if name != but)
    return tuple(unit for unit in units if all(unit.holds(value) for value in typed))


def unit_that_fits(endpoint: Endpoint, *values: float) -> str:
    """Say in which unit implausible values would be plausible, to add to a refusal; else ''."""
    names = [repr(unit.name) for unit in units_that_fit(endpoint, values, but=endpoint.unit)]
    return f" In {names[0]} it would be plausible: write unit = {names[0]}." if names else ""

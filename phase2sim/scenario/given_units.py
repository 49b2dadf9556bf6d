"""Numbers of a scenario in the unit that the file gives them in -> the unit they are used in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phase2sim.core.arithmetic_moments import model_moments
from phase2sim.core.endpoints import ENDPOINTS, MEASURES, RESPONSES, Endpoint
from phase2sim.core.errors import BadScenario, BadValue
from phase2sim.core.io.validation import Table
from phase2sim.core.units import Unit, unit_of

_VALUES_OF_RESPONDERS = ("below", "at_most", "at_least")
_DIFFERENCES_OF_RESPONDERS = ("below_baseline_by", "above_baseline_by")
_DIFFERENCES = ("null_effect", "delta")  # of an analysis of means
_PRIORS = {"effect_prior": "difference", "control_prior": "value"}  # mixtures, and their means


@dataclass(slots=True)
class _Conversion:
    """What is said of the numbers of one file that are converted."""

    path: Path
    sentences: list[str] = field(default_factory=list)

    def unit(self, endpoint: Endpoint, name: object, key: str) -> Unit:
        """Find a unit; raises ``BadScenario`` with its key."""
        try:
            return unit_of(endpoint, str(name), key)
        except BadValue as error:
            raise BadScenario(f"{self.path}: {error}") from None

    def say(self, key: str, typed: float, unit: Unit, converted: float, into: str) -> None:
        """Note one conversion, for the screen."""
        if unit.name != into:
            self.sentences.append(f"{key}: {typed:g} {unit.name} is {converted:.4g} {into}.")

    def value(self, key: str, typed: float, unit: Unit) -> float:
        """Convert a patient's value to the endpoint's own unit."""
        converted = typed if unit.name == unit.endpoint.unit else unit.value(typed)
        self.say(key, typed, unit, converted, unit.endpoint.unit)
        return converted

    def difference(self, key: str, typed: float, unit: Unit) -> float:
        """Convert a difference to the endpoint's own unit."""
        converted = typed if unit.name == unit.endpoint.unit else unit.difference(typed)
        self.say(key, typed, unit, converted, unit.endpoint.unit)
        return converted


def in_used_units(table: Table, path: Path) -> tuple[Table, tuple[str, ...]]:
    """Tables of a checked scenario with every number in the unit it is used in, and what to say.

    Effects stay in the unit of a patient's value where that is not linear in the model scale: what
    they are there depends on the untreated value. Raises ``BadScenario`` for an unknown unit.
    """
    conversion = _Conversion(path)
    _outcomes(table.get("outcome", {}), conversion)
    _targets(table.get("truth", {}).get("target", {}), conversion)
    population = table.get("population", {})
    _eligible(population.get("eligible", {}), conversion)
    _strata(population.get("baseline_strata", {}), conversion)
    _events(table.get("events", {}), conversion)
    _rescue(table.get("intercurrent", {}).get("rescue"), conversion)
    for number, analysis in enumerate(table.get("analysis", ()), start=1):
        _analysis(analysis, f"analysis[{number}]", conversion)
    return table, tuple(conversion.sentences)


def _given(tables: Mapping[str, Any]) -> Iterator[tuple[str, Table]]:
    """Tables that name a unit, by endpoint."""
    for name, table in tables.items():
        match table:
            case {"unit": str()}:
                yield name, table


def _outcomes(tables: Mapping[str, Any], conversion: _Conversion) -> None:
    for name, table in _given(tables):
        key, endpoint = f"outcome.{name}", ENDPOINTS[name]
        unit = conversion.unit(endpoint, table["unit"], f"{key}.unit")
        table["unit"] = endpoint.model_unit
        mean, sd = table.get("control_mean"), table.get("sd")
        if unit.name == endpoint.model_unit:
            continue
        if endpoint.scale.is_linear:
            if mean is not None:
                table["control_mean"] = _each(mean, f"{key}.control_mean", conversion.value, unit)
            if sd is not None:
                table["sd"] = _each(sd, f"{key}.sd", conversion.difference, unit)
            continue
        if mean is None or sd is None:
            raise BadScenario(
                f"{conversion.path}: {key}.{'sd' if sd is None else 'control_mean'} is missing; on"
                f" the {endpoint.model_unit} scale mean and SD in {unit.name!r} depend on each"
                " other. Give both."
            )
        table["control_mean"], table["sd"] = _moments(mean, sd, unit, key, conversion)


def _moments(
    mean: float | Sequence[float],
    sd: float | Sequence[float],
    unit: Unit,
    key: str,
    conversion: _Conversion,
) -> tuple[float | list[float], float | list[float]]:
    """Mean and SD on a model scale that is not linear, for arithmetic ones in a unit."""
    means, sds = list_of(mean), list_of(sd)
    length = max(len(means), len(sds))
    means, sds = (values * length if len(values) == 1 else values for values in (means, sds))
    if len(means) != len(sds):
        raise BadScenario(
            f"{conversion.path}: {key}.control_mean has {len(means)} numbers and {key}.sd"
            f" {len(sds)}; give one number, or one a visit."
        )
    pairs = []
    for typed_mean, typed_sd in zip(means, sds, strict=True):
        try:
            pair = model_moments(unit.endpoint, unit.value(typed_mean), unit.difference(typed_sd))
        except ValueError as error:
            raise BadScenario(
                f"{conversion.path}: {key} has mean {typed_mean:g} and SD {typed_sd:g}"
                f" {unit.name}: {error}."
            ) from None
        pairs.append(pair)
    model = unit.endpoint.model_unit
    conversion.sentences.append(
        f"{key}: mean {means[0]:g} and SD {sds[0]:g} {unit.name} are {pairs[0][0]:.4g} and"
        f" {pairs[0][1]:.4g} {model}."
    )
    if mean != means and sd != sds:  # neither was a list
        return pairs[0]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _each(
    given: float | Sequence[float],
    key: str,
    convert: Callable[[str, float, Unit], float],
    unit: Unit,
) -> float | list[float]:
    values = list_of(given)
    if given != values:
        return convert(key, values[0], unit)
    return [convert(f"{key}[{n}]", value, unit) for n, value in enumerate(values, start=1)]


def list_of(given: float | Sequence[float]) -> list[float]:
    """One number, or one a visit, as a list."""
    match given:
        case Sequence():
            return list(given)
        case number:
            return [number]


def _targets(tables: Mapping[str, Any], conversion: _Conversion) -> None:
    for name, table in _given(tables):
        key, endpoint = f"truth.target.{name}", ENDPOINTS[name]
        unit = conversion.unit(endpoint, table["unit"], f"{key}.unit")
        if "percent" in str(table["effect"]):
            raise BadScenario(
                f"{conversion.path}: {key}.unit is {unit.name!r}, but effect is a percentage. Leave"
                " unit out."
            )
        if unit.name == endpoint.model_unit:
            continue
        modified = table.get("modified_by") or {}
        if endpoint.scale.is_linear:
            table["effect"] = conversion.difference(f"{key}.effect", table["effect"], unit)
            for modifier, slope in modified.items():
                modifier_path = f"{key}.modified_by.{modifier}"
                modified[modifier] = conversion.difference(modifier_path, slope, unit)
            table["unit"] = endpoint.model_unit
        elif modified:
            raise BadScenario(
                f"{conversion.path}: {key}.unit is {unit.name!r}, but modified_by is on the"
                f" {endpoint.model_unit} scale. Give effect on that scale and leave unit out."
            )


def _eligible(tables: Mapping[str, Any], conversion: _Conversion) -> None:
    for name, table in _given({k: t for k, t in tables.items() if k in ENDPOINTS}):
        key, endpoint = f"population.eligible.{name}", ENDPOINTS[name]
        unit = conversion.unit(endpoint, table["unit"], f"{key}.unit")
        table["unit"] = endpoint.unit
        for limit in ("at_least", "at_most"):
            if table.get(limit) is not None:
                table[limit] = conversion.value(f"{key}.{limit}", table[limit], unit)


def _strata(tables: Any, conversion: _Conversion) -> None:  # noqa: ANN401 - TOML
    for name, table in _given(dict(tables)):
        key = f"population.baseline_strata.{name}"
        unit = conversion.unit(ENDPOINTS[name], table["unit"], f"{key}.unit")
        tables[name] = _each(table["at"], f"{key}.at", conversion.value, unit)


def _events(tables: Mapping[str, Any], conversion: _Conversion) -> None:
    for name, table in _given(tables):
        key, tied_to = f"events.{name}", str(table.get("tied_to"))
        if tied_to not in ENDPOINTS or table.get("at") is None:
            raise BadScenario(
                f"{conversion.path}: {key}.unit is that of {key}.at, a value of {key}.tied_to."
                " Give both, or leave unit out."
            )
        unit = conversion.unit(ENDPOINTS[tied_to], table["unit"], f"{key}.unit")
        table["at"] = conversion.value(f"{key}.at", table["at"], unit)
        table["unit"] = ENDPOINTS[tied_to].unit


def _rescue(table: Any, conversion: _Conversion) -> None:  # noqa: ANN401 - TOML
    if not table or "unit" not in table:
        return
    endpoint = ENDPOINTS.get(str(table.get("endpoint")))
    if endpoint is None or not is_number(table.get("limit")):
        return  # the part says what is wrong
    unit = conversion.unit(endpoint, table.pop("unit"), "intercurrent.rescue.unit")
    table["limit"] = conversion.value("intercurrent.rescue.limit", table["limit"], unit)


def _analysis(table: Table, key: str, conversion: _Conversion) -> None:
    """Convert ``lloq``, the limits of ``responder`` and effects; the part checks the rest."""
    name, responder = table.get("endpoint"), table.get("responder")
    if "unit" not in table:
        return
    if str(responder) in RESPONSES:
        name = RESPONSES[str(responder)].endpoint
    if str(name) not in MEASURES:
        raise BadScenario(
            f"{conversion.path}: {key}.unit is given, but {name!r} has no units. Leave it out."
        )
    endpoint = MEASURES[str(name)]
    unit = conversion.unit(endpoint, table.pop("unit"), f"{key}.unit")
    if is_number(table.get("lloq")):
        table["lloq"] = conversion.value(f"{key}.lloq", table["lloq"], unit)
    match responder:
        case dict():
            _responder(responder, unit, f"{key}.responder", conversion)
        case _:
            _effects(table, unit, key, conversion)
            if "lloq" not in table:
                table["unit"] = endpoint.model_unit


def _responder(responder: Table, unit: Unit, key: str, conversion: _Conversion) -> None:
    for keys, convert in (
        (_VALUES_OF_RESPONDERS, conversion.value),
        (_DIFFERENCES_OF_RESPONDERS, conversion.difference),
    ):
        for limit in keys:
            if is_number(responder.get(limit)):
                responder[limit] = convert(f"{key}.{limit}", responder[limit], unit)


def _effects(table: Table, unit: Unit, key: str, conversion: _Conversion) -> None:
    endpoint = unit.endpoint
    if unit.name == endpoint.model_unit:
        return
    differences = [effect for effect in _DIFFERENCES if is_number(table.get(effect))]
    priors = [prior for prior in _PRIORS if isinstance(table.get(prior), dict)]
    if not endpoint.scale.is_linear and "lloq" in table:
        priors = []  # the unit is that of lloq; mixtures are on the model scale
    if not endpoint.scale.is_linear and (differences or priors):
        on_model_scale = (differences or priors)[0]
        raise BadScenario(
            f"{conversion.path}: {key}.unit is {unit.name!r}, but {on_model_scale} is on the"
            f" {endpoint.model_unit} scale. Leave unit out, or {on_model_scale}."
        )
    for effect in differences:
        table[effect] = conversion.difference(f"{key}.{effect}", table[effect], unit)
    for prior in priors:
        _prior(table[prior], unit, f"{key}.{prior}", _PRIORS[prior], conversion)


def _prior(mixture: Table, unit: Unit, key: str, means: str, conversion: _Conversion) -> None:
    """Convert means, of differences or of values, and SDs; the part checks the rest."""
    for names, convert in (
        (("means", "robust_mean"), getattr(conversion, means)),
        (("sds", "robust_sd"), conversion.difference),
    ):
        for name in names:
            given = mixture.get(name)
            numbers = given if isinstance(given, list) else [given]
            if all(is_number(number) for number in numbers):
                mixture[name] = _each(given, f"{key}.{name}", convert, unit)  # type: ignore[arg-type]  # numbers


def is_number(value: object) -> bool:
    """Whether a TOML value is a number."""
    match value:
        case bool():
            return False
        case int() | float():
            return True
        case _:
            return False

"""Sweep file -> cells: a base scenario, and the axes along which it is changed."""

import itertools
import json
import math
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from phase2sim.core.errors import BadScenario, BadSweep
from phase2sim.core.io.row_conditions import condition
from phase2sim.core.io.toml_files import check_numbers, read_toml
from phase2sim.core.io.validation import Table, join_key, nearest, validate
from phase2sim.scenario.key_checks import ask_units
from phase2sim.scenario.scenario_file import Scenario, put, put_setting, scenario_from

type Label = int | float | str | bool
type TruthName = Literal["target", "null", "prior", "sceptical", "expected"]

# Columns of the results: no axis may be called like one.
RESERVED = frozenset({
    *("cell", "study", "patients_per_arm", "decision", "trials", "seed", "results_version"),
    *("name", "endpoint", "analysis", "month", "truth", "estimate", "mcse", "requested", "used"),
    *("failed", "low", "high", "exact", "approximate", "gap_in_se", "refused"),
    *("draws_mcse", "difference", "difference_mcse", "look"),
})  # fmt: skip
_MOST_CELLS = 1_000_000
_DECIMALS = 12  # of the values of a range: 0.1 + 2 * 0.1 is 0.3


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Axis(_Model):
    """One thing that varies: values of a key, a range, or named variants."""

    key: str | None = Field(default=None, description="Such as 'design.patients'.")
    keys: tuple[str, ...] = Field(default=(), description="Keys that all take the same value.")
    values: tuple[Any, ...] | None = Field(default=None, description="One cell each.")
    first: float | None = Field(default=None, alias="from", description="First of a range.")
    to: float | None = Field(default=None, description="Last of a range.")
    step: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Of a range.")
    along: str | None = Field(
        default=None, alias="zip", description="An axis whose steps this one takes too."
    )
    variants: dict[str, dict[str, Any]] | None = Field(
        default=None, description="Name -> keys and values."
    )


class SweepTable(_Model):
    """What a sweep file says."""

    base: str = Field(description="The scenario file, looked for beside this one.")
    title: str = Field(default="", description="For the heading; the base's if left out.")
    truths: tuple[TruthName, ...] = Field(
        default=(), description="Those to simulate; all that the scenario has if left out."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, alias="set", description="Keys changed in every cell."
    )
    axes: Annotated[dict[str, Axis], Field(min_length=1)] = Field(
        description="What varies, one table an axis, whose name is a column of the results."
    )
    constraints: tuple[str, ...] = Field(
        default=(), description="Conditions on the axes that a cell must meet."
    )
    reference: dict[str, Any] = Field(
        default_factory=dict, description="Axis -> value: the cell that others are compared with."
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One place on an axis: what it is called, and the keys it sets."""

    label: Label
    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Variation:
    """One cell of a sweep: where it is on the axes, and the scenario there."""

    labels: Mapping[str, Label]
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep file, read and checked: its cells, in the order of the axes."""

    path: Path
    title: str
    text: str
    truths: tuple[TruthName, ...]
    cells: tuple[Variation, ...]
    reference: Mapping[str, Label]


SWEEP: TypeAdapter[SweepTable] = TypeAdapter(SweepTable)


def load_sweep(path: Path | str, settings: tuple[str, ...] = ()) -> Sweep:
    """Read a sweep file and its base, with ``key.path=value`` settings on top of the base.

    Raises ``BadSweep`` with the file, the key and what is allowed, and ``BadScenario`` for a cell
    that is no scenario, with its place on the axes.
    """
    path = Path(path)
    table = read_toml(path, BadSweep)
    if "base" not in table and "design" in table:
        raise BadSweep(
            f"{path}: is a scenario, not a sweep. Write a file with base = {path.name!r} and"
            " [axes]; docs/guide/sweeps.md has one."
        )
    check_numbers(table, path, BadSweep)
    tables = validate(SWEEP, table, "", path, BadSweep)
    base_path = Path(os.path.normpath(path.parent / tables.base))
    base = _read_base(base_path, tables.base, path)
    for setting in settings:
        put_setting(base, setting, base_path)
    for key, value in tables.settings.items():
        put(base, key, value, f"{path}: set")
    for name, axis in tables.axes.items():
        _check_name(name, axis, path)
    axes = {name: _steps(f"{path}: axes.{name}", axis) for name, axis in tables.axes.items()}
    _check_zips(tables, axes, path)
    labels = tuple(_labelled(tables, axes, path))
    _check_reference(tables, axes, path)
    return Sweep(
        path=path,
        title=tables.title or str(base.get("title", path.stem)),
        text=path.read_text(encoding="utf-8"),
        truths=tables.truths,
        cells=tuple(_cell(steps, base, base_path, path) for steps in labels),
        reference={name: _label(value) for name, value in tables.reference.items()},
    )


def _read_base(base_path: Path, base: str, path: Path) -> Table:
    try:
        return read_toml(base_path, BadScenario)
    except BadScenario as error:
        raise BadSweep(f"{path}: base is {base!r}: {error}") from None


def _check_name(name: str, axis: Axis, path: Path) -> None:
    if name == "patients" and axis.key == "design.patients":
        return  # it is that column of the results
    if not name.isidentifier() or name in RESERVED | {"patients"}:
        raise BadSweep(
            f"{path}: axes.{name}: an axis is a column of the results, so it needs a name of"
            " letters, digits and _ that no other column has. Rename it."
        )


def _steps(key_path: str, axis: Axis) -> tuple[Step, ...]:
    """Return the steps of one axis; raises ``BadSweep``."""
    ways = [axis.values is not None, axis.first is not None, axis.variants is not None]
    if sum(ways) != 1:
        raise BadSweep(f"{key_path} needs one of values, from (with to and step) or variants.")
    if axis.variants is not None:
        if axis.key or axis.keys:
            raise BadSweep(f"{key_path}.variants set keys of their own; leave out key and keys.")
        steps = [Step(name, tuple(keys.items())) for name, keys in axis.variants.items()]
    else:
        keys = (*((axis.key,) if axis.key else ()), *axis.keys)
        if not keys:
            raise BadSweep(
                f'{key_path}.key is missing. Say what varies, such as "design.patients".'
            )
        values = axis.values if axis.values is not None else _range(key_path, axis)
        steps = [Step(_label(value), tuple((key, value) for key in keys)) for value in values]
    if not steps:
        raise BadSweep(f"{key_path} has no values. Give at least one.")
    seen: set[Label] = set()
    for step in steps:
        if step.label in seen:
            raise BadSweep(f"{key_path} has {step.label!r} twice. Leave one out.")
        seen.add(step.label)
    return tuple(steps)


def _range(key_path: str, axis: Axis) -> list[int | float]:
    """Values from the first to the last, both included; whole numbers stay whole."""
    first, last, step = axis.first, axis.to, axis.step
    if first is None or last is None or step is None or last < first:
        raise BadSweep(f"{key_path} needs from, to and step, with from at most to.")
    steps = (last - first) / step + 1e-9
    if not steps < _MOST_CELLS:
        raise BadSweep(f"{key_path} has {steps + 1:,.0f} values; at most {_MOST_CELLS:,}.")
    values = [round(first + number * step, _DECIMALS) for number in range(int(steps) + 1)]
    return [int(value) if value.is_integer() else value for value in values]


def _label(value: object) -> Label:
    """What a value is called in results; a table or an array by its JSON."""
    if isinstance(value, int | float | str):
        return value
    return json.dumps(value, separators=(",", ":"))


def _check_zips(tables: SweepTable, axes: Mapping[str, tuple[Step, ...]], path: Path) -> None:
    for name, axis in tables.axes.items():
        if axis.along is None:
            continue
        other = tables.axes.get(axis.along)
        if other is None or other.along is not None or axis.along == name:
            free = [key for key, its in tables.axes.items() if its.along is None and key != name]
            raise BadSweep(
                f"{path}: axes.{name}.zip is {axis.along!r}; it must be an axis that is not zipped"
                f" itself. {nearest(axis.along, free)}"
            )
        if len(axes[name]) != len(axes[axis.along]):
            raise BadSweep(
                f"{path}: axes.{name} has {len(axes[name])} values and axes.{axis.along}"
                f" {len(axes[axis.along])}; zipped axes need as many."
            )


def _labelled(
    tables: SweepTable, axes: Mapping[str, tuple[Step, ...]], path: Path
) -> Iterator[dict[str, Step]]:
    """Steps of every cell that meets the constraints, by axis."""
    rules = [condition(text, f"{path}: constraints") for text in tables.constraints]
    for rule in rules:
        rule.check_names(axes)
    free = [name for name, axis in tables.axes.items() if axis.along is None]
    cells = math.prod(len(axes[name]) for name in free)
    if cells > _MOST_CELLS:
        raise BadSweep(f"{path}: axes make {cells:,} cells; at most {_MOST_CELLS:,}. Thin them.")
    any_cell = False
    for places in itertools.product(*(range(len(axes[name])) for name in free)):
        position = dict(zip(free, places, strict=True))
        steps = {
            name: axes[name][position[axis.along or name]] for name, axis in tables.axes.items()
        }
        row = {name: step.label for name, step in steps.items()}
        if all(rule.holds(row) for rule in rules):
            any_cell = True
            yield steps
    if not any_cell:
        raise BadSweep(f"{path}: constraints leave no cell. Loosen one.")


def _check_reference(tables: SweepTable, axes: Mapping[str, tuple[Step, ...]], path: Path) -> None:
    for name, value in tables.reference.items():
        if name not in axes:
            raise BadSweep(
                f"{path}: {join_key('reference', name)} is no axis. {nearest(name, axes)}"
            )
        labels = [step.label for step in axes[name]]
        if _label(value) not in labels:
            raise BadSweep(
                f"{path}: reference.{name} is {value!r}; it must be one of"
                f" {', '.join(map(str, labels))}."
            )


def _cell(steps: Mapping[str, Step], base: Table, base_path: Path, path: Path) -> Variation:
    """Scenario of one cell; what is wrong with it is said with its place on the axes."""
    labels = {name: step.label for name, step in steps.items()}
    where = ", ".join(f"{name} = {label}" for name, label in labels.items())
    table = deepcopy(base)
    for name, step in steps.items():
        for key, value in step.changes:
            put(table, key, value, f"{path}: axes.{name}")
    try:
        scenario = scenario_from(table, base_path)
        ask_units(scenario)
    except BadScenario as error:
        raise BadScenario(f"{path}: cell with {where}: {error}") from None
    return Variation(labels, scenario)

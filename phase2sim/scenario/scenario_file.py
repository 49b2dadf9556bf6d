"""Scenario file -> Scenario: what the file says, checked key by key; parts stay names."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, TypeAdapter

from phase2sim.core.endpoint_definitions import DEFINITIONS
from phase2sim.core.endpoint_tables import EndpointTable, ResponseTable
from phase2sim.core.errors import BadScenario
from phase2sim.core.io.toml_files import check_numbers, read_toml
from phase2sim.core.io.validation import Table, leaves, validate
from phase2sim.core.io.views import View, Viewed
from phase2sim.scenario.definitions import with_definitions
from phase2sim.scenario.differences_in_units import with_plain_differences
from phase2sim.scenario.given_units import in_used_units
from phase2sim.scenario.key_checks import ask_units, check_effects, check_endpoints, check_windows
from phase2sim.scenario.tables import (
    Data,
    Events,
    Missing,
    Outcome,
    Part,
    Population,
    Shared,
    Stopping,
    TableModel,
    TruthTable,
)

_PUBLISHED_DESCRIPTION = (
    "One candidate trial, as its file says it.\n\n"
    '>>> scenario = load_scenario("scenarios/meld-atg.toml")\n'
    '>>> scenario.design["patients"], scenario.changed({"trials": 100}).trials\n'
    "(64, 100)"
)


class Scenario(Viewed, TableModel):
    """One candidate trial, as its TOML file defines it.

    ``load_scenario`` reads one. ``docs/reference/scenario.md`` lists every key with its unit and
    allowed values; the attributes have the names of the keys.

    Parameters
    ----------
    title : str
        Heading of every output; not empty.
    evidence : tuple of str, default ()
        Names of evidence files in ``priors/``, or paths.
    seed : int
        Start of every random stream, from 0 to 2**64 - 1.
    trials : int
        Number of trials to simulate per truth, from 1 to 1,000,000,000.
    failures_allowed : float, default 0.05
        Largest share of failed analyses with which a number is printed, from 0 to 1.
    population : Population, optional
        Patients who may enrol: their ages, months since diagnosis and baselines.
    design : dict
        Arms, number of patients and visits.
    outcome : dict of str to Outcome, optional
        By endpoint: mean, SD and course of untreated patients. Required without evidence.
    endpoint : dict of str to EndpointTable, optional
        By name: outcomes that do not ship with the program, with those of its evidence.
    response : dict of str to ResponseTable, optional
        By name: rules by which a patient is a responder.
    endpoint_correlation : float, optional
        Correlation of any two endpoints at one visit, between -1 and 1. That of the fitted prior if
        omitted.
    truth : TruthTable
        Effects under which trials are simulated.
    missing : Missing, optional
        Dropout and missed visits. None if omitted.
    recruitment : dict, optional
        Times of enrolment. All patients enrol at once if omitted.
    intercurrent : dict of str to dict, optional
        By kind of event: its rate, what it does to outcomes, and the estimand's strategy.
    events : dict of str to Events, optional
        By counted outcome: rate and dispersion in untreated patients.
    shared : Shared, optional
        Endpoints and months that patients are drawn with beyond those of the trial, so that
        scenarios compared with each other have the same patients.
    safety : dict, optional
        Rule that stops the trial for events in treated patients. None if omitted.
    data : Data, optional
        Units and codes of missing values of a data file for ``analyse``; nothing simulated reads
        them.
    assume : {"optimistic", "planned", "pessimistic"}, default "planned"
        Row of ``docs/methods/assume.md``: how well the trial is run.
    analysis : tuple of dict, (analysis,)
        Analyses, one or more, each with its ``method`` and options.
    decision : dict
        Rule that turns p-values into go or stop, with its ``kind`` and options.
    stopping : Stopping, optional
        Interim looks and their bounds. None if omitted.

    Attributes
    ----------
    path : Path
        File that the scenario was read from.
    digest : str
        SHA-256 of the values that simulations read; comments and layout do not change it.

    Examples
    --------
    >>> scenario = load_scenario("scenarios/meld-atg.toml")
    >>> scenario.design["patients"], scenario.changed({"trials": 100}).trials
    (64, 100)
    """

    # The published schema keeps its description, whatever this docstring adds.
    model_config = ConfigDict(json_schema_extra={"description": _PUBLISHED_DESCRIPTION})

    title: Annotated[str, Field(min_length=1)] = Field(description="For the heading.")
    evidence: tuple[str, ...] = Field(default=(), description="Names in priors/, or paths.")
    seed: Annotated[int, Field(ge=0, lt=2**64)] = Field(description="Starts every random stream.")
    trials: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="To simulate.")
    failures_allowed: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.05, description="Share of failed analyses above which no number is printed."
    )
    population: Population = Field(default=Population(), description="Who may enrol.")
    design: Part = Field(description="Who gets what, and when they are seen.")
    outcome: dict[str, Outcome] = Field(
        default_factory=dict,
        description="By endpoint: how untreated patients do; needed without evidence.",
    )
    endpoint: dict[str, EndpointTable] = Field(
        default_factory=dict,
        description="By name: an outcome that does not ship, or is derived from others, or "
        "counted. endpoints = 'file.toml' names a file of such tables instead; those of evidence "
        "files need not be repeated.",
    )
    response: dict[str, ResponseTable] = Field(
        default_factory=dict, description="By name: a rule by which a patient is a responder."
    )
    endpoint_correlation: Annotated[float, Field(gt=-1, lt=1)] | None = Field(
        default=None, description="Of any two endpoints at one visit; overrides the fitted prior."
    )
    truth: TruthTable = Field(description="What is taken to be true.")
    missing: Missing = Field(default=Missing(), description="Which outcomes are not seen.")
    recruitment: Part = Field(
        default_factory=lambda: {"kind": "at_once"}, description="When patients enrol."
    )
    intercurrent: dict[str, Part] = Field(
        default_factory=dict, description="By kind of event: its keys, and its strategy."
    )
    events: dict[str, Events] = Field(default_factory=dict, description="By counted outcome.")
    shared: Shared = Field(
        default=Shared(), description="What patients are drawn with beyond what the trial sees."
    )
    safety: Part | None = Field(
        default=None, description="When too many treated patients with an event stop the trial."
    )
    data: Data = Field(
        default=Data(), description="Units and missing values of a data file for `analyse`."
    )
    assume: Literal["optimistic", "planned", "pessimistic"] = Field(
        default="planned", description="How well the trial goes: one row of docs/methods/assume.md."
    )
    analysis: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        description="One table an analysis."
    )
    decision: Part = Field(description="From p-values to go or stop.")
    stopping: Stopping | None = Field(
        default=None, description="When a trial with interim looks stops."
    )
    _path: Path = PrivateAttr(default=Path("scenario"))
    _converted: tuple[str, ...] = PrivateAttr(default=())

    @property
    def path(self) -> Path:
        """The file it was read from, for messages and for finding evidence."""
        return self._path

    @property
    def converted(self) -> tuple[str, ...]:
        """A sentence on each number that the file gives in another unit than it is used in."""
        return self._converted

    @property
    def is_as_in_file(self) -> bool:
        """Whether its file says the same."""
        return self.path.is_file() and load_scenario(self.path).digest == self.digest

    def changed(self, values: Mapping[str, object]) -> "Scenario":
        """Return a copy with top-level keys changed; raises ``BadScenario``."""
        table = {**self.model_dump(mode="json"), **values}
        copy = validate(SCENARIO, table, "", self.path, BadScenario)
        copy._path, copy._converted = self._path, self._converted  # noqa: SLF001 - its own copy
        return copy

    def view(self) -> View:
        """Who gets what, what is hoped for, how it is judged."""
        design = self.design
        visits = ", ".join(f"{month:g}" for month in design.get("visits_months", ()))
        hoped = "; ".join(
            f"{name} {target.in_words()} at month {target.month:g}"
            for name, target in self.truth.target.items()
        )
        judged = "; ".join(
            f"{analysis.get('method')} of {analysis.get('endpoint')}"
            f" at month {analysis.get('month')}"
            for analysis in self.analysis
        )
        return View(
            self.title,
            ("", ""),
            tuple(
                (key, value)
                for key, value in (
                    ("file", str(self.path)),
                    ("arms", ", ".join(map(str, design.get("arms", ())))),
                    ("patients", str(design.get("patients"))),
                    ("visits", f"months {visits}"),
                    ("evidence", ", ".join(self.evidence)),
                    ("hoped for", hoped),
                    ("analyses", judged),
                    ("decision", str(self.decision.get("kind"))),
                    ("trials", f"{self.trials:,}, seed {self.seed}"),
                )
                if value
            ),
            words=2,
        )

    @property
    def digest(self) -> str:
        """Sha256 of what the file says of simulations, whatever its comments and layout."""
        left_out = {"data", *(key for key in DEFINITIONS if not getattr(self, key))}
        return hashlib.sha256(self.model_dump_json(exclude=left_out).encode()).hexdigest()


SCENARIO: TypeAdapter[Scenario] = TypeAdapter(Scenario)


def load_scenario(path: Path | str, settings: Sequence[str] = ()) -> Scenario:
    """Read a scenario file and apply settings to it.

    Parameters
    ----------
    path : Path or str
        Scenario file, TOML.
    settings : sequence of str, default ()
        Changes of the form ``key.path=value``, as for ``--set``; the value is written as in TOML.
        Entries of an array count from 1: ``analysis.1.month=12``.

    Returns
    -------
    Scenario
        Scenario with every key checked.

    Raises
    ------
    BadScenario
        If the file cannot be read, or a key or value is not allowed. The message names the file,
        the key, its value and the allowed values.

    Examples
    --------
    >>> load_scenario("scenarios/meld-atg.toml", ["design.patients=128"]).design["patients"]
    128
    """
    path = Path(path)
    table = read_toml(path, BadScenario)
    _check_kind(table, path)
    for setting in settings:
        put_setting(table, setting, path)
    scenario = scenario_from(table, path)
    ask_units(scenario)
    return scenario


def _check_kind(table: Table, path: Path) -> None:
    """Refuse a sweep or an evidence file by its kind, not by the keys that it lacks."""
    if "base" in table and "design" not in table:
        raise BadScenario(f"{path}: is a sweep file. Use `phase2sim sweep`, or name its base.")
    if "study" in table and "design" not in table:
        raise BadScenario(
            f"{path}: is an evidence file. Use `phase2sim evidence show`, or name a scenario."
        )


def scenario_from(table: Table, path: Path) -> Scenario:
    """Check the tables of a scenario file; raises ``BadScenario``, naming ``path``."""
    check_numbers(table, path, BadScenario)
    table = with_definitions(table, path)
    table, converted = with_plain_differences(table, path)
    scenario = validate(SCENARIO, table, "", path, BadScenario)
    check_endpoints(scenario, path)
    check_windows(scenario.population, path)
    if _names_unit(table):
        dumped = scenario.model_dump(mode="json", exclude_unset=True)
        table, also_converted = in_used_units(dumped, path)
        converted += also_converted
        scenario = validate(SCENARIO, table, "", path, BadScenario)
    check_effects(scenario, path)
    scenario._path, scenario._converted = path, converted  # noqa: SLF001 - its own loader
    return scenario


def _names_unit(table: Table) -> bool:
    return any(key_path.rsplit(".", 1)[-1] == "unit" for key_path, _ in leaves(table, ""))


def put_setting(table: Table, setting: str, path: Path) -> None:
    """Set one key from the command line: ``key.path=value``."""
    key, equals, text = setting.partition("=")
    key_path = f"{path}: --set {setting}"
    if not (equals and key.strip()):
        raise BadScenario(f"{key_path}: write it as key.path=value.")
    put(table, key.strip(), read_value(text), key_path)


def put(table: Table, key: str, value: object, key_path: str) -> None:
    """Set one key of a scenario's tables; ``analysis.1.month`` counts entries from 1.

    Raises ``BadScenario`` that begins with ``key_path``, where the key is asked for.
    """
    *parents, last = key.split(".")
    node: Any = table
    for parent in parents:
        node = _child(node, parent, key_path)
    match node:
        case list():
            node[_index(node, last, key_path)] = value
        case dict():
            node[last] = value
        case _:
            raise BadScenario(f"{key_path}: {'.'.join(parents)} holds no keys. Correct it.")


def _child(node: Any, key: str, key_path: str) -> Any:  # noqa: ANN401 - TOML
    match node:
        case list():
            return node[_index(node, key, key_path)]
        case dict():
            return node.setdefault(key, {})
        case _:
            raise BadScenario(f"{key_path}: what stands before .{key} holds no keys. Correct it.")


def _index(node: list[Any], key: str, key_path: str) -> int:
    if not (key.isdecimal() and 1 <= int(key) <= len(node)):
        raise BadScenario(f"{key_path}: {key!r} must be a number from 1 to {len(node)}.")
    return int(key) - 1


def read_value(text: str) -> Any:  # noqa: ANN401 - TOML
    """Return a value as TOML says it, or the text itself if it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # a TOML error is a ValueError
        return text.strip()  # a bare word is text

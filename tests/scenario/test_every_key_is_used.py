"""Every key of every table moves a simulated trial, or is refused with the reason."""

from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.key_probes import LOST, TABLE_PROBES
from support.part_probes import PART_PROBES, shaped
from support.small_trials import Table

from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assembly.registry import KEYS
from phase2sim.scenario.assembly.true_effects import with_known_values
from phase2sim.scenario.assembly.unread_keys import refuse_unread
from phase2sim.scenario.scenario_file import put, scenario_from
from phase2sim.scenario.schema import part_schemas, scenario_schema
from phase2sim.trial.engine import simulate_batch

_PATH = Path("scenario.toml")
_TRIALS = 15
_TABLES = ("Cuts", "Events", "Limits", "Missing", "Outcome", "Percent", "PlannedLook", "Population",
           "PriorTruth", "Responder", "Shared", "Stopping", "TargetEffect", "TruthTable",
           "VisitCorrelation")  # fmt: skip
# What a batch of simulated trials does not show, and where it is shown.
ELSEWHERE = {
    "Missing.delta": "test_a_shift_of_the_lost_moves_what_is_true",
    "shapes.linear.full_at_months": "test_a_key_that_no_target_reads_is_refused",
    "title": "heading of every screen",
    "data": "its own keys",
    "Data.unit": "tests/studies/test_real_data.py",
    "Data.missing": "tests/studies/test_real_data.py",
    "evidence": "tests/prior",
    "trials": "tests/operating",
    "failures_allowed": "tests/cli/test_commands.py",
    "truth": "its own keys",
    "outcome": "its own keys",
    "population": "its own keys",
    "stopping": "its own keys",
    "missing": "its own keys",
    "shared": "its own keys",
    "TruthTable.prior": "tests/operating/test_shipped_scenarios.py",
    "PriorTruth.robust_weight": "tests/operating/test_shipped_scenarios.py",
    "Population.months_since_diagnosis": "tests/operating/test_shipped_scenarios.py",
    "Stopping.uninteresting_share": "tests/studies/test_arm_boundary_table.py",
    "Stopping.verdict": "tests/trial/interim/test_looks.py",
    "analyses.*.name": "name of the row",
    "analyses.*.factors": "tests/cli/test_analyse_and_replay.py",
    "analyses.*.tipping_alpha": "tests/analyses/imputation",
    "analyses.*.unit": "tests/scenario/test_given_units.py",
    "analyses.*.estimand": "tests/scenario/assembly/test_true_effects.py",
    "analyses.*.arm": "tests/decisions/test_dose_response.py",
    "TargetEffect.unit": "tests/scenario/test_given_units.py",
    "Outcome.unit": "tests/scenario/test_given_units.py",
    "Limits.unit": "tests/scenario/test_given_units.py",
    "Cuts.unit": "tests/scenario/test_given_units.py",
    "Cuts.at": "tests/scenario/test_given_units.py",
    "Events.unit": "tests/scenario/test_given_units.py",
}


def keys_of_schema() -> set[str]:
    """Every key of a scenario file: at the top, of a table, and of a part."""
    schema = scenario_schema()
    keys = set(schema["properties"])
    keys |= {f"{t}.{key}" for t in _TABLES for key in schema["$defs"][t]["properties"]}
    for kind, name_key in KEYS.items():
        for part, its in part_schemas(kind).items():
            keys |= {f"{kind}.{part}.{key}" for key in its["properties"] if key != name_key}
    return keys


def numbers(value: Any) -> list[bytes]:  # noqa: ANN401 - whatever a batch holds
    """Every array and number of a batch of trials."""
    if isinstance(value, np.ndarray):
        return [np.ascontiguousarray(value).tobytes()]
    if is_dataclass(value) and not isinstance(value, type):
        return [part for f in fields(value) for part in numbers(getattr(value, f.name))]
    if isinstance(value, dict):
        return [part for inner in value.values() for part in numbers(inner)]
    if isinstance(value, list | tuple):
        return [part for inner in value for part in numbers(inner)]
    return [repr(value).encode()]


def output(table: Table, *, known: bool = False) -> list[bytes]:
    """What a few simulated trials give, under every truth."""
    built = build_scenario(scenario_from(table, _PATH))
    assembled = assemble(built, None)
    refuse_unread(built)
    if known:
        return numbers(dict(with_known_values(assembled).study.known))
    bounds = getattr(built.study.interim and built.study.interim.rule, "planned", None)
    trials = [simulate_batch(assembled.study, s, 0, _TRIALS) for s in assembled.sources]
    return numbers((bounds, trials))


@cache
def _base_output(text: str) -> list[bytes]:
    return output(eval(text))  # noqa: S307 - the repr of a table of ours


def moved(base: Table, changes: Table) -> bool:
    table = deepcopy(base)
    for key, value in changes.items():
        put(table, key, value, "test")
    return output(table) != _base_output(repr(base))


PROBES = {**TABLE_PROBES, **PART_PROBES}


@pytest.mark.parametrize("key", sorted(PROBES))
def test_a_key_moves_a_simulated_trial(key: str) -> None:
    base, changes = PROBES[key]

    assert moved(base, changes)


def test_a_shift_of_the_lost_moves_what_is_true() -> None:
    shifted = LOST | {"missing": LOST["missing"] | {"delta": {"c_peptide": 0.2}}}
    changed = LOST | {"missing": LOST["missing"] | {"delta": {"c_peptide": -0.2}}}
    treated = {"mechanism": "mcar", "share": 0.3, "by_month": 12, "hazard_ratio_treated": 2.0}
    for table in (shifted, changed):
        table["missing"]["dropout"] = treated

    assert output(shifted, known=True) != output(changed, known=True)


def test_a_key_that_no_target_reads_is_refused() -> None:
    with pytest.raises(BadScenario, match=r"truth\.target\.c_peptide\.full_at_months is not used"):
        moved(shaped("linear"), {"truth.target.c_peptide.full_at_months": 6})


def test_no_key_of_a_table_is_missing_from_the_list() -> None:
    parts = ("analyses.", "decisions.")  # their options: tests/analyses, tests/decisions
    listed = {*PROBES, *ELSEWHERE}

    missing = [
        key
        for key in keys_of_schema()
        if key not in listed
        and ".".join([key.split(".")[0], "*", *key.split(".")[2:]]) not in listed
        and not key.startswith(parts)
    ]

    assert sorted(missing) == []
    assert sorted(PROBES.keys() & ELSEWHERE.keys()) == []

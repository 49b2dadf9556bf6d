"""Every key of every table moves a simulated trial, or is refused with the reason."""

from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from support.kept_prior import PRIORS, draws_for, shipped_evidence
from support.key_probes import LOST, TABLE_PROBES
from support.option_probes import OPTION_PROBES, REFUSED_OPTIONS
from support.part_probes import PART_PROBES, shaped
from support.small_trials import Table, two_endpoints

from phase2sim.core.endpoint_tables import (
    ConversionTable,
    EndpointTable,
    HistoryTable,
    ResponseTable,
    RuleTable,
)
from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import read_evidence
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assembly.registry import KEYS
from phase2sim.scenario.assembly.true_effects import with_known_values
from phase2sim.scenario.assembly.unread_keys import refuse_unread
from phase2sim.scenario.scenario_file import put, scenario_from
from phase2sim.scenario.schema import part_schemas, scenario_schema
from phase2sim.trial.engine import simulate_batch

_PATH = Path("scenario.toml")


def keys_of(table: type[BaseModel]) -> list[str]:
    return [f"{table.__name__}.{key}" for key in table.model_fields]


_TRIALS = 15
_TABLES = ("AnalysisMixture", "BackgroundEffect", "BackgroundTable", "ConversionTable", "Curve",
           "Cuts", "Data", "EndpointTable", "EntryTable", "Events", "HistoryTable", "InUnit",
           "Limits", "Missing", "Outcome", "Percent", "PlannedLook", "Population", "PriorTruth",
           "Responder", "ResponseTable", "RuleTable", "Shared", "Stopping", "TargetEffect",
           "TruthTable", "VisitCorrelation")  # fmt: skip
_UNITS = "scenario/test_given_units.py"
_DEFINED = "core/test_endpoint_definitions.py"
_ENTRANTS = "trial/patients/test_entrants.py"
# What a batch of simulated trials does not show, and the test that shows it.
ELSEWHERE = {
    **dict.fromkeys(
        (
            "endpoint",
            "response",
            *keys_of(EndpointTable),
            *keys_of(ConversionTable),
            *keys_of(ResponseTable),
            *keys_of(RuleTable),
        ),
        f"{_DEFINED}::test_a_file_defines_endpoints_derived_outcomes_events_and_responses",
    ),
    **dict.fromkeys(
        keys_of(HistoryTable),
        f"{_DEFINED}::test_a_stable_course_is_one_line_and_other_priors_stay_stated",
    ),
    "Missing.delta": "test_a_shift_of_the_lost_moves_what_is_true",
    "shapes.linear.full_at_months": "test_a_key_that_no_target_reads_is_refused",
    "title": "test_the_title_is_the_heading",
    "analyses.*.name": "test_the_name_of_an_analysis_is_that_of_its_verdict",
    "trials": "test_more_trials_are_more_outcomes",
    "EntryTable.mean": f"{_ENTRANTS}::test_patients_enter_with_the_stated_mean_and_sd",
    "EntryTable.sd": f"{_ENTRANTS}::test_patients_enter_with_the_stated_mean_and_sd",
    "EntryTable.within": f"{_ENTRANTS}::test_patients_enter_with_the_stated_mean_and_sd",
    "evidence": "test_other_evidence_is_another_prior",
    "TruthTable.prior": "test_a_key_of_the_prior_moves_a_simulated_trial",
    "PriorTruth.robust_weight": "test_a_key_of_the_prior_moves_a_simulated_trial",
    "PriorTruth.why": "operating/test_judgements.py::"
    "test_the_reason_for_the_weight_is_printed_and_moves_no_trial",
    "Population.months_since_diagnosis": "test_a_key_of_the_prior_moves_a_simulated_trial",
    **dict.fromkeys(
        ("BackgroundTable.name", "BackgroundTable.why"),
        "operating/test_judgements.py::test_background_therapy_is_printed_with_its_reason",
    ),
    "Population.care": "test_a_key_of_the_prior_moves_a_simulated_trial",
    "Population.care_why": "operating/test_judgements.py::"
    "test_care_of_the_trial_is_printed_with_its_reason_or_as_left_out",
    "failures_allowed": "cli/test_commands.py::"
    "test_more_failures_than_allowed_end_with_exit_code_1",
    "Data.unit": "studies/test_real_data.py::"
    "test_hba1c_in_mmol_per_mol_agrees_with_the_same_data_in_percent",
    "Data.missing": "studies/test_real_data.py::test_codes_of_missing_values_are_left_out",
    "Stopping.uninteresting_share": "studies/test_arm_boundary_table.py::"
    "test_the_least_favourable_truth_leaves_the_others_what_is_not_worth_having",
    "InUnit.value": f"{_UNITS}::test_difference_with_its_unit_is_converted",
    "InUnit.unit": f"{_UNITS}::test_difference_with_its_unit_is_converted",
    "TargetEffect.unit": f"{_UNITS}::test_effect_in_mmol_per_mol_is_a_tenth_in_percent",
    "Outcome.unit": f"{_UNITS}::test_means_and_sds_of_hba1c_follow_the_master_equation",
    "Limits.unit": f"{_UNITS}::test_limits_are_converted",
    "Cuts.unit": f"{_UNITS}::test_limits_are_converted",
    "Cuts.at": f"{_UNITS}::test_limits_are_converted",
    "Events.unit": f"{_UNITS}::test_limits_are_converted",
}
# Tables whose keys are listed themselves.
LISTED_BELOW = {"data", "missing", "outcome", "population", "shared", "stopping", "truth"}
PRIOR = {
    name: value
    for name, value in two_endpoints(evidence=["gxipc1.toml", "t1d-natural-history.toml"]).items()
    if name not in {"outcome", "endpoint_correlation"}
}
PRIOR_PROBES: dict[str, Table] = {
    "TruthTable.prior": {"truth.prior": {"robust_weight": 0.8}},
    "PriorTruth.robust_weight": {"truth.prior": {"robust_weight": 0.3}},
    "Population.months_since_diagnosis": {"population.months_since_diagnosis": [2, 3]},
    "Population.care": {"population.care": {"sensor_share": 0.8}},
}


def keys_of_schema() -> set[str]:
    """Every key of a scenario file: at the top, of a table, and of a part."""
    schema = scenario_schema()
    keys = set(schema["properties"])
    keys |= {f"{t}.{key}" for t in _TABLES for key in schema["$defs"][t]["properties"]}
    for event, its in schema["properties"]["intercurrent"]["properties"].items():
        keys |= {f"intercurrent.{event}.{key}" for key in its["properties"]}
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


def output(table: Table, *, known: bool = False, prior: PriorDraws | None = None) -> list[bytes]:
    """What a few simulated trials give, under every truth."""
    built = build_scenario(scenario_from(table, _PATH))
    assembled = assemble(built, prior)
    refuse_unread(built)
    if known:
        return numbers(dict(with_known_values(assembled).study.known))
    bounds = getattr(built.study.interim and built.study.interim.rule, "planned", None)
    trials = [simulate_batch(assembled.study, s, 0, _TRIALS) for s in assembled.sources]
    return numbers((bounds, trials))


@cache
def _base_output(text: str) -> list[bytes]:
    return output(eval(text))  # noqa: S307 - the repr of a table of ours


def changed(base: Table, changes: Table) -> Table:
    table = deepcopy(base)
    for key, value in changes.items():
        put(table, key, value, "test")
    return table


def moved(base: Table, changes: Table) -> bool:
    return output(changed(base, changes)) != _base_output(repr(base))


PROBES = {
    **TABLE_PROBES,
    **PART_PROBES,
    **{key: probe for key, probe in OPTION_PROBES.items() if key not in REFUSED_OPTIONS},
}


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


@pytest.mark.parametrize("key", sorted(REFUSED_OPTIONS))
def test_an_option_that_would_move_nothing_is_refused(key: str) -> None:
    base, changes = OPTION_PROBES[key]
    _base_output(repr(base))

    with pytest.raises(BadScenario) as caught:
        output(changed(base, changes))

    assert REFUSED_OPTIONS[key] in str(caught.value)


@pytest.mark.parametrize("key", sorted(PRIOR_PROBES))
def test_a_key_of_the_prior_moves_a_simulated_trial(key: str) -> None:
    base = PRIOR if key == "TruthTable.prior" else changed(PRIOR, PRIOR_PROBES["TruthTable.prior"])
    prior = draws_for(shipped_evidence())

    assert output(base, prior=prior) != output(changed(base, PRIOR_PROBES[key]), prior=prior)


def test_other_evidence_is_another_prior() -> None:
    digests = {
        read_evidence(
            scenario_from(PRIOR | {"evidence": names}, _PATH).evidence, PRIORS / "trial.toml"
        ).digest
        for names in (PRIOR["evidence"], PRIOR["evidence"][1:])
    }

    assert len(digests) == 2


def test_the_title_is_the_heading() -> None:
    table = PROBES["seed"][0] | {"title": "A name"}

    assert scenario_from(table, _PATH).view().title == "A name"


def test_the_name_of_an_analysis_is_that_of_its_verdict() -> None:
    base, changes = OPTION_PROBES["analyses.ancova.month"][0], {"analysis.1.name": "main"}
    scenario = scenario_from(changed(base, changes), _PATH)

    assert build_scenario(scenario).study.verdicts == ("main", "other", "another")


def test_more_trials_are_more_outcomes() -> None:
    simulated = [
        simulate(scenario_from(PROBES["seed"][0] | {"trials": trials}, _PATH), workers=1)
        for trials in (20, 40)
    ]

    assert [result.trials for result in simulated] == [20, 40]


def test_ranks_do_not_depend_on_what_a_value_below_the_limit_becomes() -> None:
    below = {"analysis.1.lloq": 0.3, "analysis.1.below_lloq": "half"}

    with pytest.raises(BadScenario, match=r"analysis\[1\]\.below_lloq is not used: ranks"):
        output(changed(OPTION_PROBES["analyses.rank_ancova.month"][0], below))


def test_a_strategy_for_counted_events_alone_is_refused() -> None:
    stopped = {"share": 0.3, "by_month": 12, "half_life_months": 0, "strategy": "hypothetical"}

    with pytest.raises(BadScenario, match=r"intercurrent\.discontinuation\.strategy is not used"):
        output(changed(PROBES["events"][0], {"intercurrent.discontinuation": stopped}))


def test_events_are_counted_whatever_happened_beside_values_that_are_not() -> None:
    base = OPTION_PROBES["analyses.poisson.month"][0]
    strategy = {"intercurrent.discontinuation.strategy": "hypothetical"}
    study = build_scenario(scenario_from(changed(base, strategy), _PATH)).study

    assert study.aim(0).strategies == ("treatment_policy",)
    assert study.aim(1).strategies == ("hypothetical",)


def test_no_key_of_a_table_is_missing_from_the_list() -> None:
    listed = {*PROBES, *ELSEWHERE, *REFUSED_OPTIONS, *LISTED_BELOW}

    missing = [
        key
        for key in keys_of_schema()
        if key not in listed
        and ".".join([key.split(".")[0], "*", *key.split(".")[2:]]) not in listed
    ]

    assert sorted(missing) == []
    assert sorted(PROBES.keys() & ELSEWHERE.keys()) == []
    assert keys_of_schema() >= LISTED_BELOW
    with_keys = {t for t, its in scenario_schema()["$defs"].items() if "properties" in its}
    assert with_keys == set(_TABLES)


@pytest.mark.parametrize("where", sorted(set(ELSEWHERE.values())))
def test_what_is_shown_elsewhere_is_shown_there(where: str) -> None:
    file, _, name = where.rpartition("::")
    path = Path(__file__).parents[1] / file if file else Path(__file__)

    assert f"def {name}(" in path.read_text(encoding="utf-8")

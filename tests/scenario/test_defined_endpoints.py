"""Scenarios of endpoints that they define themselves: any outcome, with no Python."""

import pickle
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.commands import phase2sim

from phase2sim import simulate
from phase2sim.core.backends import backend
from phase2sim.core.catalogue import added_definitions
from phase2sim.core.endpoints import ENDPOINTS, SHIPPED_TABLES
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.as_toml import toml_text
from phase2sim.scenario.scenario_file import Scenario, load_scenario, scenario_from

PATH = Path("lungs.toml")
VOLUME: dict[str, Any] = {
    "label": "FEV1",
    "unit": "L",
    "units": {"mL": {"divide_by": 1000.0}},
    "benefit": "higher",
    "plausible": [0.2, 6.0],
}
SD, CORRELATION, EFFECT, PATIENTS = 0.5, 0.8, 0.12, 160
TABLE: dict[str, Any] = {
    "title": "Lungs",
    "seed": 3,
    "trials": 4_000,
    "endpoint": {"volume": VOLUME},
    "design": {
        "kind": "fixed", "arms": ["placebo", "active"], "patients": PATIENTS,
        "visits_months": [0, 6],
    },
    "outcome": {"volume": {"control_mean": 1.5, "sd": SD, "correlation": CORRELATION}},
    "truth": {"target": {"volume": {"effect": EFFECT, "month": 6, "shape": "immediate"}}},
    "analysis": [{"endpoint": "volume", "month": 6, "method": "ancova"}],
    "decision": {"kind": "significance", "one_sided_alpha": 0.025},
}  # fmt: skip


def scenario(**changes: Any) -> Scenario:  # noqa: ANN401 - tables
    return scenario_from(deepcopy(TABLE) | changes, PATH)


def test_power_is_that_of_the_t_distribution() -> None:
    result = simulate(scenario())

    residual = SD * np.sqrt(1.0 - CORRELATION**2)
    freedom = PATIENTS - 3
    shift = EFFECT / (residual * np.sqrt(4.0 / PATIENTS))
    exact = stats.nct.sf(stats.t.ppf(0.975, freedom), freedom, shift)
    assert abs(result.power["volume"].estimate - exact) < 4.0 * result.power["volume"].mcse + 0.002


def test_a_defined_endpoint_is_simulated_as_a_shipped_one() -> None:
    """Only the name differs, and with it the random numbers."""
    own = SHIPPED_TABLES["endpoint"]["c_peptide"]
    numbers = {"control_mean": 0.4, "sd": 0.2, "correlation": 0.6}
    results = []
    for name, tables in (("c_peptide", {}), ("peptide", {"endpoint": {"peptide": own}})):
        table = {key: value for key, value in TABLE.items() if key != "endpoint"} | tables
        table["outcome"] = {name: numbers}
        table["truth"] = {"target": {name: {"effect": 0.1, "month": 6, "shape": "immediate"}}}
        table["analysis"] = [{"endpoint": name, "month": 6, "method": "ancova"}]
        results.append(simulate(scenario_from(table, PATH)).power[name])

    apart = abs(results[0].estimate - results[1].estimate)
    assert apart < 4.0 * np.hypot(results[0].mcse, results[1].mcse)


def test_numbers_may_be_in_a_further_unit() -> None:
    in_ml = scenario(
        truth={
            "target": {
                "volume": {"effect": 120, "unit": "mL", "month": 6, "shape": "immediate"},
            }
        }
    )

    assert in_ml.truth.target["volume"].effect == pytest.approx(EFFECT)
    assert in_ml.converted == ("truth.target.volume.effect: 120 mL is 0.12 L.",)


def test_a_large_effect_is_asked_about_in_the_units_of_the_endpoint(tmp_path: Path) -> None:
    file = tmp_path / "lungs.toml"
    large = deepcopy(TABLE)
    large["truth"]["target"]["volume"]["effect"] = 1.5
    file.write_text(toml_text(scenario_from(large, file)))

    run = phase2sim("run", file)

    assert run.exit_code == 2
    assert "truth.target.volume.effect is 1.5, in which unit?" in run.stderr


def test_derived_outcomes_responders_and_events_of_a_file() -> None:
    more = deepcopy(TABLE)
    more["endpoint"] |= {
        "capacity": VOLUME | {"label": "FVC", "plausible": [0.4, 9.0]},
        "lung_ratio": {
            "label": "FEV1/FVC", "unit": "share", "benefit": "higher", "plausible": [0.05, 2.0],
            "formula": "volume / capacity",
        },
        "exacerbations": {"label": "exacerbations", "counted": True},
    }  # fmt: skip
    more["response"] = {
        "clearly_better": {
            "endpoint": "volume", "rule": {"above_baseline_by": 0.1}, "label": "up by 100 mL",
        }
    }  # fmt: skip
    more |= {"trials": 200, "endpoint_correlation": 0.5}
    more["outcome"]["capacity"] = {"control_mean": 3.0, "sd": SD, "correlation": CORRELATION}
    more["events"] = {"exacerbations": {"per_month": 0.1, "rate_ratio": 0.6}}
    more["analysis"] += [
        {"endpoint": "lung_ratio", "month": 6, "method": "ancova"},
        {
            "endpoint": "volume", "month": 6, "method": "miettinen_nurminen",
            "responder": "clearly_better", "name": "better",
        },
        {"endpoint": "exacerbations", "month": 6, "method": "poisson"},
    ]  # fmt: skip
    more["decision"] = {"kind": "holm", "one_sided_alpha": 0.025}

    result = simulate(scenario_from(more, PATH))

    assert {"volume_month_6", "lung_ratio", "better", "exacerbations"} <= set(result.power)
    assert all(0.0 < result.power[name].estimate < 1.0 for name in ("better", "exacerbations"))


def test_a_written_scenario_reads_as_the_same() -> None:
    first = scenario()

    again = scenario_from(tomllib.loads(toml_text(first)), PATH)

    assert again.digest == first.digest


def test_what_an_endpoint_means_is_part_of_the_digest() -> None:
    with_more = scenario(endpoint={"volume": VOLUME, "volume_of_others": VOLUME})

    assert with_more.digest != scenario().digest


def test_evidence_defines_for_the_scenarios_that_name_it(tmp_path: Path) -> None:
    evidence = tmp_path / "lungs-evidence.toml"
    evidence.write_text(
        'endpoints = "lungs-endpoints.toml"\n[study]\nname = "A"\ndesign = "control-arm"\n'
        'patients = 30\nclock = "entry"\nsource = "made up"\n[[reported]]\nendpoint = "flow"\n'
        'month = 0\nmean = 300\nsd = 90\nunit = "L/min"\n'
    )
    (tmp_path / "lungs-endpoints.toml").write_text(
        '[endpoint.flow]\nlabel = "peak flow"\nunit = "L/min"\nbenefit = "higher"\n'
        "plausible = [40, 900]\n"
    )
    table = {key: value for key, value in TABLE.items() if key not in {"endpoint", "outcome"}}
    table["evidence"] = ["lungs-evidence.toml"]
    table["truth"] = {"target": {"flow": {"effect": 20, "month": 6, "shape": "immediate"}}}
    table["analysis"] = [{"endpoint": "flow", "month": 6, "method": "ancova"}]

    loaded = scenario_from(table, tmp_path / "trial.toml")

    assert loaded.endpoint["flow"].label == "peak flow"
    assert ENDPOINTS["flow"].unit == "L/min"


def test_two_files_cannot_mean_different_things_by_one_name(tmp_path: Path) -> None:
    scenario()
    other = tmp_path / "other.toml"
    table = deepcopy(TABLE) | {"endpoint": {"volume": VOLUME | {"unit": "dL", "units": {}}}}

    with pytest.raises(BadScenario, match=r"other\.toml: endpoint\.volume is defined differently"):
        scenario_from(table, other)


def test_unknown_endpoints_are_refused_with_those_that_are_known() -> None:
    table = deepcopy(TABLE)
    table["outcome"]["volum"] = table["outcome"].pop("volume")

    with pytest.raises(BadScenario, match=r"outcome\.volum is not an endpoint.*'volume'"):
        scenario_from(table, PATH)


def test_definitions_reach_the_processes_of_a_cluster() -> None:
    scenario()

    assert pickle.loads(pickle.dumps(added_definitions())) == added_definitions()  # noqa: S301
    with backend(1, "local") as cluster:
        label = cluster.submit(_label_of, "volume").result()

    assert label == "FEV1"


def _label_of(name: str) -> str:
    return ENDPOINTS[name].label


def test_load_scenario_reads_definitions(tmp_path: Path) -> None:
    file = tmp_path / "lungs.toml"
    file.write_text(toml_text(scenario()))

    assert load_scenario(file).endpoint["volume"].unit == "L"

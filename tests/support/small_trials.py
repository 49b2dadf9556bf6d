"""Scenarios for tests, as the tables that a file would hold."""

from typing import Any

from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.scenario_file import SCENARIO, Scenario

type Table = dict[str, Any]


def two_endpoints(**changes: object) -> Table:
    """Return HbA1c and C-peptide at four visits, 40 patients, with ``changes`` of whole tables."""
    table: Table = {
        "title": "Two endpoints at four visits",
        "seed": 20260,
        "trials": 1000,
        "design": {
            "kind": "fixed",
            "arms": ["placebo", "active"],
            "patients": 40,
            "visits_months": [0, 3, 6, 12],
        },
        "outcome": {
            "hba1c": {
                "control_mean": [8.0, 7.4, 7.2, 7.6],
                "sd": [1.4, 1.1, 1.2, 1.3],
                "correlation": {"share": 0.4, "per_month": 0.9},
            },
            "c_peptide": {
                "control_mean": [0.55, 0.5, 0.45, 0.4],
                "sd": [0.25, 0.26, 0.28, 0.3],
                "correlation": {"share": 0.4, "per_month": 0.9},
            },
        },
        "endpoint_correlation": -0.35,
        "truth": {
            "target": {
                "hba1c": {"effect": -0.8, "month": 12, "shape": "linear"},
                "c_peptide": {"effect": 0.2, "month": 12, "shape": "linear"},
            }
        },
        "analysis": [
            {"endpoint": "hba1c", "month": 12, "method": "ancova"},
            {"endpoint": "c_peptide", "month": 12, "method": "ancova"},
        ],
        "decision": {"kind": "co_primary", "one_sided_alpha": 0.025},
    }
    return table | changes


def one_endpoint(**changes: object) -> Table:
    """Return C-peptide at baseline and month 12, 40 patients, with ``changes`` of whole tables."""
    table = two_endpoints(
        design=design(40, [0, 12]),
        outcome={"c_peptide": {"control_mean": 0.5, "sd": 0.3, "correlation": 0.7}},
        truth={"target": {"c_peptide": {"effect": 0.2, "month": 12, "shape": "linear"}}},
        analysis=[{"endpoint": "c_peptide", "month": 12, "method": "ancova"}],
        decision={"kind": "significance", "one_sided_alpha": 0.025},
    )
    del table["endpoint_correlation"]
    return table | changes


def design(patients: int, visits_months: list[float], **options: object) -> Table:
    return {
        "kind": "fixed",
        "arms": ["placebo", "active"],
        "patients": patients,
        "visits_months": visits_months,
    } | options


def scenario(table: Table) -> Scenario:
    return SCENARIO.validate_python(table)


def assembled(table: Table) -> AssembledScenario:
    return assemble(build_scenario(scenario(table)), None)

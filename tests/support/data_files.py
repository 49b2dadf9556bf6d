"""Data files of patients for `analyse`, and a scenario that reads them."""

import csv
from collections.abc import Iterable
from pathlib import Path

from support.readings import PUBLISHED
from support.small_trials import Table, design, one_endpoint, scenario

from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario

PATIENTS = PUBLISHED / "patients"
HBA1C: Table = {
    "outcome": {"hba1c": {"control_mean": 8.0, "sd": 1.0, "correlation": 0.5}},
    "truth": {"target": {"hba1c": {"effect": -0.5, "month": 6, "shape": "immediate"}}},
}
COUNTS: Table = {"hypoglycaemia": {"per_month": 0.5}}


def hba1c_trial(*visits: float, **changes: object) -> BuiltScenario:
    """HbA1c of ``control`` and ``drug`` at the visits, analysed at month 6 by ANCOVA."""
    analysis = {"endpoint": "hba1c", "month": 6.0, "method": "ancova"}
    return built(
        **HBA1C
        | {
            "design": design(40, [0, *(visits or (6.0,))], arms=["control", "drug"]),
            "analysis": [analysis],
        }
        | changes
    )


def c_peptide_trial(**changes: object) -> BuiltScenario:
    """C-peptide of ``control`` and ``drug`` at month 6 by ANCOVA."""
    analysis = {"endpoint": "c_peptide", "month": 6.0, "method": "ancova"}
    plan = design(40, [0, 6.0], arms=["control", "drug"])
    return built(design=plan, analysis=[analysis], **changes)


def built(**changes: object) -> BuiltScenario:
    return build_scenario(scenario(one_endpoint(**changes)))


def lines_of(name: str) -> list[str]:
    return (PATIENTS / name).read_text(encoding="utf-8").splitlines()


def rows_of_file(name: str) -> list[dict[str, str]]:
    with (PATIENTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def csv_file(folder: Path, lines: Iterable[str]) -> Path:
    path = folder / "patients.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path

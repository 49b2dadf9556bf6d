"""Three looks at a trial against the same trial with none: ANCOVA, and the looks in general.

Target: at most 2.5 times the time of the fixed design (ANCOVA, two interim looks and the end, 120
patients, 4 visits, dropout). The same for a mixed model, which fits at every look, is printed too.
"""

from functools import partial
from typing import Any

from side_by_side import engine, in_turns, processor_seconds, ratio, speed, stay_on_one_core

TRIALS = {"ancova": 10_000, "mmrm": 1_000}
COMMON: dict[str, Any] = {
    "title": "Three looks",
    "seed": 1,
    "trials": 1_000,
    "recruitment": {"kind": "poisson", "per_month": 6.0},
    "outcome": {"c_peptide": {"control_mean": 0.45, "sd": 0.25, "correlation": 0.7}},
    "truth": {"target": {"c_peptide": {"effect": 0.1, "month": 12, "shape": "linear"}}},
    "missing": {"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 12}},
    "decision": {"kind": "significance", "one_sided_alpha": 0.025},
}
DESIGN = {"arms": ["placebo", "active"], "patients": 120, "visits_months": [0, 3, 6, 12]}
LOOKS = [{"share": 0.4, "month": 12}, {"share": 0.7, "month": 12}]
STOPPING = {
    "efficacy": {"kind": "obrien_fleming_spending"},
    "futility": {"kind": "conditional_power", "at_least": [0.1]},
}


def scenario(method: str, *, looks: bool) -> dict[str, Any]:
    """Return one trial, with its looks or without."""
    analysis = {"endpoint": "c_peptide", "month": 12, "method": method}
    made = COMMON | {"analysis": [analysis], "design": DESIGN | {"kind": "fixed"}}
    if looks:
        made["design"] = DESIGN | {"kind": "group_sequential", "looks": LOOKS}
        made["stopping"] = STOPPING
    return made


def main() -> None:
    """Print the ratio of each analysis."""
    stay_on_one_core()
    for method, trials in TRIALS.items():
        sides = {
            name: partial(processor_seconds, engine(scenario(method, looks=looks), trials))
            for name, looks in (("looks", True), ("fixed", False))
        }
        seconds = in_turns(sides)
        print(f"{method}: fixed {speed(trials, seconds['fixed'])}; with three looks", end=" ")
        print(f"{ratio(seconds['looks'], seconds['fixed'])} times as long", end="")
        print("; target at most 2.5" if method == "ancova" else "")


if __name__ == "__main__":
    main()

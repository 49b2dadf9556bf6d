"""Scenarios whose looks drop arms, for tests."""

from typing import Any

from support.looks import with_looks
from support.small_trials import Table

ARMS = ("low", "high")
POISSON = {"kind": "poisson", "per_month": 6.0}
RULE: Table = {
    "efficacy": {"kind": "obrien_fleming"},
    "futility": {"kind": "z", "at_least": [0.0, 0.5]},
}


def multi_arm(**options: object) -> dict[str, Any]:
    """Return a design of two treated arms with looks after 27 and 54 of 90 patients."""
    return {
        "kind": "multi_arm_multi_stage",
        "arms": ["placebo", *ARMS],
        "allocation": [1, 1, 1],
        "patients": 90,
        "visits_months": [0, 3, 6],
        "looks": [{"share": 0.3, "month": 6}, {"share": 0.6, "month": 6}],
    } | options


def with_arms(method: str = "ancova", **changes: object) -> Table:
    """Return C-peptide at month 6 in both arms, with ``changes`` of tables."""
    one = {"endpoint": "c_peptide", "month": 6, "method": method}
    effect = {"effect": 0.2, "month": 6, "shape": "linear"}
    table = with_looks(
        design=multi_arm(),
        recruitment=POISSON,
        truth={"target": {"c_peptide": effect}, "share_of_effect": {"low": 0.3}},
        analysis=[one | {"arm": arm} for arm in ARMS],
        decision={"kind": "dunnett", "one_sided_alpha": 0.025, "step_down": False},
        stopping=RULE,
    )
    return table | changes

"""Scenarios with interim looks, for tests."""

from typing import Any

from support.small_trials import Table, one_endpoint

STEADY = {"kind": "steady", "per_month": 10}


def with_looks(**changes: object) -> Table:
    """Return C-peptide at months 6 and 12, 80 patients, two looks, with ``changes`` of tables."""
    table = one_endpoint(
        design=sequential(),
        outcome={
            "c_peptide": {
                "control_mean": 0.5,
                "sd": 0.3,
                "correlation": {"share": 0.5, "per_month": 0.9},
            }
        },
        recruitment=STEADY,
        stopping={"efficacy": {"kind": "obrien_fleming_spending"}},
    )
    return table | changes


def sequential(**options: object) -> dict[str, Any]:
    """Return a design with looks after 30 and 60 of 80 patients."""
    return {
        "kind": "group_sequential",
        "arms": ["placebo", "active"],
        "patients": 80,
        "visits_months": [0, 6, 12],
        "looks": [{"patients": 30, "month": 12}, {"share": 0.75, "month": 12}],
    } | options

"""Small scenarios that are accepted, and for each of their tables the values its keys may have."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fuzz.case import LEFT_OUT, Table

type Values = Mapping[str, Sequence[Any]]

FIXED: Table = {
    "title": "Two endpoints",
    "seed": 7,
    "trials": 2,
    "failures_allowed": 1.0,
    "endpoint_correlation": -0.3,
    "population": {"age_years": [6, 18], "age_strata": [12]},
    "design": {
        "kind": "fixed",
        "arms": ["control", "drug"],
        "patients": 24,
        "visits_months": [0, 3, 6],
    },
    "outcome": {
        "hba1c": {"control_mean": 7.5, "sd": 1.2, "correlation": {"share": 0.4, "per_month": 0.9}},
        "c_peptide": {"control_mean": 0.8, "sd": 0.2, "correlation": 0.7},
    },
    "truth": {
        "target": {
            "hba1c": {"effect": -0.8, "month": 6, "shape": "linear"},
            "c_peptide": {"effect": 0.2, "month": 6, "shape": "immediate"},
        }
    },
    "missing": {"dropout": {"mechanism": "mcar", "share": 0.1, "by_month": 6}},
    "analysis": [
        {
            "endpoint": "hba1c",
            "month": 6,
            "method": "ancova",
            "covariates": ["baseline", "stratum"],
        },
        {"endpoint": "c_peptide", "month": 6, "method": "ancova", "covariates": ["baseline"]},
    ],
    "decision": {"kind": "co_primary", "one_sided_alpha": 0.025},
}
ONE: Table = FIXED | {  # one endpoint
    "title": "One endpoint",
    "outcome": {"c_peptide": FIXED["outcome"]["c_peptide"]},
    "truth": {"target": {"c_peptide": FIXED["truth"]["target"]["c_peptide"]}},
    "analysis": [{"endpoint": "c_peptide", "month": 6, "method": "ancova"}],
    "decision": {"kind": "significance", "one_sided_alpha": 0.025},
}
for _key in ("endpoint_correlation", "population"):
    del ONE[_key]
AGED: Table = ONE | {  # with age, for an analysis of any method beside one that reads it
    "title": "Two analyses",
    "intercurrent": {"discontinuation": {"share": 0.1, "by_month": 6, "half_life_months": 3}},
    "population": FIXED["population"],
    "analysis": [
        {"endpoint": "c_peptide", "month": 6, "method": "welch"},
        {
            "name": "second", "endpoint": "c_peptide", "month": 6, "method": "ancova",
            "covariates": ["age", "stratum"],
        },
    ],
    "decision": {"kind": "holm", "one_sided_alpha": 0.025},
}  # fmt: skip
LOOKS: Table = ONE | {
    "title": "Two looks",
    "recruitment": {"kind": "steady", "per_month": 4},
    "design": FIXED["design"]
    | {
        "kind": "group_sequential",
        "looks": [{"share": 0.5, "month": 6}, {"share": 0.75, "month": 6}],
    },
    "stopping": {"efficacy": {"kind": "obrien_fleming_spending"}},
}
ARMS: Table = LOOKS | {
    "title": "Two doses, one of which may be dropped",
    "design": {
        "kind": "multi_arm_multi_stage",
        "arms": ["control", "low dose", "high dose"],
        "allocation": [1, 1, 1],
        "patients": 36,
        "visits_months": [0, 6],
        "looks": [{"share": 0.5, "month": 6}],
    },
    "truth": ONE["truth"] | {"share_of_effect": {"low dose": 0.6}},
    "analysis": [
        {
            "endpoint": "c_peptide",
            "month": 6,
            "method": "ancova",
            "arm": f"{dose} dose",
            "name": dose,
        }
        for dose in ("low", "high")
    ],
    "decision": {"kind": "dunnett", "one_sided_alpha": 0.025, "step_down": False},
    "stopping": {"efficacy": {"kind": "obrien_fleming"}},
}
DOSES: Table = ARMS | {
    "title": "Two doses",
    "design": {k: v for k, v in ARMS["design"].items() if k != "looks"} | {"kind": "fixed"},
}
del DOSES["stopping"]
COUNTS: Table = ONE | {
    "title": "Counted events",
    "events": {"hypoglycaemia": {"per_month": 0.5, "dispersion": 0.8, "rate_ratio": 0.7}},
    "analysis": [{"endpoint": "hypoglycaemia", "month": 6, "method": "negative_binomial"}],
}
HARM: Table = ONE | {
    "title": "Stopped for harm",
    "events": {"serious_adverse_events": {"per_month": 0.02, "rate_ratio": 1.5}},
    "safety": {
        "kind": "posterior", "event": "serious_adverse_events", "by_month": 3, "looks": [4, 8],
        "limit": 0.15, "certainty": 0.9, "prior": [0.15, 0.85],
    },
}  # fmt: skip
FITTED: Table = FIXED | {
    "title": "From evidence",
    "evidence": ["gxipc1", "t1d-natural-history"],
    "truth": FIXED["truth"] | {"prior": {"robust_weight": 0.8}},
}
for _key in ("endpoint_correlation", "outcome"):
    del FITTED[_key]
BASES: tuple[Table, ...] = (FIXED, ONE, AGED, LOOKS, ARMS, DOSES, COUNTS, HARM, FITTED)


@dataclass(frozen=True, slots=True)
class Choices:
    """The table at ``place`` of a scenario, and the values that its keys may have.

    The first values together are accepted.
    """

    place: str
    base: Table
    values: Values

    def scenario(self, row: Mapping[str, Any]) -> Table:
        """The scenario with these keys of the table, and no others."""
        table = deepcopy(self.base)
        *parents, last = self.place.split(".")
        node: Any = table
        for parent in parents:
            node = node[int(parent) - 1] if isinstance(node, list) else node.setdefault(parent, {})
        node[int(last) - 1 if isinstance(node, list) else last] = written(row)
        return table

    def first(self) -> dict[str, Any]:
        """The values that are accepted together."""
        return {key: values[0] for key, values in self.values.items()}


def perhaps(*values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - TOML
    """The values of a key that may be left out."""
    return LEFT_OUT, *values


def written(row: Mapping[str, Any]) -> Table:
    """The keys that are not left out."""
    return {key: deepcopy(value) for key, value in row.items() if value is not LEFT_OUT}

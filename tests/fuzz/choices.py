"""The values that the keys of the tables of a scenario may have: design, patients, truth."""

from collections.abc import Callable, Mapping

from fuzz.case import LEFT_OUT, Table
from fuzz.sound import ARMS, COUNTS, FITTED, FIXED, HARM, LOOKS, ONE, Choices, Values, perhaps

type Parts = Mapping[str, Values]

AGES = FIXED["population"]
STRATIFIED: Table = {"covariates": ["baseline", "stratum"]}  # so that something reads the strata
ONE_LOOK = LOOKS | {"design": LOOKS["design"] | {"looks": [{"share": 0.5, "month": 6}]}}
SITES = {"sites": 2, "site_sd": {"c_peptide": 0.1}}
STRATEGIES = ("treatment_policy", "hypothetical", "while_on_treatment", "composite")

EITHER = perhaps(*(True, False))
HAZARD_RATIO = perhaps(1, 1.5, 0.2, 5)
SHARE = (0.1, 0, 0.5, 0.95)
LOST_BY = {"share": SHARE, "by_month": (6, 3)}
ENDPOINT = ("hba1c", "c_peptide")
DESIGN: Values = {
    "arms": (["control", "drug"], ["placebo", "Wirkstoff 10 µg"]),
    "patients": (24, 12, 48),
    "visits_months": ([0, 3, 6], [0, 6], [0, 1, 2, 3, 6]),
    "allocation": perhaps([1, 1], [1, 2], [2, 1]),
    "randomisation": perhaps(
        "simple",
        {"method": "minimisation", "over": ["age"], "probability": 0.8},
        {"method": "stratified_blocks", "over": ["age"], "block_size": 6},
        {"method": "permuted_blocks", "block_sizes": [6, 12]},
    ),
}
LOOKED: Values = {"months_to_decide": perhaps(0, 1, 24), "analyse_overrun": EITHER}
REESTIMATIONS: Parts = {
    "blinded_variance": {
        "effect": (0.2, -0.05),
        "power": (0.8, 0.5),
        "most_patients": (48, 26),
        "one_sided_alpha": perhaps(0.025),
    },
    "promising_zone": {
        "from_power": (0.3, 0.5),
        "power": (0.8, 0.9),
        "most_patients": (48, 26),
        "critical_z": perhaps(2.0),
    },
}
SHAPES: Parts = {
    "immediate": {},
    "linear": {"full_at_months": perhaps(3, 12)},
    "onset": {"half_time_months": perhaps(1, 24)},
    "transient": {"half_time_months": perhaps(1), "half_life_months": perhaps(6, 1)},
    "delayed": {"lag_months": perhaps(1, 2.5)},
}
BY_SD: Values = {
    "lost": ([0.05, 0.1], [0, 0], [0.5, 0.9], [0.1]),
    "endpoint": ENDPOINT,
    "odds_ratio_per_sd": HAZARD_RATIO,
    "odds_ratio_treated": HAZARD_RATIO,
}
DROPOUTS: Parts = {
    "none": {},
    "mcar": LOST_BY | {"hazard_ratio_treated": HAZARD_RATIO},
    "mar": LOST_BY
    | {
        "endpoint": ENDPOINT,
        "hazard_ratio_per_sd": HAZARD_RATIO,
        "hazard_ratio_treated": HAZARD_RATIO,
    },
    "logistic": BY_SD,
    "mnar": BY_SD,
}
GAPS: Parts = {
    "none": {},
    "mcar": {"share": SHARE},
    "mar": {"share": SHARE, "endpoint": ENDPOINT, "odds_ratio_per_sd": HAZARD_RATIO},
}
RECRUITMENTS: Parts = {
    "at_once": {},
    "steady": {"per_month": (4, 0.1, 1000)},
    "poisson": {
        "per_month": (4, 0.1, 1000),
        "ramp_up_months": perhaps(0, 6),
        "most_per_site": perhaps(12, 24),
    },
}
RECRUITED: Mapping[str, Table] = {
    "at_once": ONE,
    "steady": LOOKS,
    "poisson": ONE | {"population": SITES},
}
EVENT: Values = {"strategy": perhaps(*STRATEGIES)}
INTERCURRENT: Parts = {
    "discontinuation": LOST_BY
    | {"half_life_months": perhaps(0, 3), "hazard_ratio_treated": HAZARD_RATIO},
    "other_therapy": LOST_BY
    | {
        "effect": ({"c_peptide": 0.08}, {"c_peptide": 0.1, "hba1c": -0.2}),
        "hazard_ratio_treated": HAZARD_RATIO,
    },
    "rescue": {
        "limit": (9.0, 7.5, 15),
        "effect": ({"hba1c": -0.6}, {"c_peptide": 0.1}, {}),
        "endpoint": ("hba1c", "c_peptide"),
        "from_month": perhaps(0, 3),
        "chance": perhaps(0, 0.5, 1),
    },
}
POPULATION: Values = {
    "age_years": ([6, 18], [0, 120]),
    "age_strata": ([12], [8, 12]),
    "age_mean": (11, LEFT_OUT),
    "age_sd": (3, 0.5, LEFT_OUT),
    "per_year_of_age": perhaps({"hba1c": 0.05}),
    "months_since_diagnosis": perhaps([0, 3], [6, 6]),
    "eligible": perhaps(
        {"hba1c": {"at_least": 7, "at_most": 12}}, {"c_peptide": {"at_least": 0.2}}
    ),
    "baseline_strata": perhaps({"hba1c": [7.5]}),
    "sites": perhaps(1, 3),
    "site_sd": perhaps({"hba1c": 0.3}),
}
HARMED: Values = {
    "event": ("serious_adverse_events",),
    "by_month": (3, 6),
    "looks": ([4, 8], [12], [1, 2, 3, 4]),
    "limit": (0.15, 0.01, 0.9),
}
SAFETY: Parts = {
    "posterior": HARMED | {"certainty": (0.9, 0.5), "prior": ([0.15, 0.85], [1, 1])},
    "pocock": HARMED | {"false_stop": (0.1, 0.01, 0.4)},
}


def of_parts(
    place: str, key: str, parts: Parts, base: Table | Callable[[str], Table], also: Values
) -> list[Choices]:
    """One entry for each part that may stand at a place; ``also`` are keys of each of them."""
    return [
        Choices(place, base(name) if callable(base) else base, {key: (name,), **also, **values})
        for name, values in parts.items()
    ]


CHOICES: tuple[Choices, ...] = (
    Choices("population", FIXED, POPULATION),
    Choices("design", FIXED, {"kind": ("fixed",), **DESIGN, "block_size": perhaps(6, 12)}),
    Choices(
        "design",
        LOOKS | {"population": AGES, "analysis": [LOOKS["analysis"][0] | STRATIFIED]},
        {
            "kind": ("group_sequential",),
            **DESIGN,
            **LOOKED,
            "looks": (
                [{"share": 0.5, "month": 6}],
                [{"patients": 12, "month": 6, "information": 0.4}],
                [{"calendar_months": 9, "information": 0.5}],
                [{"share": 0.4, "month": 3}, {"share": 0.8, "month": 6}],
            ),
        },
    ),
    Choices(
        "design",
        ARMS,
        {
            "kind": ("multi_arm_multi_stage",),
            "arms": (["control", "low dose", "high dose"],),
            "patients": (36, 12, 48),
            "visits_months": ([0, 6], [0, 3, 6]),
            "allocation": ([1, 1, 1], [2, 1, 1]),
            "looks": (
                [{"share": 0.5, "month": 6}],
                [{"share": 0.25, "month": 6}, {"share": 0.75, "month": 6}],
            ),
            "months_to_decide": perhaps(0, 1, 24),
        },
    ),
    *of_parts("design.reestimation", "kind", REESTIMATIONS, ONE_LOOK, {}),
    Choices(
        "outcome.hba1c",
        FIXED,
        {
            "control_mean": (7.5, [7.5, 7.6, 7.7], 4),
            "sd": (1.2, [1.1, 1.2, 1.3], 0.4),
            "correlation": (
                *(0.5, 0, 1, {"share": 0, "per_month": 1}),
                [[1, 0.5, 0.2], [0.5, 1, 0.5], [0.2, 0.5, 1]],
            ),
        },
    ),
    *of_parts(
        "truth.target.c_peptide",
        "shape",
        SHAPES,
        FIXED,
        {
            "effect": (0.1, -0.1, 0, {"percent": 30}),
            "month": (6, 3),
            "modified_by": perhaps({"age": 0.01}, {"hba1c": -0.02}),
        },
    ),
    Choices("truth.prior", FITTED, {"robust_weight": (0.8, 0, 1)}),
    Choices("truth.share_of_effect", ARMS, {"low dose": (0.6, 0, 2), "high dose": perhaps(0.5)}),
    *of_parts("missing.dropout", "mechanism", DROPOUTS, FIXED, {}),
    *of_parts("missing.gaps", "mechanism", GAPS, FIXED, {}),
    Choices("missing.delta", FIXED, {"hba1c": (0.3, 0, -0.5), "c_peptide": perhaps(0.1)}),
    *of_parts("recruitment", "kind", RECRUITMENTS, RECRUITED.__getitem__, {}),
    *(
        Choices(f"intercurrent.{name}", FIXED, values | EVENT)
        for name, values in INTERCURRENT.items()
    ),
    Choices(
        "events.hypoglycaemia",
        COUNTS,
        {
            "per_month": (0.5, 0, 20),
            "dispersion": perhaps(0, 0.8, 5),
            "rate_ratio": perhaps(0.5, 10),
            "tied_to": ("c_peptide",),
            "per_unit": (-0.2, 3),
            "at": (0.5, 3),
        },
    ),
    Choices("shared", FIXED, {"endpoints": perhaps(["hba1c"]), "months": perhaps([], [0, 9])}),
    *of_parts("safety", "kind", SAFETY, HARM, {}),
)

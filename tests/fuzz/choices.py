"""The values that the keys of each table of a scenario may have."""

from collections.abc import Callable, Sequence
from typing import Any

from fuzz.case import LEFT_OUT, Table
from fuzz.sound import AGED, ARMS, COUNTS, DOSES, FITTED, FIXED, HARM, LOOKS, ONE, Choices, Values

_NULLS = (LEFT_OUT, 0, -0.1, 0.1)
_ARMS = (["control", "drug"], ["placebo", "Wirkstoff 10 µg"])
_VISITS = ([0, 3, 6], [0, 6], [0, 1, 2, 3, 6])
_RATIO = (LEFT_OUT, [1, 1], [1, 2], [2, 1])
_RANDOMISED = (
    LEFT_OUT, "simple", {"method": "minimisation", "over": ["age"]},
    {"method": "stratified_blocks", "over": ["age"], "block_size": 6},
    {"method": "permuted_blocks", "block_sizes": [6, 12]},
)  # fmt: skip
_DESIGN: Values = {
    "arms": _ARMS,
    "patients": (24, 12, 48),
    "visits_months": _VISITS,
    "allocation": _RATIO,
}
_LOOKS = (
    [{"share": 0.5, "month": 6}], [{"patients": 12, "month": 6, "information": 0.4}],
    [{"calendar_months": 9}], [{"share": 0.4, "month": 3}, {"share": 0.8, "month": 6}],
)  # fmt: skip
_ALPHA = (0.025, 0.001, 0.1, 0.49)
_MIXTURE = {"weights": [0.6, 0.4], "means": [0.1, 0.2], "sds": [0.1, 0.3]}
_ROBUST = _MIXTURE | {"robust_weight": 0.2, "robust_mean": 0.0, "robust_sd": 1.0}
_COVARIATES = (LEFT_OUT, [], ["baseline"], ["baseline", "age"], ["baseline", "age", "stratum"])
_OF = (LEFT_OUT, "value", "change")
_RULES = (
    {"at_least": 0.4},
    {"above_baseline_by": 0},
    {"below": 0.6, "at_least": 0.1},
    "c_peptide_preserved",
)
_STRATEGIES = ("treatment_policy", "hypothetical", "composite", "while_on_treatment")
_COMMON: Values = {
    "endpoint": ("c_peptide",), "month": (6, 3), "name": (LEFT_OUT, "the main one"),
    "lloq": (LEFT_OUT, 0.1), "below_lloq": (LEFT_OUT, "half", "zero", "limit"),
    "estimand": (LEFT_OUT, *_STRATEGIES),
}  # fmt: skip
_RATES: Values = {"responder": _RULES, "missing": (LEFT_OUT, "non_responder", "complete_cases")}
_STANDARD_ERRORS = (LEFT_OUT, "model", "robust", "hc3")
_IMPUTED: Values = {
    "covariates": _COVARIATES, "delta": (LEFT_OUT, 0.1, -0.1), "tipping_alpha": (LEFT_OUT, 0.025,
    0.2),
    "strategy": (LEFT_OUT, "mar", "jump_to_reference", "copy_reference",
    "copy_increments_in_reference"),
}  # fmt: skip
_FACTORS: Values = {"factors": (LEFT_OUT, [], ["site"])}
_METHODS: dict[str, Values] = {
    "ancova": {"covariates": _COVARIATES, "standard_error": _STANDARD_ERRORS,
    "null_effect": _NULLS, **_FACTORS},
    "anhecova": {"covariates": _COVARIATES, "null_effect": _NULLS, **_FACTORS},
    "bayes_normal": {
        "control_prior": (_MIXTURE, _ROBUST, LEFT_OUT), "effect_prior": (LEFT_OUT, _MIXTURE,
        _ROBUST),
        "covariates": _COVARIATES, "null_effect": _NULLS,
    },
    "clda": {
        "covariates": (LEFT_OUT, ["age"], ["age", "stratum"]), "likelihood": (LEFT_OUT, "reml",
        "ml"),
        "df": (LEFT_OUT, "satterthwaite", "kenward_roger", "residual"), "null_effect": _NULLS,
    },
    "cmh": _RATES,
    "conditional_mean_imputation": _IMPUTED | {"variance": (LEFT_OUT, "jackknife", "conventional")},
    "fisher": _RATES,
    "logistic_standardised": _RATES
    | {"covariates": _COVARIATES, "standard_error": _STANDARD_ERRORS, "null_effect": _NULLS,
    **_FACTORS},
    "miettinen_nurminen": _RATES | {"variance": (LEFT_OUT, "mn", "pooled", "unpooled"),
    "null_effect": _NULLS},
    "mmrm": {
        "covariates": _COVARIATES, "by_visit": (LEFT_OUT, [], ["baseline"]),
        "averaged_from": (LEFT_OUT, 3),
        "covariance": (
            LEFT_OUT, "unstructured", "heterogeneous_toeplitz", "toeplitz", "heterogeneous_ar1",
            "ar1",
            "heterogeneous_compound_symmetry", "compound_symmetry",
        ),
        "fallback": (LEFT_OUT, True, False), "likelihood": (LEFT_OUT, "reml", "ml"),
        "df": (LEFT_OUT, "satterthwaite", "kenward_roger", "residual"), "null_effect": _NULLS,
    },
    "multiple_imputation": _IMPUTED | {"imputations": (LEFT_OUT, 2, 20), "null_effect": _NULLS},
    "qr_ancova": {"covariates": _COVARIATES, "null_effect": _NULLS, **_FACTORS},
    "rank_ancova": {"covariates": _COVARIATES, "of": _OF},
    "t_test": {"of": _OF, "null_effect": _NULLS},
    "tobit": {
        "lloq": (0.1, 0.4, 2.0), "covariates": _COVARIATES, "standard_error": _STANDARD_ERRORS,
        "null_effect": _NULLS, **_FACTORS,
    },
    "van_elteren": {"of": _OF, "null_effect": _NULLS},
    "welch": {"of": _OF, "null_effect": _NULLS},
    "wilcoxon": {"of": _OF, "distribution": (LEFT_OUT, "exact", "normal", "automatic"),
    "null_effect": _NULLS},
}  # fmt: skip
_BY_NAME = ({"hba1c": 0.0, "c_peptide": 0.0}, {"hba1c": -0.1, "c_peptide": 0.05}, {"hba1c": 0.3})
_PRIORS = (LEFT_OUT, {"c_peptide": _MIXTURE}, {"hba1c": _ROBUST, "c_peptide": _MIXTURE})
_DECISIONS: dict[str, Values] = {
    **{name: {} for name in ("significance", "co_primary", "holm", "hochberg", "hommel",
    "fixed_sequence")},
    "fallback": {"weights": ([0.5, 0.5], [1, 0], [0.2, 0.3])},
    "gatekeeping": {"families": ([1, 1], [2])},
    "graphical": {"weights": ([0.5, 0.5], [1, 0]), "transitions": ([[0, 1], [1, 0]], [[0, 0.5],
    [0, 0]])},
    "dunnett": {"step_down": (LEFT_OUT, True, False)},
    "mcp_mod": {
        "doses": ([0, 1, 2], [0, 10, 100]),
        "models": (
            [{"shape": "linear"}], [{"shape": "emax", "ed50": 1}, {"shape": "exponential",
            "delta": 1}],
            [{"shape": "quadratic", "delta": -0.1}, {"shape": "sigemax", "ed50": 1, "h": 2}],
        ),
    },
    "posterior": {
        "probability": (0.9, 0.5, 0.999), "beyond": (LEFT_OUT, *_BY_NAME), "prior": _PRIORS,
        "together": (LEFT_OUT, "all", "any"),
    },
    "dual_criterion": {
        "lower_reference": _BY_NAME, "target": ({"hba1c": -0.5, "c_peptide": 0.1}, {"hba1c": 0.5}),
        "lower_reference_confidence": (0.9, 0.5), "target_confidence": (LEFT_OUT, 0.5, 0.8),
        "stop_when": (LEFT_OUT, "neither", "target_fails"), "prior": _PRIORS,
        "together": (LEFT_OUT, "all", "any"),
    },
}  # fmt: skip
_EFFICACIES: dict[str, Values] = {
    **{name: {} for name in ("obrien_fleming_spending", "pocock_spending", "obrien_fleming",
    "pocock", "none")},
    "hwang_shih_decani_spending": {"gamma": (-4, 0, 1, 40)},
    "power_spending": {"rho": (3, 0.5, 50)},
    "wang_tsiatis": {"delta": (0.25, 0, 0.5, -1)},
    "triangular": {},
    "haybittle_peto": {"z": (LEFT_OUT, 3, 5, 2)},
    "posterior": {"probability": ([0.99, 0.98], [0.5, 0.5], [0.9])},
}  # fmt: skip
_BINDING = (LEFT_OUT, True, False)
_FUTILITIES: dict[str, Values] = {
    "beta_spending": {
        "beta": (0.1, 0.2, 0.5), "binding": _BINDING,
        "spending": (LEFT_OUT, "pocock", {"kind": "hwang_shih_decani", "gamma": -2},
        {"kind": "power", "rho": 2}),
    },
    "z": {"at_least": ([0, 0.5], [-1], [3, 3], [0.5, 0.4]), "binding": _BINDING},
    "p": {"at_most": ([0.5, 0.3], [0.9], [0.01, 0.01]), "binding": _BINDING},
    "effect": {"at_least": ([0, 0.05], [-0.1], [1, 1]), "binding": _BINDING},
    "conditional_power": {
        "at_least": ([0.1, 0.2], [0.5], [0.99, 0.99]), "benefit": (LEFT_OUT, 0.1, "observed", 0),
        "binding": _BINDING,
    },
    "predictive_power": {"at_least": ([0.1, 0.2], [0.5]), "binding": _BINDING},
    "triangular": {"binding": _BINDING},
}  # fmt: skip
_LOST = ([0.05, 0.1], [0, 0], [0.5, 0.9], [0.1])
_PER_SD = (LEFT_OUT, 1, 1.5, 0.2, 5)
_SHARES = (0.1, 0, 0.5, 0.95)
_DROPOUTS: dict[str, Values] = {
    "none": {},
    "mcar": {"share": _SHARES, "by_month": (6, 3), "hazard_ratio_treated": _PER_SD},
    "mar": {
        "share": _SHARES, "by_month": (6, 3), "endpoint": ("hba1c", "c_peptide"),
        "hazard_ratio_per_sd": _PER_SD, "hazard_ratio_treated": _PER_SD,
    },
    **{
        kind: {
            "lost": _LOST, "endpoint": ("hba1c", "c_peptide"), "odds_ratio_per_sd": _PER_SD,
            "odds_ratio_treated": _PER_SD,
        }
        for kind in ("logistic", "mnar")
    },
}  # fmt: skip
_GAPS: dict[str, Values] = {
    "none": {}, "mcar": {"share": _SHARES},
    "mar": {"share": _SHARES, "endpoint": ("hba1c", "c_peptide"), "odds_ratio_per_sd": _PER_SD},
}  # fmt: skip
_STRATEGY = (LEFT_OUT, *_STRATEGIES)
_INTERCURRENT: dict[str, Values] = {
    "discontinuation": {
        "share": _SHARES, "by_month": (6, 3), "half_life_months": (LEFT_OUT, 0, 3),
        "hazard_ratio_treated": _PER_SD, "strategy": _STRATEGY,
    },
    "other_therapy": {
        "share": _SHARES, "by_month": (6, 3), "effect": ({"c_peptide": 0.08}, {"c_peptide": 0.1,
        "hba1c": -0.2}),
        "hazard_ratio_treated": _PER_SD, "strategy": _STRATEGY,
    },
    "rescue": {
        "limit": (9.0, 7.5, 20), "effect": ({"hba1c": -0.6}, {"c_peptide": 0.1}, {}),
        "endpoint": (LEFT_OUT, "hba1c"), "from_month": (LEFT_OUT, 0, 3), "chance": (LEFT_OUT, 0,
        0.5, 1),
        "strategy": _STRATEGY,
    },
}  # fmt: skip
_SHAPES: dict[str, Values] = {
    "immediate": {}, "linear": {"full_at_months": (LEFT_OUT, 3, 12)},
    "onset": {"half_time_months": (LEFT_OUT, 1, 24)},
    "transient": {"half_time_months": (LEFT_OUT, 1), "half_life_months": (LEFT_OUT, 6, 1)},
    "delayed": {"lag_months": (LEFT_OUT, 3, 6)},
}  # fmt: skip
_RECRUITMENTS: dict[str, Values] = {
    "at_once": {}, "steady": {"per_month": (4, 0.1, 1000)},
    "poisson": {
        "per_month": (4, 0.1, 1000), "ramp_up_months": (LEFT_OUT, 0, 6),
        "most_per_site": (LEFT_OUT, 24, 1),
    },
}  # fmt: skip
_REESTIMATIONS: dict[str, Values] = {
    "blinded_variance": {
        "effect": (0.2, -0.05), "power": (0.8, 0.5), "most_patients": (48, 26),
        "one_sided_alpha": (LEFT_OUT, 0.1),
    },
    "promising_zone": {
        "from_power": (0.3, 0.5), "power": (0.8, 0.9), "most_patients": (48, 26),
        "critical_z": (LEFT_OUT, 2.0),
    },
}  # fmt: skip
_ONE_LOOK = LOOKS | {"design": LOOKS["design"] | {"looks": [{"share": 0.5, "month": 6}]}}
_HARM: Values = {
    "event": ("serious_adverse_events",), "by_month": (3, 6), "looks": ([4, 8], [12], [1, 2, 3, 4]),
    "limit": (0.15, 0.01, 0.9),
}  # fmt: skip
_RECRUITED = {
    "at_once": ONE, "steady": LOOKS,
    "poisson": ONE | {"population": {"sites": 2, "site_sd": {"c_peptide": 0.1}}},
}  # fmt: skip


def _parts(
    place: str,
    key: str,
    parts: dict[str, Values],
    base: Table | Callable[[str], Table],
    **more: Sequence[Any],
) -> list[Choices]:
    """One entry for each part that may stand at a place; ``base`` may be one for each."""
    return [
        Choices(place, base(name) if callable(base) else base, {key: (name,), **more, **values})
        for name, values in parts.items()
    ]


def _of_decision(name: str) -> Table:
    return {"significance": ONE, "dunnett": DOSES, "mcp_mod": DOSES}.get(name, FIXED)


CHOICES: tuple[Choices, ...] = (
    Choices(
        "population", FIXED,
        {
            "age_years": ([6, 18], [5, 5], [0, 120]), "age_strata": ([12], [], LEFT_OUT, [8, 12]),
            "age_mean": (LEFT_OUT, 11, 90), "age_sd": (LEFT_OUT, 3, 0.1),
            "per_year_of_age": (LEFT_OUT, {"hba1c": 0.05}, {"hba1c": 0.5}),
            "months_since_diagnosis": (LEFT_OUT, [0, 3], [6, 6]),
            "eligible": (LEFT_OUT, {"hba1c": {"at_least": 7, "at_most": 12}},
            {"c_peptide": {"at_least": 0.2}}),
            "baseline_strata": (LEFT_OUT, {"hba1c": [7.5]}), "sites": (LEFT_OUT, 1, 3),
            "site_sd": (LEFT_OUT, {"hba1c": 0.3}),
        },
    ),
    Choices("design", FIXED, {"kind": ("fixed",), **_DESIGN, "randomisation": _RANDOMISED,
    "block_size": (LEFT_OUT, 6, 12)}),
    Choices(
        "design", LOOKS | {"population": FIXED["population"]},
        {
            "kind": ("group_sequential",), **_DESIGN, "looks": _LOOKS, "randomisation": _RANDOMISED,
            "months_to_decide": (LEFT_OUT, 0, 1, 24), "analyse_overrun": (LEFT_OUT, True, False),
        },
    ),
    Choices(
        "design", ARMS,
        {
            "kind": ("multi_arm_multi_stage",), "arms": (["control", "low dose", "high dose"],),
            "patients": (36, 12, 48), "visits_months": ([0, 6],), "allocation": ([1, 1, 1], [2, 1,
            1]),
            "looks": ([{"share": 0.5, "month": 6}], [{"share": 0.25, "month": 6}, {"share": 0.75,
            "month": 6}]),
            "months_to_decide": (LEFT_OUT, 0, 1, 24),
        },
    ),
    *_parts("design.reestimation", "kind", _REESTIMATIONS, _ONE_LOOK),
    Choices(
        "outcome.hba1c", FIXED,
        {
            "control_mean": (7.5, [7.5, 7.6, 7.7], 3.1), "sd": (1.2, [1.1, 1.2, 1.3], 0.2),
            "correlation": (0.5, 0, 1, {"share": 0, "per_month": 1}, [[1, 0.5, 0.2], [0.5, 1,
            0.5], [0.2, 0.5, 1]]),
        },
    ),
    *_parts(
        "truth.target.c_peptide", "shape", _SHAPES, FIXED,
        effect=(0.1, -0.1, 0, {"percent": 30}), month=(6, 3),
        modified_by=(LEFT_OUT, {"age": 0.01}, {"hba1c": -0.02}),
    ),
    *_parts("missing.dropout", "mechanism", _DROPOUTS, FIXED),
    *_parts("missing.gaps", "mechanism", _GAPS, FIXED),
    Choices("missing.delta", FIXED, {"hba1c": (0.3, 0, -0.5), "c_peptide": (LEFT_OUT, 0.1)}),
    *_parts("recruitment", "kind", _RECRUITMENTS, _RECRUITED.__getitem__),
    *(
        Choices(f"intercurrent.{name}", FIXED, values) for name, values in _INTERCURRENT.items()
    ),
    Choices(
        "events.hypoglycaemia", COUNTS,
        {
            "per_month": (0.5, 0, 20), "dispersion": (LEFT_OUT, 0, 0.8, 5),
            "rate_ratio": (LEFT_OUT, 0.5, 10),
            "tied_to": (LEFT_OUT, "c_peptide"), "per_unit": (LEFT_OUT, -0.2, 3), "at": (LEFT_OUT,
            0.5, 3),
        },
    ),
    Choices("shared", FIXED, {"endpoints": (LEFT_OUT, ["hba1c"], ["insulin"]),
    "months": (LEFT_OUT, [], [0, 9])}),
    Choices(
        "safety", HARM,
        {"kind": ("posterior",), **_HARM, "certainty": (0.9, 0.5), "prior": ([0.15, 0.85], [1, 1])},
    ),
    Choices("safety", HARM, {"kind": ("pocock",), **_HARM, "false_stop": (0.1, 0.01, 0.4)}),
    *_parts("analysis.1", "method", _METHODS, AGED, **_COMMON),
    *_parts(
        "analysis.1", "method", {"poisson": {"null_effect": _NULLS},
        "negative_binomial": {"null_effect": _NULLS}},
        COUNTS, **(_COMMON | {"endpoint": ("hypoglycaemia",)}),
    ),
    *_parts(
        "decision", "kind", {k: v for k, v in _DECISIONS.items() if k not in {"posterior",
        "dual_criterion"}},
        _of_decision, one_sided_alpha=_ALPHA,
    ),
    *_parts("decision", "kind", {k: _DECISIONS[k] for k in ("posterior", "dual_criterion")}, FIXED),
    *_parts("stopping.efficacy", "kind", _EFFICACIES, LOOKS),
    *_parts("stopping.futility", "kind", _FUTILITIES, LOOKS),
    Choices(
        "stopping", LOOKS,
        {
            "efficacy": ({"kind": "pocock_spending"}, {"kind": "none"}), "verdict": (LEFT_OUT,
            "c_peptide"),
            "futility": (LEFT_OUT, {"kind": "z", "at_least": [0, 0]}), "information": (LEFT_OUT,
            "planned", "actual"),
            "maximum_information": (LEFT_OUT, {"c_peptide": 100}, {"c_peptide": 1e-6}),
        },
    ),
    Choices(
        "stopping", ARMS,
        {
            "efficacy": ({"kind": "obrien_fleming"}, {"kind": "pocock"}), "keep_best": (LEFT_OUT,
            [1], [2]),
            "futility": (LEFT_OUT, {"kind": "z", "at_least": [0]}),
            "uninteresting_share": (LEFT_OUT, 0.3, -1, 0.99),
        },
    ),
    Choices("truth.prior", FITTED, {"robust_weight": (0.8, 0, 1)}),
    Choices("truth.share_of_effect", DOSES, {"low dose": (0.6, 0, -1, 2), "high dose": (LEFT_OUT,
    0.5)}),
)  # fmt: skip

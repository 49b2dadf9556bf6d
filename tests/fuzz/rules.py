"""The values that the keys of analyses, decisions and stopping rules may have."""

from fuzz.case import LEFT_OUT
from fuzz.choices import EITHER, STRATEGIES, Parts, of_parts
from fuzz.sound import AGED, ARMS, COUNTS, DOSES, FIXED, LOOKS, ONE, Choices, Values, perhaps

MIXTURE = {"weights": [0.6, 0.4], "means": [0.1, 0.2], "sds": [0.1, 0.3]}
ROBUST = MIXTURE | {"robust_weight": 0.2, "robust_mean": 0.0, "robust_sd": 1.0}
NULL: Values = {"null_effect": perhaps(0, -0.1, 0.1)}
COVARIATES: Values = {
    "covariates": perhaps([], ["baseline"], ["baseline", "age"], ["baseline", "age", "stratum"])
}
OF: Values = {"of": perhaps("value", "change")}
WITH_COMPOSITE: Values = {"estimand": perhaps(*STRATEGIES)}
RATES: Values = WITH_COMPOSITE | {
    "responder": (
        {"at_least": 1.2},
        {"above_baseline_by": 0},
        {"below": 2.0, "at_least": 0.8},
        "c_peptide_preserved",
    ),
    "missing": perhaps("non_responder", "complete_cases"),
}
IMPUTED: Values = COVARIATES | {
    "strategy": perhaps("mar", "jump_to_reference", "copy_increments"),
    "delta": perhaps(0.1, -0.1),
    "tipping_alpha": perhaps(0.025, 0.2),
}
COUNTED: Parts = dict.fromkeys(("poisson", "poisson_exact", "negative_binomial"), NULL)
ANALYSES: Parts = {
    "ancova": COVARIATES | NULL | {"standard_error": perhaps("model-based", "hc3")},
    "anhecova": COVARIATES | NULL | {"factors": perhaps([], ["site"])},
    "bayes_normal": NULL
    | {
        "control_prior": (MIXTURE, ROBUST, LEFT_OUT),
        "effect_prior": perhaps(MIXTURE, ROBUST),
        "covariates": perhaps([], ["baseline"]),
    },
    "clda": NULL
    | {
        "covariates": perhaps(["age"], ["age", "stratum"]),
        "likelihood": perhaps("reml", "ml"),
        "df": ("satterthwaite", "kenward_roger", LEFT_OUT),
    },
    "cmh": RATES,
    "conditional_mean_imputation": IMPUTED | {"variance": perhaps("jackknife", "analytic")},
    "fisher": RATES,
    "logistic_standardised": RATES | COVARIATES | NULL | {"standard_error": perhaps("delta", "ge")},
    "miettinen_nurminen": RATES
    | NULL
    | {"variance": perhaps("miettinen_nurminen", "farrington_manning")},
    "miettinen_nurminen_stratified": RATES | NULL,
    "mmrm": COVARIATES
    | NULL
    | {
        "by_visit": perhaps([], ["baseline"]),
        "averaged_from": perhaps(3),
        "covariance": perhaps(
            *("unstructured", "heterogeneous_toeplitz", "toeplitz", "heterogeneous_ar1", "ar1"),
            *("heterogeneous_compound_symmetry", "compound_symmetry"),
        ),
        "fallback": EITHER,
        "likelihood": perhaps("reml", "ml"),
        "df": perhaps("satterthwaite", "kenward_roger", "kenward_roger_full"),
    },
    "multiple_imputation": IMPUTED | NULL | {"imputations": perhaps(2, 20)},
    "qr_ancova": COVARIATES | NULL,
    "rank_ancova": COVARIATES | OF | WITH_COMPOSITE,
    "t_test": OF | NULL,
    "tobit": COVARIATES
    | NULL
    | {"lloq": (0.5, 1.0, 2.0), "standard_error": perhaps("corrected", "likelihood")},
    "van_elteren": OF | NULL | WITH_COMPOSITE,
    "welch": OF | NULL,
    "wilcoxon": OF
    | NULL
    | WITH_COMPOSITE
    | {"distribution": perhaps("exact", "normal", "normal_continuity")},
}
ANY_ANALYSIS: Values = {
    "endpoint": ("c_peptide",),
    "month": (6, 3),
    "name": perhaps("the main one"),
    "lloq": (0.5, 1.0),
    "below_lloq": perhaps("half", "zero", "limit"),
    "estimand": perhaps(*STRATEGIES[:3]),
}
ALPHA: Values = {"one_sided_alpha": (0.025, 0.001, 0.1, 0.49)}
ALONE: Parts = {"significance": {}}
OF_TWO: Parts = {
    **{name: {} for name in ("co_primary", "holm", "hochberg", "hommel", "fixed_sequence")},
    "fallback": {"weights": ([0.5, 0.5], [1, 0], [0.2, 0.3])},
    "gatekeeping": {"families": ([1, 1], [2])},
    "graphical": {
        "weights": ([0.5, 0.5], [1, 0]),
        "transitions": ([[0, 1], [1, 0]], [[0, 0.5], [0, 0]]),
    },
}
OF_DOSES: Parts = {
    "dunnett": {"step_down": EITHER},
    "mcp_mod": {
        "doses": ([0, 1, 2], [0, 10, 100]),
        "models": (
            [{"shape": "linear"}],
            [{"shape": "emax", "ed50": 1}, {"shape": "exponential", "delta": 1}],
            [{"shape": "quadratic", "delta": -0.1}, {"shape": "sigemax", "ed50": 1, "h": 2}],
        ),
    },
}
LIMITS = ({"hba1c": 0.0, "c_peptide": 0.0}, {"hba1c": -0.1, "c_peptide": 0.05})
BAYESIAN: Values = {
    "prior": perhaps({"c_peptide": MIXTURE}, {"hba1c": ROBUST, "c_peptide": MIXTURE}),
    "together": perhaps("all", "any"),
}
POSTERIOR: Parts = {
    "posterior": BAYESIAN
    | {"probability": (0.9, 0.5, 0.999), "beyond": perhaps(*LIMITS, {"hba1c": 0.3})},
    "dual_criterion": BAYESIAN
    | {
        "lower_reference": LIMITS,
        "target": ({"hba1c": -0.5, "c_peptide": 0.1},),
        "lower_reference_confidence": (0.9, 0.5),
        "target_confidence": perhaps(0.5, 0.8),
        "stop_when": perhaps("neither", "target"),
    },
}
EFFICACIES: Parts = {
    **{name: {} for name in ("obrien_fleming_spending", "pocock_spending", "obrien_fleming")},
    **{name: {} for name in ("pocock", "triangular", "none")},
    "hwang_shih_decani_spending": {"gamma": (-4, 0, 1, 40)},
    "power_spending": {"rho": (3, 0.5, 40)},
    "wang_tsiatis": {"delta": (0.25, 0, 0.5, -1)},
    "haybittle_peto": {"z": perhaps(3, 5)},
    "posterior": {"probability": ([0.99, 0.98], [0.6, 0.6])},
}
FUTILITIES: Parts = {
    "beta_spending": {
        "beta": (0.1, 0.2, 0.5),
        "spending": perhaps(
            "obrien_fleming",
            "pocock",
            {"kind": "hwang_shih_decani", "gamma": -2},
            {"kind": "power", "rho": 2},
        ),
    },
    "z": {"at_least": ([0, 0.5], [-1], [1, 1], [0.5, 0.4])},
    "p": {"at_most": ([0.5, 0.3], [0.9], [0.2, 0.1])},
    "effect": {"at_least": ([0, 0.05], [-0.1], [1, 1])},
    "conditional_power": {
        "at_least": ([0.1, 0.2], [0.5]),
        "benefit": perhaps(0.1, "observed", 0),
    },
    "predictive_power": {"at_least": ([0.1, 0.2], [0.5])},
    "triangular": {},
}
NO_FUTILITY = perhaps({"kind": "z", "at_least": [0]})

RULES: tuple[Choices, ...] = (
    *of_parts("analysis.1", "method", ANALYSES, AGED, ANY_ANALYSIS),
    *of_parts(
        "analysis.1", "method", COUNTED, COUNTS, {"endpoint": ("hypoglycaemia",), "month": (6, 3)}
    ),
    *of_parts("decision", "kind", ALONE, ONE, ALPHA),
    *of_parts("decision", "kind", OF_TWO, FIXED, ALPHA),
    *of_parts("decision", "kind", OF_DOSES, DOSES, ALPHA),
    *of_parts("decision", "kind", POSTERIOR, FIXED, {}),
    *of_parts("stopping.efficacy", "kind", EFFICACIES, LOOKS, {}),
    *of_parts("stopping.futility", "kind", FUTILITIES, LOOKS, {"binding": EITHER}),
    Choices(
        "stopping",
        LOOKS,
        {
            "efficacy": ({"kind": "pocock_spending"}, {"kind": "none"}),
            "futility": NO_FUTILITY,
            "verdict": perhaps("c_peptide"),
            "information": ("actual", "planned", LEFT_OUT),
            "maximum_information": ({"c_peptide": 100}, {"c_peptide": 1e-6}, LEFT_OUT),
        },
    ),
    Choices(
        "stopping",
        ARMS,
        {
            "efficacy": ({"kind": "obrien_fleming"}, {"kind": "pocock"}),
            "futility": NO_FUTILITY,
            "keep_best": perhaps([1], [2]),
            "uninteresting_share": perhaps(0.3, -1, 0.99),
        },
    ),
)

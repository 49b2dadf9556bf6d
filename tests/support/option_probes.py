"""A scenario for each option of every analysis, and a change that must show or be refused."""

from support.small_trials import Table, two_endpoints

from phase2sim.core.endpoints import EVENTS
from phase2sim.scenario.assembly.registry import TABLES
from phase2sim.scenario.schema import part_schemas

_HIGH = {"arm": "high", "month": 12}
_OTHERS = [
    {"endpoint": "hba1c", "method": "ancova", "name": "other"} | _HIGH,
    {"endpoint": "c_peptide", "method": "ancova", "name": "another"} | _HIGH,
]
_MIXTURE = {"weights": [0.6, 0.4], "means": [0.1, 0.2], "sds": [0.1, 0.2]}
_RULE = {"responder": {"at_least": 0.4}}
_COUNTED = {"endpoint": "adverse_events"}
# Beside endpoint, month and arm: what a method needs.
_NEEDED: dict[str, Table] = {
    "bayes_normal": {"effect_prior": _MIXTURE},
    "tobit": {"lloq": 0.3},
    **{name: _RULE for name, part in TABLES["analyses"].items() if part.reads == "binary"},
    **{name: _COUNTED for name, part in TABLES["analyses"].items() if part.reads == "count"},
}
# Option -> what must be said beside it, and the value it is changed to.
_CHANGES: dict[str, tuple[Table, object]] = {
    "arm": ({}, "low"),
    "averaged_from": ({}, 6),
    "below_lloq": ({"lloq": 0.3}, "zero"),
    "by_visit": ({"covariates": ["baseline", "age"]}, ["baseline", "age"]),
    "control_prior": ({}, {"weights": [1.0], "means": [0.4], "sds": [0.05]}),
    "covariance": ({}, "ar1"),
    "covariates": ({}, ["age"]),
    "delta": ({}, -0.1),
    "df": ({}, "kenward_roger"),
    "distribution": ({}, "normal"),
    "effect_prior": ({}, _MIXTURE | {"means": [0.3, 0.2]}),
    "endpoint": ({}, "hba1c"),
    "estimand": ({}, "hypothetical"),
    "factors": ({}, ["centre"]),
    "fallback": ({}, False),
    "imputations": ({"imputations": 5}, 6),
    "likelihood": ({}, "ml"),
    "lloq": ({"lloq": 0.3}, 0.35),
    "missing": ({}, "complete_cases"),
    "month": ({}, 6),
    "null_effect": ({}, 0.05),
    "of": ({}, "change"),
    "responder": ({}, {"at_least": 0.3}),
    "standard_error": ({}, ""),
    "strategy": ({}, "jump_to_reference"),
    "tipping_alpha": ({}, 0.1),
    "unit": ({"lloq": 0.35}, "ng/mL"),
    "variance": ({}, ""),
}
# The same of one method, where it differs.
_BOUND = {"responder": {"above_baseline_by": 0.1}}
_OWN_CHANGES: dict[str, tuple[Table, object]] = {
    "ancova.standard_error": ({}, "hc3"),
    "logistic_standardised.standard_error": ({}, "ge"),
    "tobit.standard_error": ({}, "likelihood"),
    "miettinen_nurminen.variance": ({}, "farrington_manning"),
    "conditional_mean_imputation.variance": ({}, "analytic"),
    "clda.df": ({}, "satterthwaite"),
    "clda.likelihood": ({"df": "satterthwaite"}, "ml"),
    "rank_ancova.below_lloq": ({"lloq": 0.3, "of": "change"}, "zero"),
    **{f"{name}.{option}": change for name, needs in _NEEDED.items() for option, change in (
        {"endpoint": (_BOUND, "hba1c"), "lloq": ({"lloq": 0.3}, 0.5),
         "below_lloq": ({"lloq": 0.5}, "zero")} if needs is _RULE else
        {"endpoint": ({}, "serious_adverse_events"), "lloq": ({}, 0.3),
         "below_lloq": ({}, "zero"), "unit": ({}, "ng/mL")} if needs is _COUNTED else {}
    ).items()},
}  # fmt: skip
_COUNTS = [name for name, needs in _NEEDED.items() if needs is _COUNTED]
# Key -> why its change is refused.
REFUSED_OPTIONS = {
    "analyses.qr_ancova.endpoint": "the quantitative response is of 'c_peptide'",
    **{f"analyses.{name}.factors": "simulated patients do not have it"
       for name, part in TABLES["analyses"].items() if "factors" in part.__dataclass_fields__},
    **{f"analyses.{name}.{option}": why for name in _COUNTS for option, why in (
        ("lloq", "counts have no such limit"), ("below_lloq", "counts have no such limit"),
        ("unit", "'adverse_events' has no units"),
        ("estimand", "estimand is not used: events are counted whatever happened"))},
}  # fmt: skip


def analysed(method: str, **options: object) -> Table:
    """Three arms and two endpoints, patients lost and treatment stopped, the method first."""
    first = {"endpoint": "c_peptide", "method": method} | _HIGH | _NEEDED.get(method, {}) | options
    base = two_endpoints(
        design={"kind": "fixed", "arms": ["placebo", "low", "high"], "patients": 60,
                "allocation": [1, 1, 1], "visits_months": [0, 3, 6, 12],
                "randomisation": {"method": "stratified_blocks", "over": ["age"]}},
        population={"age_years": [6, 18], "age_strata": [12],
                    "per_year_of_age": {"c_peptide": 0.02, "hba1c": 0.1}},
        missing={"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 12}},
        intercurrent={"discontinuation": {"share": 0.3, "by_month": 12, "half_life_months": 3,
                                          "hazard_ratio_treated": 2.0}},
        decision={"kind": "significance", "one_sided_alpha": 0.025},
        analysis=[first, *_OTHERS],
    )  # fmt: skip
    if first["endpoint"] in EVENTS:
        base["events"] = {
            "adverse_events": {"per_month": 0.1, "rate_ratio": 0.5},
            "serious_adverse_events": {"per_month": 0.1},
        }
        for name in base["events"]:
            base["analysis"].append({"endpoint": name, "method": "poisson", "name": name} | _HIGH)
    return base


def _probes() -> dict[str, tuple[Table, Table]]:
    probes = {}
    for method, schema in part_schemas("analyses").items():
        for option in schema["properties"]:
            own = _OWN_CHANGES.get(f"{method}.{option}", _CHANGES.get(option))
            if own is not None:
                beside, value = own
                probes[f"analyses.{method}.{option}"] = (
                    analysed(method, **beside),
                    {f"analysis.1.{option}": value},
                )
    few = analysed("mmrm")
    few["design"] |= {"patients": 15, "randomisation": "simple"}
    few["population"] = {}
    probes["analyses.mmrm.fallback"] = few, {"analysis.1.fallback": False}
    lower = {"analysis.1.endpoint": "hba1c", "analysis.1.lloq": 6.0}
    probes["analyses.tobit.endpoint"] = analysed("tobit"), lower
    return probes


# Key -> base and the change that must show; a key without a value above is not listed.
OPTION_PROBES = _probes()

_DECIDED = analysed("ancova")
_DOSES = analysed("ancova")
_DOSES["analysis"] = [
    {"endpoint": "c_peptide", "method": "ancova", "month": 12, "arm": arm}
    for arm in ("low", "high")
]
_DOSES["truth"] = {"target": {"c_peptide": _DOSES["truth"]["target"]["c_peptide"]}}
_DOSES["outcome"] = {"c_peptide": _DOSES["outcome"]["c_peptide"]}
_DOSES["population"] = _DOSES["population"] | {"per_year_of_age": {}}
del _DOSES["endpoint_correlation"]
_NAMES = [analysis.get("name", "c_peptide_month_12") for analysis in _DECIDED["analysis"]]
_FLAT = {"weights": [1.0], "means": [0.0], "sds": [0.05]}
_ROBUST = _FLAT | {"robust_weight": 0.5, "robust_mean": 0.0, "robust_sd": 1.0}
_RING = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def _decided(kind: str, **options: object) -> Table:
    base = _DOSES if kind in {"dunnett", "mcp_mod"} else _DECIDED
    alpha = {} if kind in {"posterior", "dual_criterion"} else {"one_sided_alpha": 0.2}
    return base | {"decision": {"kind": kind} | alpha | options}


def _mcp_mod(**curve: object) -> Table:
    return _decided("mcp_mod", doses=[0.0, 1.0, 8.0], models=[curve])


_EACH = dict.fromkeys(_NAMES, 0.0)
_FALLBACK = _decided("fallback", weights=[0.1, 0.1, 0.8])
_GATED = _decided("gatekeeping", families=[1, 2])
_GRAPH = _decided("graphical", weights=[0.1, 0.1, 0.8], transitions=_RING)
_DUNNETT = _decided("dunnett", step_down=True)
_MCP_MOD = _mcp_mod(shape="linear")
_POSTERIOR = _decided("posterior", probability=0.8, prior={"other": _FLAT})
_DUAL = _decided("dual_criterion", lower_reference=_EACH, lower_reference_confidence=0.8,
                 target={"c_peptide_month_12": 0.1, "other": -0.5, "another": 0.1},
                 prior={"other": _ROBUST})  # fmt: skip
_PRIOR = "decision.prior.other"
_BASES = {"fallback": _FALLBACK, "gatekeeping": _GATED, "graphical": _GRAPH, "dunnett": _DUNNETT,
          "mcp_mod": _MCP_MOD}  # fmt: skip
# Curve -> its keys, and what each is changed to.
_CURVES = {
    "sigemax": {"ed50": (4.0, 0.5), "h": (1.0, 8.0)},
    "exponential": {"delta": (1.0, 50.0)},
    "betamod": {"delta1": (0.5, 4.0), "delta2": (0.5, 4.0), "scale": (10.0, 50.0)},
}

OPTION_PROBES |= {
    **{f"decisions.{kind}.one_sided_alpha": (
        _BASES.get(kind, _decided(kind)), {"decision.one_sided_alpha": 0.02})
       for kind, part in TABLES["decisions"].items()
       if "one_sided_alpha" in part.__dataclass_fields__},
    "decisions.fallback.weights": (_FALLBACK, {"decision.weights": [0.9, 0.05, 0.05]}),
    "decisions.gatekeeping.families": (_GATED, {"decision.families": [3]}),
    "decisions.graphical.weights": (_GRAPH, {"decision.weights": [0.9, 0.05, 0.05]}),
    "decisions.graphical.transitions": (_GRAPH, {"decision.transitions": [[0.0] * 3] * 3}),
    "decisions.dunnett.step_down": (_DUNNETT, {"decision.step_down": False}),
    "decisions.mcp_mod.doses": (_MCP_MOD, {"decision.doses": [0.0, 7.0, 8.0]}),
    "decisions.mcp_mod.models": (_MCP_MOD, {"decision.models": [{"shape": "emax", "ed50": 0.5}]}),
    "decisions.posterior.probability": (_POSTERIOR, {"decision.probability": 0.99}),
    "decisions.posterior.beyond": (_POSTERIOR, {"decision.beyond": {"another": 0.3}}),
    "decisions.posterior.prior": (_POSTERIOR, {f"{_PRIOR}.means": [-2.0]}),
    "decisions.posterior.together": (_POSTERIOR, {"decision.together": "any"}),
    "decisions.dual_criterion.lower_reference": (_DUAL, {"decision.lower_reference.other": -0.4}),
    "decisions.dual_criterion.target": (_DUAL, {"decision.target.another": 0.4}),
    "decisions.dual_criterion.lower_reference_confidence": (
        _DUAL, {"decision.lower_reference_confidence": 0.99}),
    "decisions.dual_criterion.target_confidence": (_DUAL, {"decision.target_confidence": 0.9}),
    "decisions.dual_criterion.stop_when": (_DUAL, {"decision.stop_when": "target"}),
    "decisions.dual_criterion.prior": (_DUAL, {f"{_PRIOR}.means": [-2.0]}),
    "decisions.dual_criterion.together": (_DUAL, {"decision.together": "any"}),
    **{
        f"Curve.{key}": (
            _mcp_mod(shape=shape, **{other: first for other, (first, _) in keys.items()}),
            {f"decision.models.1.{key}": changed},
        )
        for shape, keys in _CURVES.items()
        for key, (_, changed) in keys.items()
    },
    "Curve.shape": (_MCP_MOD, {"decision.models.1": {"shape": "emax", "ed50": 0.5}}),
    "AnalysisMixture.weights": (
        analysed("bayes_normal"), {"analysis.1.effect_prior.weights": [0.1, 0.9]}),
    "AnalysisMixture.means": (
        analysed("bayes_normal"), {"analysis.1.effect_prior.means": [0.1, 0.3]}),
    "AnalysisMixture.sds": (analysed("bayes_normal"), {"analysis.1.effect_prior.sds": [0.1, 0.3]}),
    "AnalysisMixture.robust_weight": (_DUAL, {f"{_PRIOR}.robust_weight": 0.001}),
    "AnalysisMixture.robust_mean": (_DUAL, {f"{_PRIOR}.robust_mean": -2.0}),
    "AnalysisMixture.robust_sd": (_DUAL, {f"{_PRIOR}.robust_sd": 0.01}),
}  # fmt: skip

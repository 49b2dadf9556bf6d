"""A scenario for each key of its tables, and a change of the key that must show."""

from support.looks import sequential
from support.small_trials import Table, design, one_endpoint, two_endpoints

STEADY = {"kind": "steady", "per_month": 10}
C = one_endpoint(
    design=design(40, [0, 6, 12]),
    outcome={"c_peptide": {"control_mean": 0.5, "sd": 0.3,
                           "correlation": {"share": 0.5, "per_month": 0.9}}},
)  # fmt: skip
AGED = C | {
    "population": {"age_years": [6, 18], "age_strata": [12], "per_year_of_age": {"c_peptide": 0.02},
                   "sites": 4, "site_sd": {"c_peptide": 0.1}},
    "design": design(40, [0, 6, 12], randomisation={"method": "stratified_blocks",
                                                    "over": ["age"]}),
}  # fmt: skip
LOST = C | {"missing": {"dropout": {"mechanism": "mcar", "share": 0.3, "by_month": 12}}}
COUNTED = C | {
    "events": {"adverse_events": {"per_month": 0.2, "tied_to": "c_peptide", "per_unit": -1.0,
                                  "at": 0.5}},
    "analysis": [{"endpoint": "adverse_events", "month": 12, "method": "poisson"}],
}  # fmt: skip
WATCHED = C | {
    "events": {"adverse_events": {"per_month": 0.03}},
    "recruitment": STEADY,
    "safety": {
        "kind": "pocock",
        "event": "adverse_events",
        "by_month": 12,
        "looks": [5, 10],
        "limit": 0.2,
        "false_stop": 0.1,
    },
}
BAYES_SAFETY = WATCHED | {
    "events": {"adverse_events": {"per_month": 0.05}},
    "safety": {"kind": "posterior", "event": "adverse_events", "by_month": 12, "looks": [5, 10],
               "limit": 0.4, "certainty": 0.9, "prior": [1.0, 1.0]},
}  # fmt: skip
SLOW = {"kind": "steady", "per_month": 1.5}
LOOKS = C | {
    "design": sequential(patients=40, looks=[{"patients": 20, "month": 12}]),
    "recruitment": SLOW,
    "stopping": {"efficacy": {"kind": "obrien_fleming"}},
    "decision": {"kind": "significance", "one_sided_alpha": 0.2},
}
ON_EFFECT = {"kind": "effect", "at_least": [0.01], "binding": True}
ARMS = C | {
    "design": {"kind": "multi_arm_multi_stage", "arms": ["placebo", "low", "high"], "patients": 60,
               "visits_months": [0, 6, 12], "allocation": [1, 1, 1],
               "looks": [{"patients": 30, "month": 12}]},
    "recruitment": SLOW,
    "stopping": {"efficacy": {"kind": "obrien_fleming"}},
    "analysis": [{"endpoint": "c_peptide", "month": 12, "method": "ancova", "arm": a}
                 for a in ("low", "high")],
    "decision": {"kind": "dunnett", "one_sided_alpha": 0.2, "step_down": False},
}  # fmt: skip

BACKGROUND = C | {
    "population": {"background": {"name": "teplizumab", "share": 0.5, "kept": 0.5, "effect": {
        "c_peptide": {"effect": 0.1, "month": 12, "shape": "onset"}}}},
    "analysis": [C["analysis"][0] | {"month": 6}],
}  # fmt: skip

# Key -> base and the change of it (and of what it needs) that must show.
TABLE_PROBES: dict[str, tuple[Table, Table]] = {
    "seed": (C, {"seed": 9}),
    "design": (C, {"design.patients": 44}),
    "endpoint_correlation": (two_endpoints(), {"endpoint_correlation": 0.3}),
    "recruitment": (C, {"recruitment": STEADY}),
    "intercurrent": (C, {"intercurrent": {"discontinuation": {
        "share": 0.3, "by_month": 12, "half_life_months": 0}}}),
    "events": (COUNTED, {"events.adverse_events.per_month": 0.4}),
    "safety": (WATCHED, {"safety.limit": 0.8}),
    "assume": (LOST, {"assume": "pessimistic"}),
    "analysis": (C, {"analysis.1.month": 6}),
    "decision": (C, {"decision.one_sided_alpha": 0.2}),
    "BackgroundTable.share": (BACKGROUND, {"population.background.share": 0.2}),
    "BackgroundTable.kept": (BACKGROUND, {"population.background.kept": 1.0}),
    "BackgroundTable.effect": (BACKGROUND, {"population.background.effect.c_peptide.effect": 0.2}),
    "BackgroundEffect.effect": (BACKGROUND, {
        "population.background.effect.c_peptide.effect": 0.2}),
    "BackgroundEffect.month": (BACKGROUND, {"population.background.effect.c_peptide.month": 3}),
    "BackgroundEffect.shape": (BACKGROUND, {
        "population.background.effect.c_peptide.shape": "linear"}),
    "Events.per_month": (COUNTED, {"events.adverse_events.per_month": 0.4}),
    "Events.dispersion": (COUNTED, {"events.adverse_events.dispersion": 2.0}),
    "Events.rate_ratio": (COUNTED, {"events.adverse_events.rate_ratio": 0.4}),
    "Events.tied_to": (COUNTED, {"events.adverse_events": {"per_month": 0.2}}),
    "Events.per_unit": (COUNTED, {"events.adverse_events.per_unit": -3.0}),
    "Events.at": (COUNTED, {"events.adverse_events.at": 1.5}),
    "Limits.at_least": (C, {"population": {"eligible": {"c_peptide": {"at_least": 0.4}}}}),
    "Limits.at_most": (C, {"population": {"eligible": {"c_peptide": {"at_most": 0.6}}}}),
    "Missing.dropout": (C, {"missing": LOST["missing"]}),
    "Missing.gaps": (C, {"missing": {"gaps": {"mechanism": "mcar", "share": 0.4}}}),
    "Outcome.control_mean": (C, {"outcome.c_peptide.control_mean": [0.5, 0.5, 0.6]}),
    "Outcome.sd": (C, {"outcome.c_peptide.sd": 0.4}),
    "Outcome.correlation": (C, {"outcome.c_peptide.correlation": 0.2}),
    "Percent.percent": (C | {"truth": {"target": {"c_peptide": {
        "effect": {"percent": 20}, "month": 12, "shape": "linear"}}}},
        {"truth.target.c_peptide.effect.percent": 30}),
    "PlannedLook.month": (LOOKS, {"design.looks": [{"patients": 20, "month": 6}]}),
    "PlannedLook.patients": (LOOKS, {"design.looks": [{"patients": 30, "month": 12}]}),
    "PlannedLook.share": (LOOKS, {"design.looks": [{"share": 0.7, "month": 12}]}),
    "PlannedLook.information": (LOOKS, {"design.looks": [
        {"patients": 20, "month": 12, "information": 0.2}]}),
    "PlannedLook.calendar_months": (LOOKS, {"design.looks": [
        {"calendar_months": 24, "information": 0.5}]}),
    "Population.age_years": (AGED, {"population.age_years": [8, 16]}),
    "Population.age_strata": (AGED, {"population.age_strata": [9]}),
    "Population.age_mean": (AGED, {"population.age_mean": 9, "population.age_sd": 3}),
    "Population.age_sd": (AGED, {"population.age_mean": 12, "population.age_sd": 2}),
    "Population.per_year_of_age": (AGED, {"population.per_year_of_age.c_peptide": 0.03}),
    "Population.eligible": (C, {"population": {"eligible": {"c_peptide": {"at_least": 0.4}}}}),
    "Population.baseline_strata": (C, {"population": {"baseline_strata": {"c_peptide": [0.6]}},
        "design.randomisation": {"method": "stratified_blocks", "over": ["c_peptide"]}}),
    "Population.background": (C, {"population": BACKGROUND["population"]}),
    "Population.sites": (AGED, {"population.sites": 2}),
    "Population.site_sd": (AGED, {"population.site_sd.c_peptide": 0.2}),
    "Shared.endpoints": (C, {"shared.endpoints": ["hba1c"], "endpoint_correlation": -0.5,
        "outcome.hba1c": {"control_mean": 7.5, "sd": 1.2, "correlation": 0.5}}),
    "Shared.months": (LOST | {"missing": {"dropout": {"mechanism": "mar", "share": 0.3,
        "by_month": 12, "endpoint": "c_peptide"}}}, {"shared.months": [3]}),
    "Stopping.efficacy": (LOOKS, {"stopping.efficacy.kind": "pocock"}),
    "Stopping.futility": (LOOKS, {"stopping.futility": {"kind": "z", "at_least": [0.9]}}),
    "Stopping.information": (
        LOOKS | {"stopping": {"efficacy": {"kind": "pocock_spending"}}},
        {"stopping.information": "actual", "stopping.maximum_information": {"c_peptide": 2e4}}),
    "Stopping.maximum_information": (
        LOOKS | {"stopping": {"efficacy": {"kind": "pocock_spending"}, "futility": ON_EFFECT,
                              "maximum_information": {"c_peptide": 100.0}}},
        {"stopping.maximum_information.c_peptide": 4e3}),
    "Stopping.keep_best": (ARMS, {"stopping.keep_best": [1]}),
    "TargetEffect.effect": (C, {"truth.target.c_peptide.effect": 0.3}),
    "TargetEffect.month": (C, {"truth.target.c_peptide.month": 6}),
    "TargetEffect.shape": (C | {"analysis": [C["analysis"][0] | {"month": 6}]},
                           {"truth.target.c_peptide.shape": "immediate"}),
    "TargetEffect.modified_by": (AGED, {"truth.target.c_peptide.modified_by": {"age": 0.02}}),
    "TruthTable.target": (C, {"truth.target.c_peptide.effect": 0.3}),
    "TruthTable.share_of_effect": (C, {"truth.share_of_effect": {"active": 0.5}}),
    "VisitCorrelation.share": (C, {"outcome.c_peptide.correlation.share": 0.8}),
    "VisitCorrelation.per_month": (C, {"outcome.c_peptide.correlation.per_month": 0.5}),
    "designs.*.arms": (C, {"design.arms": ["placebo", "low", "high"],
                           "design.allocation": [1, 1, 2], "analysis.1.arm": "high"}),
    "designs.*.patients": (C, {"design.patients": 44}),
    "designs.*.visits_months": (C, {"design.visits_months": [0, 3, 12]}),
    "designs.*.allocation": (C, {"design.allocation": [1, 3]}),
    "designs.*.randomisation": (C, {"design.randomisation": "simple"}),
    "designs.*.block_size": (C, {"design.block_size": 8}),
    "designs.*.looks": (LOOKS, {"design.looks": [{"patients": 30, "month": 12}]}),
    "designs.*.months_to_decide": (LOOKS, {"design.months_to_decide": 2.0}),
    "designs.*.analyse_overrun": (LOOKS, {"design.analyse_overrun": True}),
    "designs.*.reestimation": (LOOKS, {"design.reestimation": {
        "kind": "promising_zone", "from_power": 0.01, "power": 0.99, "most_patients": 80}}),
}  # fmt: skip

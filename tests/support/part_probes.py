"""A scenario for each option of its parts, and a change of the option that must show."""

from support.key_probes import AGED, BAYES_SAFETY, LOOKS, LOST, STEADY, WATCHED, C
from support.looks import sequential
from support.small_trials import Table, design, two_endpoints


def losing(**dropout: object) -> Table:
    return C | {"missing": {"dropout": dropout}}


MAR = losing(mechanism="mar", share=0.3, by_month=12, endpoint="c_peptide",
               hazard_ratio_per_sd=2.0)  # fmt: skip
GAPS = C | {"missing": {"gaps": {"mechanism": "mar", "share": 0.4, "endpoint": "c_peptide"}}}
BOTH = two_endpoints(missing={"dropout": MAR["missing"]["dropout"]})
STOPPED = C | {"intercurrent": {"discontinuation": {"share": 0.4, "by_month": 12,
                                                    "half_life_months": 3}}}  # fmt: skip
THERAPY = C | {"intercurrent": {"other_therapy": {"share": 0.4, "by_month": 12,
                                                  "effect": {"c_peptide": 0.2}}}}  # fmt: skip
RESCUED = two_endpoints(
    intercurrent={"rescue": {"endpoint": "hba1c", "limit": 7.0, "effect": {"hba1c": -0.5}}}
)
POISSON = C | {"recruitment": {"kind": "poisson", "per_month": 4.0}, "population": {"sites": 4}}
POISSON["recruitment"]["ramp_up_months"] = 6.0
BLOCKS = "design.randomisation"


def stopped_by(**table: object) -> Table:
    return LOOKS | {"stopping": {"efficacy": {"kind": "obrien_fleming"}} | table}


def shaped(shape: str, **options: object) -> Table:
    target = {"effect": 0.2, "month": 12, "shape": shape} | options
    return C | {
        "truth": {"target": {"c_peptide": target}},
        "analysis": [C["analysis"][0] | {"month": 6}],
    }


def resized(**options: object) -> Table:
    looks = sequential(patients=40, looks=[{"patients": 20, "month": 12}], reestimation=options)
    return LOOKS | {"design": looks}


PROMISING = resized(kind="promising_zone", from_power=0.05, power=0.9, most_patients=80,
                     critical_z=0.841621)  # fmt: skip
BLINDED = resized(kind="blinded_variance", effect=0.2, power=0.9, most_patients=200,
                   one_sided_alpha=0.2)  # fmt: skip
RESPONDERS = C | {"analysis": [{"endpoint": "c_peptide", "month": 12, "method": "fisher",
                               "responder": {"at_least": 0.5}}]}  # fmt: skip
EF, FU = "stopping.efficacy", "stopping.futility"

_TWO = LOOKS | {
    "analysis": [
        {"endpoint": "c_peptide", "month": month, "method": "ancova"} for month in (12, 6)
    ],
    "stopping": {"efficacy": {"kind": "obrien_fleming"}, "verdict": "c_peptide_month_12"},
}

PART_PROBES: dict[str, tuple[Table, Table]] = {
    "dropouts.mcar.share": (LOST, {"missing.dropout.share": 0.6}),
    "dropouts.mcar.by_month": (LOST, {"missing.dropout.by_month": 3}),
    "dropouts.mcar.hazard_ratio_treated": (LOST, {"missing.dropout.hazard_ratio_treated": 3}),
    "dropouts.mar.share": (MAR, {"missing.dropout.share": 0.6}),
    "dropouts.mar.by_month": (MAR, {"missing.dropout.by_month": 3}),
    "dropouts.mar.endpoint": (BOTH, {"missing.dropout.endpoint": "hba1c"}),
    "dropouts.mar.hazard_ratio_per_sd": (MAR, {"missing.dropout.hazard_ratio_per_sd": 5.0}),
    "dropouts.mar.hazard_ratio_treated": (MAR, {"missing.dropout.hazard_ratio_treated": 3}),
    **{
        f"dropouts.{name}.{key}": (
            losing(mechanism=name, lost=[0.2, 0.4], endpoint="c_peptide")
            if key != "endpoint"
            else two_endpoints(missing={"dropout": {"mechanism": name, "endpoint": "c_peptide",
                                                    "lost": [0.2, 0.3, 0.4]}}),
            {f"missing.dropout.{key}": value},
        )
        for name in ("logistic", "mnar")
        for key, value in (("lost", [0.4, 0.5]), ("endpoint", "hba1c"),
                           ("odds_ratio_per_sd", 6.0), ("odds_ratio_treated", 4.0))
    },
    "gaps.mcar.share": (C | {"missing": {"gaps": {"mechanism": "mcar", "share": 0.2}}},
                        {"missing.gaps.share": 0.5}),
    "gaps.mar.share": (GAPS, {"missing.gaps.share": 0.2}),
    "gaps.mar.endpoint": (two_endpoints(missing=GAPS["missing"]),
                          {"missing.gaps.endpoint": "hba1c"}),
    "gaps.mar.odds_ratio_per_sd": (GAPS, {"missing.gaps.odds_ratio_per_sd": 6.0}),
    "intercurrent.discontinuation.share": (STOPPED, {"intercurrent.discontinuation.share": 0.8}),
    "intercurrent.discontinuation.by_month": (STOPPED,
                                              {"intercurrent.discontinuation.by_month": 3}),
    "intercurrent.discontinuation.half_life_months": (
        STOPPED, {"intercurrent.discontinuation.half_life_months": 0}),
    "intercurrent.discontinuation.hazard_ratio_treated": (
        STOPPED, {"intercurrent.discontinuation.hazard_ratio_treated": 5}),
    "intercurrent.other_therapy.share": (THERAPY, {"intercurrent.other_therapy.share": 0.8}),
    "intercurrent.other_therapy.by_month": (THERAPY, {"intercurrent.other_therapy.by_month": 3}),
    "intercurrent.other_therapy.effect": (
        THERAPY, {"intercurrent.other_therapy.effect.c_peptide": 0.4}),
    "intercurrent.other_therapy.hazard_ratio_treated": (
        THERAPY, {"intercurrent.other_therapy.hazard_ratio_treated": 5}),
    "intercurrent.rescue.unit": (
        RESCUED | {"intercurrent": {"rescue": {"endpoint": "hba1c", "limit": 7.0, "unit": "%",
                                               "effect": {"hba1c": -0.5}}}},
        {"intercurrent.rescue.limit": 60, "intercurrent.rescue.unit": "mmol/mol"}),
    **{
        f"intercurrent.{event}.strategy": (
            base, {f"intercurrent.{event}.strategy": "hypothetical"})
        for event, base in (("discontinuation", STOPPED), ("other_therapy", THERAPY),
                            ("rescue", RESCUED))
    },
    "intercurrent.rescue.limit": (RESCUED, {"intercurrent.rescue.limit": 9.0}),
    "intercurrent.rescue.effect": (RESCUED, {"intercurrent.rescue.effect.hba1c": -1.5}),
    "intercurrent.rescue.endpoint": (RESCUED, {"intercurrent.rescue.endpoint": "c_peptide",
                                               "intercurrent.rescue.limit": 0.4}),
    "intercurrent.rescue.from_month": (RESCUED, {"intercurrent.rescue.from_month": 6}),
    "intercurrent.rescue.chance": (RESCUED, {"intercurrent.rescue.chance": 0.2}),
    "shapes.onset.half_time_months": (shaped("onset", half_time_months=2),
                                      {"truth.target.c_peptide.half_time_months": 8}),
    "shapes.transient.half_time_months": (
        shaped("transient", half_time_months=2, half_life_months=8),
        {"truth.target.c_peptide.half_time_months": 6}),
    "shapes.transient.half_life_months": (
        shaped("transient", half_time_months=2, half_life_months=8),
        {"truth.target.c_peptide.half_life_months": 20}),
    "shapes.delayed.lag_months": (shaped("delayed", lag_months=2),
                                  {"truth.target.c_peptide.lag_months": 8}),
    "recruitments.steady.per_month": (C | {"recruitment": STEADY}, {"recruitment.per_month": 3}),
    "recruitments.poisson.per_month": (POISSON, {"recruitment.per_month": 8.0}),
    "recruitments.poisson.ramp_up_months": (POISSON, {"recruitment.ramp_up_months": 12.0}),
    "recruitments.poisson.most_per_site": (POISSON, {"recruitment.most_per_site": 11}),
    "randomisations.permuted_blocks.block_size": (C, {BLOCKS: {"method": "permuted_blocks",
                                                               "block_size": 8}}),
    "randomisations.permuted_blocks.block_sizes": (C, {BLOCKS: {"method": "permuted_blocks",
                                                                "block_sizes": [2, 8]}}),
    "randomisations.stratified_blocks.over": (AGED, {f"{BLOCKS}.over": ["age", "site"]}),
    "randomisations.stratified_blocks.block_size": (AGED, {f"{BLOCKS}.block_size": 8}),
    "randomisations.stratified_blocks.block_sizes": (AGED, {f"{BLOCKS}.block_sizes": [2, 8]}),
    "randomisations.minimisation.over": (AGED, {BLOCKS: {"method": "minimisation",
                                                         "over": ["age", "site"]}}),
    "randomisations.minimisation.probability": (
        AGED | {"design": design(40, [0, 6, 12], randomisation={"method": "minimisation",
                                                               "over": ["age"]})},
        {f"{BLOCKS}.probability": 1.0}),
    "efficacies.hwang_shih_decani_spending.gamma": (
        stopped_by(efficacy={"kind": "hwang_shih_decani_spending", "gamma": -8}),
        {f"{EF}.gamma": 4}),
    "efficacies.power_spending.rho": (stopped_by(efficacy={"kind": "power_spending", "rho": 0.5}),
                                      {f"{EF}.rho": 8}),
    "efficacies.wang_tsiatis.delta": (stopped_by(efficacy={"kind": "wang_tsiatis", "delta": 0.5}),
                                      {f"{EF}.delta": -0.5}),
    "efficacies.haybittle_peto.z": (stopped_by(efficacy={"kind": "haybittle_peto", "z": 1.0}),
                                    {f"{EF}.z": 4.0}),
    "efficacies.posterior.probability": (
        stopped_by(efficacy={"kind": "posterior", "probability": [0.85]}),
        {f"{EF}.probability": [0.999]}),
    "futilities.beta_spending.beta": (
        stopped_by(futility={"kind": "beta_spending", "beta": 0.1}), {f"{FU}.beta": 0.6}),
    "futilities.beta_spending.spending": (
        stopped_by(futility={"kind": "beta_spending", "beta": 0.4}), {f"{FU}.spending": {
            "kind": "hwang_shih_decani", "gamma": 8}}),
    "spendings.hwang_shih_decani.gamma": (
        stopped_by(futility={"kind": "beta_spending", "beta": 0.4, "spending": {
            "kind": "hwang_shih_decani", "gamma": -8}}), {f"{FU}.spending.gamma": 8}),
    "spendings.power.rho": (
        stopped_by(futility={"kind": "beta_spending", "beta": 0.4, "spending": {
            "kind": "power", "rho": 8}}), {f"{FU}.spending.rho": 0.3}),
    "futilities.z.at_least": (stopped_by(futility={"kind": "z", "at_least": [-1.0]}),
                              {f"{FU}.at_least": [0.9]}),
    "futilities.p.at_most": (stopped_by(futility={"kind": "p", "at_most": [0.9]}),
                             {f"{FU}.at_most": [0.3]}),
    "futilities.effect.at_least": (stopped_by(futility={"kind": "effect", "at_least": [-0.2]}),
                                   {f"{FU}.at_least": [0.2]}),
    "futilities.conditional_power.at_least": (
        stopped_by(futility={"kind": "conditional_power", "at_least": [0.01]}),
        {f"{FU}.at_least": [0.6]}),
    "futilities.conditional_power.benefit": (
        stopped_by(futility={"kind": "conditional_power", "at_least": [0.4]}),
        {f"{FU}.benefit": 0.4, "stopping.maximum_information": {"c_peptide": 100.0}}),
    "futilities.predictive_power.at_least": (
        stopped_by(futility={"kind": "predictive_power", "at_least": [0.01]}),
        {f"{FU}.at_least": [0.6]}),
    "reestimations.promising_zone.from_power": (PROMISING, {"design.reestimation.from_power": 0.8}),
    "reestimations.promising_zone.power": (PROMISING, {"design.reestimation.power": 0.6}),
    "reestimations.promising_zone.most_patients": (PROMISING,
                                                   {"design.reestimation.most_patients": 44}),
    "reestimations.blinded_variance.effect": (BLINDED, {"design.reestimation.effect": 0.3}),
    "reestimations.blinded_variance.power": (BLINDED, {"design.reestimation.power": 0.6}),
    "reestimations.blinded_variance.most_patients": (BLINDED,
                                                     {"design.reestimation.most_patients": 44}),
    **{
        f"safety.{kind}.{key}": (base, {f"safety.{key}": value})
        for kind, base in (("pocock", WATCHED), ("posterior", BAYES_SAFETY))
        for key, value in (("by_month", 6), ("looks", [10, 15]), ("limit", 0.9))
    },
    **{
        f"safety.{kind}.event": (base, {
            "events": {"serious_adverse_events": {"per_month": 0.2}},
            "safety.event": "serious_adverse_events"})
        for kind, base in (("pocock", WATCHED), ("posterior", BAYES_SAFETY))
    },
    **{
        f"futilities.{kind}.binding": (
            stopped_by(futility={"kind": kind, **limit}), {f"{FU}.binding": True})
        for kind, limit in (("z", {"at_least": [0.5]}),
                            ("p", {"at_most": [0.4]}), ("predictive_power", {"at_least": [0.3]}),
                            ("conditional_power", {"at_least": [0.3]}))
    },
    "futilities.beta_spending.binding": (
        stopped_by(efficacy={"kind": "pocock_spending"},
                  futility={"kind": "beta_spending", "beta": 0.2}), {f"{FU}.binding": True}),
    "futilities.effect.binding": (
        stopped_by(futility={"kind": "effect", "at_least": [0.02]},
                  maximum_information={"c_peptide": 100.0}), {f"{FU}.binding": True}),
    "futilities.triangular.binding": (
        stopped_by(efficacy={"kind": "triangular"}, futility={"kind": "triangular"}),
        {f"{FU}.binding": True}),
    "reestimations.blinded_variance.one_sided_alpha": (
        BLINDED, {"design.reestimation.one_sided_alpha": 0.1, "decision.one_sided_alpha": 0.1}),
    "reestimations.promising_zone.critical_z": (
        PROMISING, {"design.reestimation.critical_z": 1.2815516,
                    "decision.one_sided_alpha": 0.1}),
    **{
        f"Responder.{key}": (RESPONDERS, {"analysis.1.responder": {key: value}})
        for key, value in (("below", 0.5), ("at_most", 0.4), ("at_least", 0.7),
                           ("below_baseline_by", 0.1), ("above_baseline_by", 0.1))
    },
    "Stopping.verdict": (_TWO, {"stopping.verdict": "c_peptide_month_6"}),
    "safety.pocock.false_stop": (WATCHED, {"safety.false_stop": 0.4}),
    "safety.posterior.certainty": (BAYES_SAFETY, {"safety.certainty": 0.1}),
    "safety.posterior.prior": (BAYES_SAFETY, {"safety.prior": [1.0, 99.0]}),
}  # fmt: skip

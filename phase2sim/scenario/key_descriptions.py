"""What each key of a part says, for the schema and the reference."""

from collections.abc import Mapping

# Kind of part -> key, or "part.key" where a part reads it in its own way -> what it says.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "designs": {
        "arms": "Names of two arms or more, control first.",
        "patients": "In all arms together; a multiple of the sum of allocation.",
        "visits_months": "When patients are seen; rising from 0, the baseline.",
        "allocation": "Ratio of the arms, in whole numbers.",
        "randomisation": "A method's name, or a table with its keys.",
        "block_size": "Of permuted blocks: a multiple of the sum of allocation; if left out, the "
        "smallest such from 4.",
        "looks": "Its interim looks, in order; the final analysis is not among them.",
        "analyse_overrun": "Whether trials that stop are analysed again once all who had enrolled "
        "are followed.",
        "reestimation": "How the number of patients is re-estimated at the last look; never if "
        "left out.",
        "months_to_decide": "From the data of a look to its decision, while patients go on to "
        "enrol.",
    },
    "reestimations": {
        "effect": "Difference of means that power is for, model scale; either sign.",
        "power": "What is wanted.",
        "most_patients": "In all arms together, more than design.patients.",
        "one_sided_alpha": "Level that the power is for.",
        "from_power": "Conditional power from which on more patients are added.",
        "critical_z": "What z must reach at the end, for conditional power.",
    },
    "efficacies": {
        "gamma": "Spends early above 0, late below; 0 in proportion to the information.",
        "rho": "Spends the fraction of the information to this power.",
        "delta": "Bounds in the shape fraction^(delta - 1/2): 0 O'Brien and Fleming, 0.5 Pocock.",
        "z": "At every interim look; the end takes what is left of the level.",
        "probability": "Posterior probability of benefit that stops, one for each interim look.",
    },
    "spendings": {
        "gamma": "Spends early above 0, late below; 0 in proportion to the information.",
        "rho": "Spends the fraction of the information to this power.",
    },
    "futilities": {
        "beta": "Type II error that the stops and the end may use up.",
        "spending": "A spending function's name, or a table with its keys.",
        "binding": "Whether the efficacy bounds count on the stops.",
        "at_least": "Limit below which a look stops the trial: one for all looks, or one each.",
        "at_most": "Limit above which a look stops the trial: one for all looks, or one each.",
        "benefit": "The effect that conditional power is for, above 0 better; or 'observed'.",
    },
    "randomisations": {
        "block_size": "Patients in a block: a multiple of the sum of the ratio; if left out, the "
        "smallest such from 4.",
        "block_sizes": "Sizes of which each block has one, by chance; in place of block_size.",
        "over": "What it balances over: 'age' (with age_strata), 'site' (with sites), or an "
        "endpoint with baseline_strata.",
        "probability": "Chance of the arm that leaves the margins most even; from the share "
        "of the largest arm in the ratio to 1.",
    },
    "recruitments": {
        "per_month": "Patients a month, at all sites together once all are open.",
        "ramp_up_months": "Sites open at equal intervals within this time.",
        "most_per_site": "A site closes with this patient; no limit if left out.",
    },
    "dropouts": {
        "share": "Share of the untreated patients who are lost by by_month.",
        "by_month": "When share of the untreated patients are lost.",
        "hazard_ratio_treated": "Of a treated patient against an untreated one with the same "
        "values.",
        "endpoint": "Its values decide who leaves.",
        "hazard_ratio_per_sd": "What an SD by which the last seen value is worse than average "
        "multiplies the hazard with.",
        "lost": "Share of the untreated patients who are lost by each visit after baseline.",
        "odds_ratio_per_sd": "What an SD by which the last seen value is worse multiplies the odds "
        "of leaving with.",
        "mnar.odds_ratio_per_sd": "What an SD by which the value that nobody sees is worse "
        "multiplies the odds of leaving with.",
        "odds_ratio_treated": "Of a treated patient against an untreated one with the same values.",
    },
    "gaps": {
        "share": "Share of the visits after baseline that are missed.",
        "endpoint": "Its baseline decides who misses visits.",
        "odds_ratio_per_sd": "What an SD of a worse baseline multiplies the odds of a miss with.",
    },
    "intercurrent": {
        "share": "Share of the untreated patients whom it strikes by by_month.",
        "by_month": "When it has struck share of the untreated patients.",
        "half_life_months": "Half of the effect is lost in this time; 0: all at once.",
        "hazard_ratio_treated": "Of a treated patient against an untreated one.",
        "effect": "By endpoint: what it adds from the next visit on, model scale.",
        "limit": "The value of endpoint, in its unit, beyond which a patient is rescued.",
        "endpoint": "What is compared with limit.",
        "from_month": "No rescue before this visit.",
        "chance": "That a patient beyond limit is rescued.",
    },
    "shapes": {
        "full_at_months": "Months from the start of treatment until the effect is whole.",
        "half_time_months": "Half of what is missing comes each half-time.",
        "half_life_months": "Half of what is there fades each half-life.",
        "lag_months": "No effect before; the whole effect after.",
    },
    "analyses": {
        "endpoint": "What it analyses.",
        "month": "At which visit; one of design.visits_months, after baseline.",
        "name": "What it is called in results; the endpoint if left out.",
        "arm": "The treated arm that is compared with control; must be said where there are "
        "several.",
        "unit": "Of lloq, the limits of responder, null_effect, delta and priors; if left out, as "
        "each says.",
        "estimand": "A strategy for all intercurrent events, or a table of them by event, where "
        "it differs from what the event says. Not for counted events.",
        "lloq": "The assay's limit of quantification, in the endpoint's unit; none if left out.",
        "below_lloq": "What a value below it becomes.",
        "tobit.below_lloq": "What a baseline below it becomes.",
        "null_effect": "The effect to be beaten, on the scale of the analysis.",
        "covariates": "Of 'baseline', 'age' and 'stratum' those to adjust for.",
        "clda.covariates": "Of 'age' and 'stratum' those to adjust for; baseline is an outcome.",
        "factors": "Further columns of a data file that enter as factors; not to be simulated.",
        "standard_error": "How the standard error is found.",
        "of": "The value at the visit, or its change from baseline.",
        "distribution": "Of the rank sum without an effect.",
        "responder": "The rule by which a patient responds, or the name of one.",
        "missing": "Whether a patient without the visit counts as no responder, or not at all.",
        "variance": "How the variance is estimated.",
        "effect_prior": "Mixture of normals for the effect, model scale; flat if left out.",
        "control_prior": "Mixture of normals for the mean of control, model scale; flat if left "
        "out.",
        "by_visit": "Covariates that have a slope, or levels, at each visit; the baseline if left "
        "out.",
        "averaged_from": "The effect is the mean of those at the visits from here to month; at "
        "month alone if left out.",
        "covariance": "Of a patient's visits: unstructured, heterogeneous_toeplitz, toeplitz, "
        "heterogeneous_ar1, ar1, heterogeneous_compound_symmetry or compound_symmetry.",
        "fallback": "Whether a fit that does not converge is made again with simpler covariances.",
        "likelihood": "Restricted maximum likelihood, or maximum likelihood.",
        "df": "How the degrees of freedom are found.",
        "strategy": "What a treated patient has after the last seen visit.",
        "delta": "Added to what is imputed to treated patients, model scale.",
        "tipping_alpha": "One-sided level for which `analyse` and `replay` report the delta that "
        "loses significance; none if left out.",
        "imputations": "How many.",
    },
    "decisions": {
        "one_sided_alpha": "Level of each analysis, or of all together where the rule keeps the "
        "familywise error; above 0 and below 0.5.",
        "weights": "Share of alpha, one an analysis; their sum is at most 1.",
        "transitions": "A row an analysis: what it hands to each other once it is significant.",
        "families": "The number of analyses in each family, in their order.",
        "probability": "The least posterior probability of an effect beyond the limit that is a "
        "go.",
        "beyond": "By analysis: the limit, on the scale of its effect; its null effect if left "
        "out.",
        "lower_reference": "By analysis: the least effect that would do.",
        "target": "By analysis: the effect that is hoped for.",
        "lower_reference_confidence": "The least posterior probability of an effect beyond the "
        "lower reference value.",
        "target_confidence": "The least posterior probability of an effect beyond the target.",
        "stop_when": "Stop where neither criterion holds, or where that of the target fails.",
        "prior": "By analysis: mixture of normals for its effect; flat if left out.",
        "together": "Whether all analyses must be a go, or any.",
        "step_down": "Whether each arm is judged against those that are left once a larger t is "
        "significant.",
        "doses": "Of design.arms, control's first; rising.",
        "models": "Candidate dose-response curves.",
    },
    "safety": {
        "event": "What is counted; one of [events].",
        "by_month": "The visit up to which it is counted.",
        "looks": "Treated patients, in order of enrolment, after whom the count is judged.",
        "limit": "Share of patients with an event that is still acceptable.",
        "certainty": "Posterior probability of an excess above which the trial stops.",
        "prior": "a and b of a Beta for the share, worth a + b patients.",
        "false_stop": "Chance of a stop where the share is limit.",
    },
}  # fmt: skip
# The tables that several parts have, by their name in the schema.
OF_TABLES: Mapping[str, Mapping[str, str]] = {
    "Responder": {
        "below": "The value is below this, in the endpoint's unit.",
        "at_most": "The value is this or less.",
        "at_least": "The value is this or more.",
        "below_baseline_by": "The value is lower than own baseline by more than this.",
        "above_baseline_by": "The value is higher than own baseline by more than this.",
    },
    "PlannedLook": {
        "month": "The visit at which the patients must have been due.",
        "patients": "The look is due once so many patients have been due at the visit.",
        "share": "The same as a share of design.patients.",
        "calendar_months": "Instead: this long after the trial's opening.",
        "information": "Planned fraction of that at the end; that of the patients if left out.",
    },
    "Curve": {
        "shape": "Its form; the guesses below are of its parameters, at the doses' own scale.",
        "ed50": "Dose of half the largest effect: of emax, sigemax and logistic.",
        "h": "Steepness of sigemax.",
        "delta": "Of exponential, logistic and quadratic, as in its formula.",
        "delta1": "First power of betamod.",
        "delta2": "Second power of betamod.",
        "scale": "Of betamod: a dose above the largest.",
    },
    "AnalysisMixture": {
        "weights": "Of the components; their sum is 1.",
        "means": "Of the components, model scale.",
        "sds": "Of the components, model scale; above 0.",
        "robust_weight": "Share of all that the robust component takes; from 0 to below 1.",
        "robust_mean": "Of the robust component; the mixture's own mean if left out.",
        "robust_sd": "Of the robust component; above 0.",
    },
}


def key_meaning(kind: str, part: str, key: str) -> str | None:
    """What ``key`` of a part says; None if nobody has written it."""
    of_kind = MEANINGS.get(kind, {})
    return of_kind.get(f"{part}.{key}", of_kind.get(key))

"""A small complete scenario without evidence, and ways to damage it."""

SOUND = """\
title = "Two endpoints, no evidence"
seed = 7
trials = 2000
failures_allowed = 0.05
endpoint_correlation = -0.3

[population]
months_since_diagnosis = [0, 3]
age_years = [6, 18]
age_strata = [12]
per_year_of_age = { hba1c = 0.05 }

[design]
kind = "fixed"
arms = ["control", "drug"]
allocation = [1, 1]
patients = 120
visits_months = [0, 3, 6, 12]
randomisation = "permuted_blocks"
block_size = 4

[outcome.hba1c]
control_mean = 7.5
sd = [1.1, 1.2, 1.2, 1.2]
correlation = { share = 0.4, per_month = 0.9 }

[outcome.c_peptide]
control_mean = [0.55, 0.49, 0.46, 0.41]
sd = 0.3
correlation = [[1, 0.9, 0.8, 0.7], [0.9, 1, 0.9, 0.8], [0.8, 0.9, 1, 0.9], [0.7, 0.8, 0.9, 1]]

[truth.target]
hba1c = { effect = -0.5, month = 6, shape = "onset", half_time_months = 1.5 }
c_peptide = { effect = 0.12, month = 12, shape = "linear" }

[missing]
dropout = { mechanism = "mar", share = 0.1, by_month = 12, endpoint = "hba1c" }

[[analysis]]
endpoint = "hba1c"
month = 6
method = "ancova"
covariates = ["baseline", "age", "stratum"]

[[analysis]]
endpoint = "c_peptide"
month = 12
method = "welch"
of = "change"
name = "c_peptide_change"

[decision]
kind = "co_primary"
one_sided_alpha = 0.025
"""
TITLE = 'title = "Two endpoints, no evidence"'
WINDOW = "months_since_diagnosis = [0, 3]"
AGE = "age_years = [6, 18]"
STRATA = "age_strata = [12]"
PER_YEAR = "per_year_of_age = { hba1c = 0.05 }"
ARMS = 'arms = ["control", "drug"]'
RATIO = "allocation = [1, 1]"
PATIENTS = "patients = 120"
VISITS = "visits_months = [0, 3, 6, 12]"
METHOD = 'randomisation = "permuted_blocks"'
BLOCK = "block_size = 4"
MEAN = "control_mean = 7.5"
SD = "sd = [1.1, 1.2, 1.2, 1.2]"
FADING = "correlation = { share = 0.4, per_month = 0.9 }"
ROWS = "[[1, 0.9, 0.8, 0.7], [0.9, 1, 0.9, 0.8], [0.8, 0.9, 1, 0.9], [0.7, 0.8, 0.9, 1]]"
MATRIX = f"correlation = {ROWS}"
EFFECT = "effect = -0.5"
PERCENT = "effect = { percent = -10 }"
TARGET = 'hba1c = { effect = -0.5, month = 6, shape = "onset", half_time_months = 1.5 }'
OTHER = 'c_peptide = { effect = 0.12, month = 12, shape = "linear" }'
DROPOUT = 'dropout = { mechanism = "mar", share = 0.1, by_month = 12, endpoint = "hba1c" }'
ANALYSIS = 'month = 6\nmethod = "ancova"'
COVARIATES = 'covariates = ["baseline", "age", "stratum"]'
SECOND = 'month = 12\nmethod = "welch"'
NAME = 'name = "c_peptide_change"'
ALPHA = "one_sided_alpha = 0.025"
DECISION = 'kind = "co_primary"'

HBA1C, C_PEPTIDE = "outcome.hba1c", "outcome.c_peptide"
OF_HBA1C, OF_C_PEPTIDE = "truth.target.hba1c", "truth.target.c_peptide"
NEGATIVE = "[[1, 0.9, -0.9, 0.7], [0.9, 1, 0.9, 0.8], [-0.9, 0.9, 1, 0.9], [0.7, 0.8, 0.9, 1]]"
LOPSIDED = ROWS.replace("[[1, 0.9", "[[1, 0.5")

# old text, new text, the key that the message must name
EDITS: list[tuple[str, str, str]] = [
    # the top
    (TITLE, "", "title"),
    (TITLE, 'title = ""', "title"),
    (TITLE, "title = 3", "title"),
    (TITLE, "title = 2026-11-23", "title"),
    (TITLE, "title = 09:30:00", "title"),
    (TITLE, 'title = ["a", "b"]', "title"),
    (TITLE, f'{TITLE}\ntitel = "again"', "titel"),
    (TITLE, f"{TITLE}\ntruth = 3", "TOML"),
    (TITLE, f'{TITLE}\nevidence = "gxipc1"', "evidence"),
    (TITLE, f"{TITLE}\nevidence = [3]", "evidence[1]"),
    ("seed = 7", "", "seed"),
    ("seed = 7", "seed = -1", "seed"),
    ("seed = 7", "seed = 7.0", "seed"),
    ("seed = 7", 'seed = "7"', "seed"),
    ("seed = 7", "seed = true", "seed"),
    ("seed = 7", "seed = 2026-11-23", "seed"),
    ("seed = 7", "seed = nan", "seed"),
    ("seed = 7", f"seed = {2**64}", "seed"),
    ("seed = 7", f"seed = {10**40}", "seed"),
    ("seed = 7", "sead = 7", "seed"),
    ("trials = 2000", "", "trials"),
    ("trials = 2000", "trials = 0", "trials"),
    ("trials = 2000", "trials = 1000000000000", "trials"),
    ("trials = 2000", "trials = 1e4", "trials"),
    ("trials = 2000", "trials = -5", "trials"),
    ("trials = 2000", "trials = inf", "trials"),
    ("failures_allowed = 0.05", "failures_allowed = 5", "failures_allowed"),
    ("failures_allowed = 0.05", "failures_allowed = -0.1", "failures_allowed"),
    ("failures_allowed = 0.05", "failures_allowed = false", "failures_allowed"),
    ("endpoint_correlation = -0.3", "", "endpoint_correlation"),
    ("endpoint_correlation = -0.3", "endpoint_correlation = -1.3", "endpoint_correlation"),
    ("endpoint_correlation = -0.3", "endpoint_correlation = [0.3]", "endpoint_correlation"),
    ("endpoint_correlation = -0.3", 'endpoint_correlation = "low"', "endpoint_correlation"),
    ("endpoint_correlation = -0.3", "endpoint_correlation = 1", "endpoint_correlation"),
    ("endpoint_correlation = -0.3", "endpoint_correlation = -1", "endpoint_correlation"),
    # the population
    (WINDOW, "months_since_diagnosis = [3, 0]", "population.months_since_diagnosis"),
    (WINDOW, "months_since_diagnosis = [-3, 0]", "population.months_since_diagnosis[1]"),
    (WINDOW, "months_since_diagnosis = [3]", "population.months_since_diagnosis"),
    (WINDOW, "months_since_diagnosis = [0, 3, 6]", "population.months_since_diagnosis"),
    (WINDOW, "months_since_diagnosis = 3", "population.months_since_diagnosis"),
    (WINDOW, "months_since_diagnosis = [0, nan]", "population.months_since_diagnosis[2]"),
    (WINDOW, "month_since_diagnosis = [0, 3]", "population.month_since_diagnosis"),
    (WINDOW, "months_since_diagnosis = [0, 1e9]", "population.months_since_diagnosis"),
    (AGE, "", "population.age_years"),
    (AGE, "age_years = [18, 6]", "population.age_years"),
    (AGE, 'age_years = ["6", "18"]', "population.age_years[1]"),
    (AGE, "age_years = [6, 180]", "population.age_years"),
    (AGE, "age_years = 6", "population.age_years"),
    (STRATA, "", "population.age_strata"),
    (STRATA, "age_strata = [14, 12]", "population.age_strata"),
    (STRATA, "age_strata = [-2]", "population.age_strata[1]"),
    (STRATA, "age_strata = 12", "population.age_strata"),
    (STRATA, "age_strata = [30]", "population.age_strata"),
    (PER_YEAR, "per_year_of_age = 0.05", "population.per_year_of_age"),
    (PER_YEAR, "per_year_of_age = { hba2c = 0.05 }", "population.per_year_of_age.hba2c"),
    (PER_YEAR, 'per_year_of_age = { hba1c = "up" }', "population.per_year_of_age.hba1c"),
    (PER_YEAR, "per_year_of_age = { hba1c = 2 }", "population.per_year_of_age.hba1c"),
    (PER_YEAR, "per_year_of_age = { glucose = 0.1 }", "population.per_year_of_age.glucose"),
    ("[population]", "[populations]", "populations"),
    # the design
    ('kind = "fixed"', "", "design.kind"),
    ('kind = "fixed"', 'kind = "fixd"', "Did you mean 'fixed'"),
    ('kind = "fixed"', "kind = 3", "design.kind"),
    ('kind = "fixed"', 'kind = ["fixed"]', "design.kind"),
    ("[design]", "[desing]", "desing"),
    ("[design]", "[design]\nsize = 4", "design.size"),
    ("[design]", '[design]\ntitle = "x"', "design.title"),
    (ARMS, "", "design.arms"),
    (ARMS, 'arms = "drug"', "design.arms"),
    (ARMS, 'arms = ["drug"]', "design.arms"),
    (ARMS, 'arms = ["drug", "drug"]', "design.arms"),
    (ARMS, 'arms = ["control", "low", "high"]', "design.allocation"),
    (ARMS, 'arms = ["control", ""]', "design.arms"),
    (ARMS, 'arms = ["0", "1"]', "design.arms"),
    (ARMS, "arms = [0, 1]", "design.arms[1]"),
    (RATIO, "allocation = [1, 0]", "design.allocation"),
    (RATIO, "allocation = [1, -1]", "design.allocation"),
    (RATIO, "allocation = [1]", "design.allocation"),
    (RATIO, "allocation = []", "design.allocation"),
    (RATIO, "allocation = [1, 1, 1]", "design.allocation"),
    (RATIO, "allocation = [1.5, 1]", "design.allocation[1]"),
    (RATIO, 'allocation = "1:1"', "design.allocation"),
    (RATIO, "allocation = [2, 1]", "design.block_size"),
    (PATIENTS, "", "design.patients"),
    (PATIENTS, "patients = 0", "design.patients"),
    (PATIENTS, "patients = -120", "design.patients"),
    (PATIENTS, "patients = 121", "design.patients"),
    (PATIENTS, "patients = 120.5", "design.patients"),
    (PATIENTS, "patients = true", "design.patients"),
    (PATIENTS, 'patients = "120"', "design.patients"),
    (PATIENTS, "patients = [120]", "design.patients"),
    (PATIENTS, "patients = 1000000", "design.patients"),
    (PATIENTS, "pateints = 120", "design.pateints"),
    (VISITS, "", "design.visits_months"),
    (VISITS, "visits_months = [0]", "design.visits_months"),
    (VISITS, "visits_months = [3, 6, 12]", "design.visits_months"),
    (VISITS, "visits_months = [0, 6, 3, 12]", "design.visits_months"),
    (VISITS, "visits_months = [0, 3, 3, 12]", "design.visits_months"),
    (VISITS, "visits_months = [-1, 0, 6, 12]", "design.visits_months"),
    (VISITS, "visits_months = [0, 3, 12]", "month is 6"),
    (VISITS, "visits_months = [0, 3, inf, 12]", "design.visits_months[3]"),
    (VISITS, "visits_months = [0, 3, 6, 1e9]", "design.visits_months"),
    (VISITS, "visits_months = 12", "design.visits_months"),
    (VISITS, "visits_months = [[0, 3, 6, 12]]", "design.visits_months"),
    (METHOD, 'randomisation = "coin"', "design.randomisation"),
    (METHOD, "randomisation = 1", "design.randomisation"),
    (METHOD, 'randomisation = "simple"', "design.block_size"),
    (BLOCK, "block_size = 3", "design.block_size"),
    (BLOCK, "block_size = 0", "design.block_size"),
    (BLOCK, "block_size = -4", "design.block_size"),
    (BLOCK, 'block_size = "4"', "design.block_size"),
    (BLOCK, "block_size = 1000000000", "design.block_size"),
    # untreated patients
    ("[outcome.hba1c]", "[outcome.hba2c]", "outcome.hba2c"),
    ("[outcome.hba1c]", "[outcome.glucose]", "outcome.hba1c"),
    ("[outcome.hba1c]", "[outcome]\nglucose = {}\n[outcome.hba1c]", "outcome.glucose"),
    ("[outcome.hba1c]", "[outcome]\nhba1c = 7\n[other]", "outcome.hba1c"),
    ("[outcome.hba1c]", '[outcome.hba1c]\nunit = "mol"', f"{HBA1C}.unit"),
    (MEAN, "", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = nan", f"{HBA1C}.control_mean"),
    (MEAN, 'control_mean = "7.5"', f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = true", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = [7.5, 7.6]", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = []", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = [7.5, 7, 7, [7]]", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = { mean = 7.5 }", f"{HBA1C}.control_mean"),
    (MEAN, "control_mean = 58", f"{HBA1C}.control_mean"),
    ("control_mean = [0.55,", "control_mean = [550,", f"{C_PEPTIDE}.control_mean"),
    (SD, "", f"{HBA1C}.sd"),
    (SD, "sd = -1", f"{HBA1C}.sd"),
    (SD, "sd = 0", f"{HBA1C}.sd"),
    (SD, "sd = inf", f"{HBA1C}.sd"),
    (SD, "sd = 1e7", f"{HBA1C}.sd"),
    (SD, "sd = [1.1, 1.2]", f"{HBA1C}.sd"),
    (SD, "sd = [1.1, 1.2, -1.2, 1.2]", f"{HBA1C}.sd[3]"),
    (SD, 'sd = "wide"', f"{HBA1C}.sd"),
    (FADING, "", f"{HBA1C}.correlation"),
    (FADING, "correlation = 1.2", f"{HBA1C}.correlation"),
    (FADING, "correlation = -0.9", f"{HBA1C}.correlation"),
    (FADING, 'correlation = "high"', f"{HBA1C}.correlation"),
    (FADING, "correlation = []", f"{HBA1C}.correlation"),
    (FADING, "correlation = [0.9, 0.8]", f"{HBA1C}.correlation"),
    (FADING, "correlation = { share = 0.4 }", f"{HBA1C}.correlation.per_month"),
    (FADING, "correlation = { share = 1.4, per_month = 0.9 }", f"{HBA1C}.correlation.share"),
    (FADING, "correlation = { share = 0.4, per_month = -1 }", f"{HBA1C}.correlation.per_month"),
    (FADING, "correlation = { share = 0.4, per_moth = 1 }", f"{HBA1C}.correlation.per_mo"),
    (FADING, "correlation = { share = 0.4, per_month = 1, x = 1 }", f"{HBA1C}.correlation.x"),
    (MATRIX, f"correlation = {NEGATIVE}", f"{C_PEPTIDE}.correlation"),
    (MATRIX, f"correlation = {LOPSIDED}", f"{C_PEPTIDE}.correlation"),
    (MATRIX, "correlation = [[1, 0.9], [0.9, 1]]", f"{C_PEPTIDE}.correlation"),
    (MATRIX, "correlation = [[1, 0.9, 0.8, 0.7], [0.9]]", f"{C_PEPTIDE}.correlation"),
    (MATRIX, f"correlation = {ROWS.replace('0.7', '1.7')}", f"{C_PEPTIDE}.correlation[1][4]"),
    (MATRIX, f"correlation = {ROWS.replace('[[1,', '[[0.5,')}", f"{C_PEPTIDE}.correlation"),
    (MATRIX, 'correlation = [["a"]]', f"{C_PEPTIDE}.correlation[1][1]"),
    # the truth
    ("[truth.target]", "[truth.targets]", "truth.targets"),
    ("[truth.target]", "[truths.target]", "truths"),
    (TARGET, "", OF_HBA1C),
    (TARGET, "hba1c = -0.5", OF_HBA1C),
    (TARGET, TARGET.replace("hba1c", "hba1b", 1), "truth.target.hba1b"),
    (EFFECT, "efect = -0.5", OF_HBA1C),
    (EFFECT, 'effect = "-0.5"', f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = true", f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = nan", f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = [0.1]", f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = 40", f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = { percent = -100 }", f"{OF_HBA1C}.effect.percent"),
    (EFFECT, "effect = { percent = 5000 }", f"{OF_HBA1C}.effect.percent"),
    (EFFECT, "effect = { percent = 900 }", f"{OF_HBA1C}.effect.percent"),
    (EFFECT, "effect = { procent = 40 }", f"{OF_HBA1C}.effect"),
    (EFFECT, "effect = {}", f"{OF_HBA1C}.effect.percent"),
    ("effect = 0.12", "effect = 40", f"{OF_C_PEPTIDE}.effect"),
    ("effect = 0.12", "effect = -1.01", f"{OF_C_PEPTIDE}.effect"),
    (TARGET, TARGET.replace("month = 6, ", ""), f"{OF_HBA1C}.month"),
    (TARGET, TARGET.replace("month = 6", "month = 0"), f"{OF_HBA1C}.month"),
    (TARGET, TARGET.replace("month = 6", "month = -6"), f"{OF_HBA1C}.month"),
    (TARGET, TARGET.replace("month = 6", "month = '6'"), f"{OF_HBA1C}.month"),
    (TARGET, TARGET.replace("month = 6", "month = 1e-9"), f"{OF_HBA1C}.month"),
    (TARGET, TARGET.replace('shape = "onset", ', ""), f"{OF_HBA1C}.shape"),
    (TARGET, TARGET.replace("onset", "onsett"), "Did you mean 'onset'"),
    (TARGET, TARGET.replace('"onset"', "3"), f"{OF_HBA1C}.shape"),
    (TARGET, TARGET.replace("half_time_months", "half_time"), f"{OF_HBA1C}.half_time"),
    (TARGET, TARGET.replace("1.5", "0"), f"{OF_HBA1C}.half_time_months"),
    (TARGET, TARGET.replace("1.5", "5e-324"), f"{OF_HBA1C}.half_time_months"),
    (TARGET, TARGET.replace("1.5", "-1.5"), f"{OF_HBA1C}.half_time_months"),
    (TARGET, TARGET.replace("1.5", '"1.5"'), f"{OF_HBA1C}.half_time_months"),
    (TARGET, TARGET.replace("1.5", "inf"), f"{OF_HBA1C}.half_time_months"),
    (OTHER, OTHER.replace('"linear"', '"delayed", lag_months = 14'), f"{OF_C_PEPTIDE}.month"),
    (OTHER, OTHER.replace('"linear"', '"linear", lag_months = 1'), f"{OF_C_PEPTIDE}.lag_months"),
    (OTHER, OTHER.replace('"linear"', '"immediate", a = 1'), f"{OF_C_PEPTIDE}.a"),
    ("[truth.target]", "[truth.prior]\nrobust_weight = 0.8\n[truth.target]", "truth.prior"),
    ("[truth.target]", "[truth.prior]\nrobust_weight = 1.8\n[truth.target]", "robust_weight"),
    ("[truth.target]", "[truth.prior]\n[truth.target]", "truth.prior.robust_weight"),
    (f"{TARGET}\n{OTHER}", "", "truth"),
    # what is missing
    (DROPOUT, "dropout = 0.1", "missing.dropout"),
    *(
        (
            DROPOUT,
            f'dropout = {{ mechanism = "{kind}", lost = [0.1], endpoint = "hba1c" }}',
            "lost has 1",
        )
        for kind in ("logistic", "mnar")
    ),
    (DROPOUT, "dropout = []", "missing.dropout"),
    (DROPOUT, "dropout = {}", "missing.dropout.mechanism"),
    (DROPOUT, DROPOUT.replace('"mar"', '"mnar"'), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace('"mar"', '"mra"'), "Did you mean"),
    (DROPOUT, DROPOUT.replace("share = 0.1", "share = 1"), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("share = 0.1", "share = -0.1"), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("share = 0.1", "share = 1e-300"), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("share = 0.1", "share = 10"), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("share = 0.1", "share = '10 %'"), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("share = 0.1, ", ""), "missing.dropout.share"),
    (DROPOUT, DROPOUT.replace("by_month = 12", "by_month = 0"), "missing.dropout.by_month"),
    (DROPOUT, DROPOUT.replace("by_month = 12", "by_month = -2"), "missing.dropout.by_month"),
    (DROPOUT, DROPOUT.replace("by_month = 12", "by = 12"), "missing.dropout.by"),
    (DROPOUT, DROPOUT.replace('"hba1c"', '"hba1b"'), "missing.dropout.endpoint"),
    (DROPOUT, DROPOUT.replace('"hba1c"', "3"), "missing.dropout.endpoint"),
    (DROPOUT, DROPOUT.replace('"hba1c"', '"glucose"'), "outcome.glucose"),
    (DROPOUT, DROPOUT.replace(" }", ", hazard_ratio_per_sd = 0 }"), "hazard_ratio_per_sd"),
    (DROPOUT, DROPOUT.replace(" }", ", hazard_ratio_per_sd = 1e9 }"), "hazard_ratio_per_sd"),
    ("[missing]", "[missing]\nvisits = 0.1", "missing.visits"),
    ("[missing]", "[misssing]", "Did you mean 'missing'"),
    # the analyses
    (ANALYSIS, 'method = "ancova"', "analysis[1].month"),
    (ANALYSIS, 'month = 7\nmethod = "ancova"', "analysis[1].month"),
    (ANALYSIS, 'month = 0\nmethod = "ancova"', "analysis[1].month"),
    (ANALYSIS, 'month = "6"\nmethod = "ancova"', "analysis[1].month"),
    (ANALYSIS, 'month = [6]\nmethod = "ancova"', "analysis[1].month"),
    (ANALYSIS, "month = 6", "analysis[1].method"),
    (ANALYSIS, 'month = 6\nmethod = "anvoca"', "Did you mean 'ancova'"),
    (ANALYSIS, "month = 6\nmethod = 3", "analysis[1].method"),
    (ANALYSIS, f"{ANALYSIS}\nnull_effect = inf", "analysis[1].null_effect"),
    (ANALYSIS, f"{ANALYSIS}\nnull_effect = 40", "analysis[1].null_effect"),
    (ANALYSIS, f'{ANALYSIS}\nstandard_error = "hc4"', "analysis[1].standard_error"),
    (ANALYSIS, f'{ANALYSIS}\nof = "change"', "analysis[1].of"),
    (COVARIATES, 'covariates = ["sex"]', "analysis[1].covariates: a covariate is 'sex'"),
    (COVARIATES, 'covariates = ["age", "age"]', "analysis[1].covariates"),
    (COVARIATES, 'covariates = "baseline"', "analysis[1].covariates"),
    (COVARIATES, "covariates = [1]", "analysis[1].covariates[1]"),
    (SECOND, f'{SECOND}\ncovariates = ["baseline"]', "analysis[2].covariates"),
    ('of = "change"', 'of = "ratio"', "analysis[2].of"),
    ('of = "change"', "of = true", "analysis[2].of"),
    (NAME, "name = 3", "analysis[2].name"),
    (NAME, 'name = ""', "analysis[2].name"),
    (NAME, 'name = "hba1c"', "analysis[2].name"),
    (NAME, 'name = "co_primary"', "analysis[2].name"),
    (NAME, 'nmae = "x"', "analysis[2].nmae"),
    ('endpoint = "hba1c"\n', "", "analysis[1].endpoint"),
    ('endpoint = "hba1c"\n', 'endpoint = "hba1x"\n', "analysis[1].endpoint"),
    ('endpoint = "hba1c"\n', 'endpoint = "glucose"\n', "truth.target.glucose"),
    ('endpoint = "hba1c"\n', "endpoint = 3\n", "analysis[1].endpoint"),
    # the decision
    (DECISION, "", "decision.kind"),
    (DECISION, 'kind = "coprimary"', "Did you mean 'co_primary'"),
    (DECISION, "kind = false", "decision.kind"),
    (ALPHA, "", "decision.one_sided_alpha"),
    (ALPHA, "one_sided_alpha = 0.7", "decision.one_sided_alpha"),
    (ALPHA, "one_sided_alpha = 0", "decision.one_sided_alpha"),
    (ALPHA, "one_sided_alpha = -0.025", "decision.one_sided_alpha"),
    (ALPHA, 'one_sided_alpha = "2.5 %"', "decision.one_sided_alpha"),
    (ALPHA, "alpha = 0.025", "decision.alpha"),
    (ALPHA, "one_sided_alpha = 0.025\ntwo_sided = true", "decision.two_sided"),
    ("[decision]", "[[decision]]", "decision"),
    ("[decision]", "[decisions]", "decisions"),
]

"""Longitudinal readings for tests of the mixed model: published data sets, and drawn ones."""

from collections import defaultdict
from functools import cache

import numpy as np
from support.readings import rows_of

from phase2sim.core.contracts import Reading

# The names of R mmrm.
STRUCTURE_OF = {
    "us": "unstructured",
    "cs": "compound_symmetry",
    "csh": "heterogeneous_compound_symmetry",
    "ar1": "ar1",
    "ar1h": "heterogeneous_ar1",
    "toep": "toeplitz",
    "toeph": "heterogeneous_toeplitz",
}

type Numbers = dict[tuple[str, str], float]  # by visit and quantity


def published(file: str) -> dict[tuple[str, str, str], Numbers]:
    """Fits by data set, structure and method."""
    fits: dict[tuple[str, str, str], Numbers] = defaultdict(dict)
    for row in rows_of(file):
        key = (row["dataset"], row["structure"], row["method"])
        fits[key][row["visit"], row["quantity"]] = float(row["value"])
    return fits


@cache
def published_trial(dataset: str) -> Reading:
    """Read a data set of ``published/mmrm``, one trial."""
    rows = rows_of(f"mmrm/{dataset}.csv")
    ids = list(dict.fromkeys(row["id"] for row in rows))
    months = sorted({float(row["months"]) for row in rows})
    value = np.full((1, len(months), len(ids)), np.nan)
    column = {key: np.zeros((1, len(ids))) for key in ("arm", "base", "stratum", "age")}
    for row in rows:
        i = ids.index(row["id"])
        value[0, months.index(float(row["months"])), i] = float(row["y"])
        for key, numbers in column.items():
            numbers[0, i] = float(row.get(key, 12.0))
    return Reading(
        column["arm"].astype(np.int8),
        column["base"],
        value,
        tuple(months),
        column["age"],
        column["stratum"].astype(np.int64),
    )


def drawn(seed: int, trials: int, patients: int, dropout: float) -> Reading:
    """Draw trials of three visits with an effect, three strata and dropout completely at random."""
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    baseline, own = rng.normal(8.0, 1.0, shape), rng.normal(0.0, 0.6, shape)
    noise = rng.normal(0.0, 0.6, (trials, 3, patients))
    value = (0.5 * baseline + own - 0.3 * arm)[:, None] + noise
    last = rng.random(shape)
    for visit in (1, 2):
        value[:, visit][last < dropout * visit / 2] = np.nan
    age = rng.uniform(8.0, 18.0, shape)
    return Reading(arm, baseline, value, (3.0, 6.0, 12.0), age, rng.integers(0, 3, shape))


SCENARIO = """
title = "A mixed model of published data"
seed = 1
trials = 100

[population]
age_years = [6, 18]
age_strata = [12]

[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 40
visits_months = [0, 3, 6, 9, 12]

[outcome.hba1c]
control_mean = 8
sd = 1
correlation = 0.5

[truth.target]
hba1c = { effect = -0.5, month = 12, shape = "immediate" }

[[analysis]]
endpoint = "hba1c"
month = 12
averaged_from = 6
method = "mmrm"
covariates = ["baseline", "age", "stratum"]
by_visit = ["baseline", "age"]
covariance = "COVARIANCE"
fallback = false

[decision]
kind = "significance"
one_sided_alpha = 0.025
"""

"""Readings for tests of the analyses: from data sets, and at random."""

import csv
from pathlib import Path

import numpy as np

from phase2sim.core.contracts import Reading

PUBLISHED = Path(__file__).parents[1] / "published"


def rows_of(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / name).open(newline="") as file:
        return list(csv.DictReader(file))


def published_reading(dataset: str) -> Reading:
    rows = rows_of(f"analysis/{dataset}.csv")
    column = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    return Reading(
        arm=column["arm"].astype(np.int8)[None],
        baseline=column["base"][None],
        value=column["y"][None, None],
        visits_months=(12.0,),
        age_years=np.full((1, len(rows)), 12.0),
        stratum=column["stratum"].astype(np.int64)[None],
        factors={"site": column["id"].astype(np.int64)[None] % 3},
    )


def random_reading(seed: int, trials: int, patients: int, missing: float = 0.0) -> Reading:
    """Make trials whose outcome at month 12 depends on arm, baseline, age and stratum."""
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    baseline, age = rng.normal(8.0, 1.0, shape), rng.uniform(8.0, 18.0, shape)
    stratum = rng.integers(0, 3, shape)
    mean = 0.5 * baseline + 0.05 * age + 0.3 * stratum - 0.4 * arm
    value = np.stack([baseline, mean + rng.normal(0.0, 1.0, shape)], axis=1)
    value[rng.random(value.shape) < missing] = np.nan
    return Reading(arm, baseline, value, (6.0, 12.0), age, stratum.astype(np.int64))

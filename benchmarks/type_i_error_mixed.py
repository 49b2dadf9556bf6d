"""Type I error of the mixed model where it is hard: the second table of type-i-error.md.

    uv run python benchmarks/type_i_error_mixed.py [trials]

Patients have a baseline and four visits, unstructured covariance; treatment does nothing. With
dropout 15 % are lost by the last visit, the worse they were at the visit before the likelier;
with gaps 10 % of the values that are left are missing besides.
"""

import sys
from collections.abc import Mapping

import numpy as np

from phase2sim.analyses.mixed_models.mmrm import Mmrm
from phase2sim.core.contracts import Reading

ALPHA, SIZES, MONTHS = 0.025, (24, 60, 200), (3.0, 6.0, 9.0, 12.0)
BATCH = 2_000
LOSSES = {"complete": (0.0, 0.0), "dropout": (0.15, 0.0), "dropout, gaps": (0.15, 0.1)}
CASES = {
    "satterthwaite": Mmrm("hba1c", 12.0),
    "kenward_roger": Mmrm("hba1c", 12.0, df="kenward_roger"),
    "kenward_roger_full": Mmrm("hba1c", 12.0, df="kenward_roger_full"),
}


def null_trials(seed: int, trials: int, patients: int, losses: tuple[float, float]) -> Reading:
    """Make 1:1 trials in which treatment does nothing."""
    dropout, gaps = losses
    rng = np.random.default_rng((seed, patients))
    shape = (trials, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    own = rng.normal(0.0, 0.7, shape)
    baseline = 8.0 + own + rng.normal(0.0, 0.7, shape)
    value = (7.6 + 0.6 * own)[:, None] + rng.normal(0.0, 0.8, (trials, len(MONTHS), patients))
    worse = (value - 7.6) / 0.9
    gone = np.zeros(shape, np.bool_)
    for visit in range(1, len(MONTHS)) if dropout else ():
        # Twice the odds for each SD of 0.9 above the mean at the visit before, which is seen.
        share = dropout / (len(MONTHS) - 1)
        odds = np.log(share / (1.0 - share)) - 0.2 + np.log(2.0) * worse[:, visit - 1]
        gone |= rng.random(shape) < 1.0 / (1.0 + np.exp(-odds))
        value[:, visit][gone] = np.nan
    value[rng.random(value.shape) < gaps] = np.nan
    return Reading(arm, baseline, value, MONTHS, baseline, np.zeros(shape, np.int64))


def rejected(
    cases: Mapping[str, Mmrm], trials: int, patients: int, losses: tuple[float, float]
) -> dict[str, tuple[int, int]]:
    """How many of the trials each case found significant, and how many it answered."""
    found = dict.fromkeys(cases, (0, 0))
    for first in range(0, trials, BATCH):
        reading = null_trials(first, min(BATCH, trials - first), patients, losses)
        for name, part in cases.items():
            p = part.estimate(reading).p
            significant, answered = found[name]
            found[name] = (significant + int((p <= ALPHA).sum()), answered + int((p >= 0).sum()))
    return found


def main() -> None:
    """Print the table."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"| missing values, patients | {' | '.join(CASES)} |")
    print("|---" * (len(CASES) + 1) + "|")
    for words, losses in LOSSES.items():
        for patients in SIZES:
            cells = []
            for significant, answered in rejected(CASES, trials, patients, losses).values():
                share = significant / answered
                se = np.sqrt(share * (1.0 - share) / answered)
                cells.append(f"{100 * share:.2f} ± {100 * se:.2f}")
            print(f"| {words}, {patients} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""Type I error of every analysis under its own null: the table of docs/methods/type-i-error.md.

    uv run python benchmarks/type_i_error.py [trials] [name ...]

Patients have a baseline, an age, one of two strata and two visits after baseline; treatment does
nothing. With dropout 15 % miss the last visit, the worse they were at the one before the likelier.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from phase2sim.analyses import ANALYSES
from phase2sim.analyses.responders.responders import Responder
from phase2sim.core.analysis import Analysis
from phase2sim.core.contracts import Reading
from phase2sim.theory.mixtures import AnalysisMixture

ALPHA, SIZES, DROPOUT = 0.025, (24, 60, 200), 0.15
BATCH = 2_000
CUT = 7.6  # the median outcome: half respond
LIMIT = 7.0  # a quarter of the outcomes lie below it
RULE = {"responder": Responder(below=CUT)}
OPTIONS: dict[str, dict[str, object]] = {
    "bayes_normal": {"effect_prior": AnalysisMixture((1.0,), (0.0,), (1e4,))},
    "cmh": RULE,
    "fisher": RULE,
    "logistic_standardised": RULE,
    "miettinen_nurminen": RULE,
    "miettinen_nurminen_stratified": RULE,
    "negative_binomial": {"endpoint": "adverse_events"},
    "poisson": {"endpoint": "adverse_events"},
    "poisson_exact": {"endpoint": "adverse_events"},
    "qr_ancova": {"endpoint": "c_peptide"},
    "tobit": {"lloq": LIMIT},
}


def analysis(name: str, **options: object) -> Analysis:
    """Return an analysis of month 12 with its defaults."""
    keys = {"endpoint": "hba1c", "month": 12.0} | OPTIONS.get(name, {}) | options
    made: Analysis = ANALYSES[name](**keys)
    return made


def cases() -> Iterator[tuple[str, Analysis]]:
    """Every analysis of the table, and the options that change its test."""
    yield from ((name, analysis(name)) for name in ANALYSES)
    both = ("baseline", "stratum")
    yield "ancova, stratum", analysis("ancova", covariates=both)
    yield "clda, satterthwaite", analysis("clda", df="satterthwaite")
    analytic = analysis("conditional_mean_imputation", variance="analytic")
    yield "conditional_mean_imputation, analytic", analytic
    for strategy in ("jump_to_reference", "copy_increments"):
        quick = replace(analytic, strategy=strategy)
        yield f"conditional_mean_imputation, analytic, {strategy}", quick
        drawn = analysis("multiple_imputation", strategy=strategy)
        yield f"multiple_imputation, {strategy}", drawn
    yield "ancova, hc3", analysis("ancova", standard_error="hc3")
    yield "logistic_standardised, ge", analysis("logistic_standardised", standard_error="ge")
    farrington = analysis("miettinen_nurminen", variance="farrington_manning")
    yield "miettinen_nurminen, farrington_manning", farrington
    yield "mmrm, kenward_roger", analysis("mmrm", df="kenward_roger")
    yield "rank_ancova, stratum", analysis("rank_ancova", covariates=both)
    yield "tobit, likelihood", analysis("tobit", standard_error="likelihood")
    yield "wilcoxon, normal", analysis("wilcoxon", distribution="normal")
    yield "wilcoxon, normal_continuity", analysis("wilcoxon", distribution="normal_continuity")


def null_trials(seed: int, trials: int, patients: int, dropout: float) -> Reading:
    """Make 1:1 trials in which treatment does nothing."""
    rng = np.random.default_rng(seed)
    shape = (trials, patients)
    arm = (rng.random(shape).argsort(axis=1) < patients // 2).astype(np.int8)
    age, stratum = rng.uniform(6.0, 18.0, shape), rng.integers(0, 2, shape)
    own = rng.normal(0.0, 0.7, shape)
    baseline = 8.0 + own + rng.normal(0.0, 0.7, shape)
    means = 7.6 + 0.6 * own + 0.2 * (stratum - 0.5)
    value = means[:, None] + rng.normal(0.0, 0.8, (trials, 2, patients))
    if dropout > 0.0:
        # Hazard by the value at the first visit, twice as high for each SD of 0.9 above its mean.
        worse = (value[:, 0] - 7.6) / 0.9
        odds = np.log(dropout / (1.0 - dropout)) - 0.2 + np.log(2.0) * worse
        value[:, 1][rng.random(shape) < 1.0 / (1.0 + np.exp(-odds))] = np.nan
    return Reading(arm, baseline, value, (6.0, 12.0), age, stratum, seed=seed)


def null_counts(seed: int, trials: int, patients: int, dropout: float) -> Reading:
    """Make the same with events, 3 a year on average, alike between patients.

    Who drops out is at risk for a uniform share of the year.
    """
    reading = null_trials(seed, trials, patients, 0.0)
    rng = np.random.default_rng([seed, 1])
    time = np.full(reading.value.shape, 12.0)
    lost = rng.random(reading.arm.shape) < dropout
    time[:, 1][lost] *= rng.random(reading.arm.shape)[lost]
    events = rng.poisson(3.0 * time / 12.0).astype(np.float64)
    return replace(reading, value=events, months_at_risk=time)


def rejected(part: Analysis, trials: int, patients: int, dropout: float) -> tuple[int, int]:
    """How many of the trials were significant, and how many were answered."""
    significant = answered = 0
    made = null_counts if part.reads == "count" else null_trials
    for first in range(0, trials, BATCH):
        batch = min(BATCH, trials - first)
        p = part.estimate(made(first, batch, patients, dropout)).p
        significant += int((p <= ALPHA).sum())
        answered += int((~np.isnan(p)).sum())
    return significant, answered


def main() -> None:
    """Print the table."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    settings = [(patients, dropout) for dropout in (0.0, DROPOUT) for patients in SIZES]
    heads = [f"{n}{', dropout' if lost else ''}" for n, lost in settings]
    print(f"| analysis | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    wanted = set(sys.argv[2:]) or {name for name, _ in cases()}
    for name, part in cases():
        if name not in wanted:
            continue
        cells = []
        for patients, dropout in settings:
            significant, answered = rejected(part, trials, patients, dropout)
            share = significant / answered
            se = np.sqrt(share * (1.0 - share) / answered)
            cells.append(f"{100 * share:.2f} ± {100 * se:.2f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

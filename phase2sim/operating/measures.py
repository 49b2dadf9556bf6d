"""Operating characteristics from running sums, each with its Monte Carlo standard error."""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import (
    CONFIDENCE,
    CONSIDER,
    FAILURES,
    FALLBACKS,
    GO,
    STOP,
    UNDECIDED,
    Estimates,
)
from phase2sim.core.decision import AT_TARGET, BELOW, CLASSES, UNKNOWN
from phase2sim.core.measured import Measured, mean_of, proportion, share_of_trials
from phase2sim.trial.interim.stop_counts import StopSums, stop_sums
from phase2sim.trial.interim.trial_ends import TrialEnds
from phase2sim.trial.safety.harm_counts import HarmSums

type End = Literal["go", "consider", "stop"]

ENDS: tuple[End, ...] = ("go", "consider", "stop")
_ENDINGS = 4  # GO, STOP, CONSIDER, UNDECIDED, which is the lowest code
_ENDING_CODES = np.array([GO, CONSIDER, STOP, UNDECIDED]) - UNDECIDED
_NORMAL_LIMIT = float(ndtri(0.5 + CONFIDENCE / 2))


@dataclass(frozen=True, slots=True)
class TrialSums:
    """Sums over trials; adding two of them pools their trials."""

    trials: int
    go: Ints  # (verdict,)
    stop: Ints  # (verdict,)
    consider: Ints  # (verdict,)
    reasons: Ints  # (analysis, failure)
    fallbacks: Ints  # (analysis, fallback)
    estimated: Ints  # (analysis,) trials with a finite estimate
    error: Floats  # (analysis,) sum of estimate - truth
    squared_error: Floats  # (analysis,)
    covered: Ints  # (analysis,) intervals that hold the truth
    unknown: Ints  # (analysis,) trials whose true effect is unknown
    missing: Floats  # (analysis,) sum of the share of patients not seen
    squared_missing: Floats  # (analysis,)
    # (verdict, class of the truth, end): trials whose true effect is known
    by_class: Ints = field(default_factory=lambda: np.zeros((0, 0, 0), np.int64))
    # (verdict, end) of the trials whose truth came from the fitted part of the prior
    fitted: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    harm: HarmSums = field(default_factory=HarmSums)
    months: float = float("nan")  # sum of the months to the last readout; nan if not simulated
    squared_months: float = float("nan")
    looks: StopSums = field(default_factory=StopSums)

    def __add__(self, other: "TrialSums") -> "TrialSums":
        """Sums over the trials of both."""
        return TrialSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def tally(
    estimates: tuple[Estimates, ...],
    true_effect: Floats,
    missing: Floats,
    verdict: NDArray[np.int8],
    *,
    months: Floats | None = None,
    trial_ends: TrialEnds | None = None,
    harm: HarmSums | None = None,
) -> TrialSums:
    """Sum a batch: one set of estimates per analysis, true_effect and missing (analysis, trial).

    With interim looks these are of each trial's last look, and ``trial_ends`` says which that was.
    The caller adds ``by_class``, which depends on the decision rule.
    """
    months = np.full(1, np.nan) if months is None else months
    ends = np.stack(
        [np.bincount(verdicts - UNDECIDED, minlength=_ENDINGS) for verdicts in verdict.T]
    )
    effect = np.stack([e.effect for e in estimates])
    is_finite = np.isfinite(effect)
    error = np.where(is_finite, effect, np.nan) - true_effect
    covered = [_covers(e, truth) for e, truth in zip(estimates, true_effect, strict=True)]
    return TrialSums(
        trials=verdict.shape[0],
        go=ends[:, GO - UNDECIDED],
        stop=ends[:, STOP - UNDECIDED],
        consider=ends[:, CONSIDER - UNDECIDED],
        reasons=np.stack([np.bincount(e.reason, minlength=len(FAILURES)) for e in estimates]),
        fallbacks=np.stack([_fallbacks(e) for e in estimates]),
        estimated=is_finite.sum(axis=1),
        error=np.nansum(error, axis=1),
        squared_error=np.nansum(error**2, axis=1),
        covered=np.sum(covered, axis=1),
        unknown=np.isnan(true_effect).sum(axis=1),
        missing=missing.sum(axis=1),
        squared_missing=(missing**2).sum(axis=1),
        months=float(months.sum()),
        squared_months=float((months**2).sum()),
        looks=StopSums() if trial_ends is None else stop_sums(trial_ends),
        harm=HarmSums() if harm is None else harm,
    )


def share_stopped_for_harm(sums: TrialSums, requested: int, look: int | None = None) -> Measured:
    """Share of trials stopped for harm: at one look, or at any."""
    stops = sums.harm.stops.sum() if look is None else sums.harm.stops[look]
    return proportion(int(stops), sums.trials, sums.trials, requested)


def harm_before(sums: TrialSums, look: int, requested: int) -> Measured:
    """Share of trials stopped for harm after the look before, if any, and before this one.

    The look after the last is the final analysis.
    """
    return proportion(int(sums.looks.harm[look]), sums.trials, sums.trials, requested)


def final_analysis(sums: TrialSums, requested: int) -> Measured:
    """Share of trials that reach the final analysis, neither stopped at a look nor for harm."""
    stopped_before = sums.looks.stops.sum() + sums.looks.harm.sum()
    return proportion(sums.trials - int(stopped_before), sums.trials, sums.trials, requested)


def treated_patients(sums: TrialSums, requested: int) -> Measured:
    """Mean number of treated patients judged when the trial was stopped for harm, or ended."""
    harm = sums.harm
    return mean_of(harm.treated, harm.squared_treated, sums.trials, sums.trials, requested)


def by_class(verdict: NDArray[np.int8], classes: NDArray[np.int8]) -> Ints:
    """Trials by verdict, class of the truth behind it, and end; the last end is undecided.

    Both are (trial, verdict); trials whose truth has no class are not counted.
    """
    if not classes.size:
        return np.zeros((0, 0, 0), np.int64)
    code = (classes.T - UNKNOWN) * _ENDINGS + (verdict.T - UNDECIDED)
    shape = len(CLASSES) + 1, _ENDINGS
    counts = [
        np.bincount(codes_of_verdict, minlength=shape[0] * shape[1]).reshape(shape)
        for codes_of_verdict in code
    ]
    return np.stack(counts)[:, -UNKNOWN:, _ENDING_CODES]


def by_end(verdict: NDArray[np.int8], counted: Bools) -> Ints:
    """Trials by verdict and end, of those counted, (trial,); the last end is undecided."""
    codes = verdict[counted].T - UNDECIDED
    counts = [np.bincount(ends, minlength=_ENDINGS)[_ENDING_CODES] for ends in codes]
    return np.stack(counts).astype(np.int64)


def share_of_go_if_fitted(sums: TrialSums, verdict: int) -> Measured:
    """Share of go among the trials whose truth came from the fitted part of the prior."""
    counts = sums.fitted[verdict]
    trials = int(counts.sum())
    return share_of_trials(int(counts[0]), int(counts[-1]), trials, trials)


def share_ending_in_class(
    sums: TrialSums,
    end: End,
    verdict: int,
    truth_class: int,
    requested: int,
    *,
    conditional: bool = False,
) -> Measured:
    """Share of trials with this end and truth class; ``conditional`` on the class."""
    counts = sums.by_class[verdict]
    denominator = counts[truth_class] if conditional else counts.sum(axis=0)
    failed = int(counts[truth_class, -1])
    trials = int(denominator.sum())
    return share_of_trials(int(counts[truth_class, ENDS.index(end)]), failed, trials, requested)


def missed_target(sums: TrialSums, verdict: int, requested: int) -> Measured:
    """Share without a go among trials whose true effect is at the target or beyond.

    A failed trial has no go, so ``low`` is the share if every failed trial had been one.
    """
    counts = sums.by_class[verdict, AT_TARGET]
    trials, failed = int(counts.sum()), int(counts[-1])
    missed = trials - int(counts[0])
    share = share_of_trials(missed, 0, trials, requested)
    return replace(share, failed=failed, low=(missed - failed) / trials)


def true_given_go(sums: TrialSums, verdict: int, requested: int) -> Measured:
    """Share of goes whose true effect is beyond the lower reference value, or the null effect."""
    go = sums.by_class[verdict, :, 0]
    return proportion(int(go[BELOW + 1 :].sum()), int(go.sum()), int(go.sum()), requested)


def _fallbacks(estimate: Estimates) -> Ints:
    """Number of trials that used each fallback, (fallback,); the first entry counts none."""
    used = np.zeros(estimate.reason.shape, np.int8)
    if estimate.fallback is not None:
        used = estimate.fallback
    counts: Ints = np.bincount(used, minlength=len(FALLBACKS))
    return counts


def share_of_go(sums: TrialSums, verdict: int, requested: int) -> Measured:
    """Share of trials with a go: power, type I error or assurance, depending on the truth."""
    return share_ending_in(sums, "go", verdict, requested)


def share_ending_in(sums: TrialSums, end: End, verdict: int, requested: int) -> Measured:
    """Share of trials that end in go, consider or stop; a failed one ends in none of them."""
    counts = {name: int(getattr(sums, name)[verdict]) for name in ENDS}
    failed = sums.trials - sum(counts.values())
    return share_of_trials(counts[end], failed, sums.trials, requested)


def coverage(sums: TrialSums, analysis: int, requested: int) -> Measured:
    """Share of confidence intervals that hold the true effect of their trial."""
    used = int(sums.reasons[analysis, 0])
    return proportion(int(sums.covered[analysis]), used, sums.trials, requested)


def share_fallen_back(sums: TrialSums, analysis: int, fallback: int, requested: int) -> Measured:
    """Share of trials with an estimate that used one simpler model."""
    used = int(sums.reasons[analysis, 0])
    return proportion(int(sums.fallbacks[analysis, fallback]), used, sums.trials, requested)


def bias(sums: TrialSums, analysis: int, requested: int, truth_mcse: float = 0.0) -> Measured:
    """Mean of estimate minus truth, which may itself be known up to a Monte Carlo error.

    Over the trials with a finite estimate: the ratio of rates may be 0, its logarithm infinite.
    """
    used, answered = int(sums.estimated[analysis]), int(sums.reasons[analysis, 0])
    total, squared = sums.error[analysis], sums.squared_error[analysis]
    mean = mean_of(total, squared, used, sums.trials, requested)
    mean = replace(mean, failed=sums.trials - answered)
    if truth_mcse == 0.0:
        return mean
    return replace(mean, mcse=float(np.hypot(mean.mcse, truth_mcse)))


def mean_duration(sums: TrialSums, requested: int) -> Measured:
    """Mean months from the trial's opening to the last readout."""
    return mean_of(sums.months, sums.squared_months, sums.trials, sums.trials, requested)


def share_stopped(sums: TrialSums, reason: int, look: int, requested: int) -> Measured:
    """Share of trials that stop at an interim look for a reason: 0 efficacy, 1 futility.

    Of all trials: a trial whose interim analysis failed continues, as in practice.
    """
    return proportion(int(sums.looks.stops[reason, look]), sums.trials, sums.trials, requested)


def share_failed_look(sums: TrialSums, look: int, requested: int) -> Measured:
    """Share of trials that reached an interim look whose analysis failed."""
    return proportion(int(sums.looks.failed[look]), sums.trials, sums.trials, requested)


def share_reversed(sums: TrialSums, look: int, requested: int) -> Measured:
    """Share of a look's stops for efficacy that are not shown once all enrolled are followed."""
    stops = int(sums.looks.stops[0, look])
    return proportion(int(sums.looks.reversed[look]), stops, stops, requested)


def mean_enrolled(sums: TrialSums, requested: int) -> Measured:
    """Mean number of patients enrolled when the trial ends: at a look, for harm, or at its end."""
    counts = sums.looks if sums.looks.harm.size else sums.harm
    return mean_of(counts.enrolled, counts.squared_enrolled, sums.trials, sums.trials, requested)


def mean_overrun(sums: TrialSums, requested: int) -> Measured:
    """Mean number of enrolled patients without complete data at the last look."""
    looks = sums.looks
    return mean_of(looks.overrun, looks.squared_overrun, sums.trials, sums.trials, requested)


def share_dropped(sums: TrialSums, arm: int, look: int, requested: int) -> Measured:
    """Share of trials in which an arm is dropped at an interim look; arms as their analyses."""
    return proportion(int(sums.looks.arms.dropped[arm, look]), sums.trials, sums.trials, requested)


def share_selected(sums: TrialSums, arm: int, requested: int) -> Measured:
    """Share of trials with a go for an arm that has the smallest p of all goes."""
    return proportion(int(sums.looks.arms.best[arm]), sums.trials, sums.trials, requested)


def mean_enrolled_in_arm(sums: TrialSums, arm: int, requested: int) -> Measured:
    """Mean number of patients enrolled in one arm; control is the last."""
    arms = sums.looks.arms
    total, squared = arms.enrolled[arm], arms.squared_enrolled[arm]
    return mean_of(total, squared, sums.trials, sums.trials, requested)


def mean_missing(sums: TrialSums, analysis: int, requested: int) -> Measured:
    """Mean share of patients whose analysed value is missing."""
    total, squared = sums.missing[analysis], sums.squared_missing[analysis]
    return mean_of(total, squared, sums.trials, sums.trials, requested)


def _covers(estimate: Estimates, truth: Floats) -> Bools:
    """Whether the interval around each estimate holds the truth; False where it failed."""
    if estimate.test is not None:
        return np.asarray((estimate.test.lower <= truth) & (truth <= estimate.test.upper))
    with np.errstate(invalid="ignore"):
        t = np.abs(estimate.effect - truth) / estimate.se
    # A look at the normal limit settles most trials: t distributions only have wider intervals.
    covered = t <= _NORMAL_LIMIT
    unsettled = np.flatnonzero(t > _NORMAL_LIMIT)
    covered[unsettled] = 2 * stdtr(estimate.df[unsettled], -t[unsettled]) >= 1 - CONFIDENCE
    return covered

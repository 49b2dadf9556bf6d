"""Operating characteristics from running sums, each with its Monte Carlo standard error."""

from collections.abc import Mapping, Sequence
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
from phase2sim.core.draws_error import DrawSums, with_draws
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
    by_draw: DrawSums = field(default_factory=DrawSums)

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
    The caller adds ``by_class``, which depends on the decision rule, and ``by_draw``.
    """
    months = np.full(1, np.nan) if months is None else months
    ends = np.stack(
        [np.bincount(verdicts - UNDECIDED, minlength=_ENDINGS) for verdicts in verdict.T]
    )
    effect = np.stack([e.effect for e in estimates])
    is_finite = np.isfinite(effect)
    error = np.where(is_finite, effect, np.nan) - true_effect
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
        covered=covered(estimates, true_effect).sum(axis=1),
        unknown=np.isnan(true_effect).sum(axis=1),
        missing=missing.sum(axis=1),
        squared_missing=(missing**2).sum(axis=1),
        months=float(months.sum()),
        squared_months=float((months**2).sum()),
        looks=StopSums() if trial_ends is None else stop_sums(trial_ends),
        harm=HarmSums() if harm is None else harm,
    )


def covered(estimates: tuple[Estimates, ...], true_effect: Floats) -> Bools:
    """Whether each interval holds the true effect of its trial, (analysis, trial)."""
    return np.stack([_covers(e, truth) for e, truth in zip(estimates, true_effect, strict=True)])


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
    share = share_of_trials(int(counts[0]), int(counts[-1]), trials, trials)
    of_draws = sums.by_draw.totals
    if "fitted" not in of_draws:
        return share
    drew, goes = of_draws["fitted"][0], of_draws["fitted go"][verdict]
    return with_draws(share, sums.by_draw.trials, goes, drew)


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
    share = share_of_trials(int(counts[truth_class, ENDS.index(end)]), failed, trials, requested)
    classes = (truth_class,) if conditional else range(len(CLASSES))
    return _with_draws_of_class(share, sums, verdict, {end: (truth_class,)}, classes=classes)


def missed_target(sums: TrialSums, verdict: int, requested: int) -> Measured:
    """Share without a go among trials whose true effect is at the target or beyond.

    A failed trial has no go, so ``low`` is the share if every failed trial had been one.
    """
    counts = sums.by_class[verdict, AT_TARGET]
    trials, failed = int(counts.sum()), int(counts[-1])
    missed = trials - int(counts[0])
    share = share_of_trials(missed, 0, trials, requested)
    share = replace(share, failed=failed, low=(missed - failed) / trials)
    others = dict.fromkeys(("consider", "stop", "undecided"), (AT_TARGET,))
    return _with_draws_of_class(share, sums, verdict, others, classes=(AT_TARGET,))


def true_given_go(sums: TrialSums, verdict: int, requested: int) -> Measured:
    """Share of goes whose true effect is beyond the lower reference value, or the null effect."""
    go = sums.by_class[verdict, :, 0]
    share = proportion(int(go[BELOW + 1 :].sum()), int(go.sum()), int(go.sum()), requested)
    classes = range(len(CLASSES))
    return _with_draws_of_class(
        share, sums, verdict, {"go": classes[BELOW + 1 :]}, classes=classes, used_ends=("go",)
    )


def _with_draws_of_class(
    share: Measured,
    sums: TrialSums,
    verdict: int,
    counted: Mapping[str, Sequence[int]],  # by end, the classes of the truth that count
    *,
    classes: Sequence[int],  # of the trials in the share
    used_ends: Sequence[str] = (*ENDS, "undecided"),
) -> Measured:
    """Add the error from draws to a share by the class of the truth."""
    totals = sums.by_draw.totals
    if not totals:
        return share
    numbers = [
        totals[f"{end} {truth_class}"][verdict]
        for end, of_end in counted.items()
        for truth_class in of_end
    ]
    used = [totals[f"{end} {truth_class}"][verdict] for end in used_ends for truth_class in classes]
    return with_draws(share, sums.by_draw.trials, np.sum(numbers, axis=0), np.sum(used, axis=0))


def _with_draws(
    measured: Measured, sums: TrialSums, name: str, row: int = 0, used: str | None = None
) -> Measured:
    """Add the error from draws to the mean of a quantity, by its name in ``sums.by_draw``."""
    totals = sums.by_draw.totals
    if name not in totals:
        return measured
    used_by_draw = None if used is None else totals[used][row]
    return with_draws(measured, sums.by_draw.trials, totals[name][row], used_by_draw)


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
    share = share_of_trials(counts[end], failed, sums.trials, requested)
    return _with_draws(share, sums, end, verdict)


def coverage(sums: TrialSums, analysis: int, requested: int) -> Measured:
    """Share of confidence intervals that hold the true effect of their trial."""
    used = int(sums.reasons[analysis, 0])
    share = proportion(int(sums.covered[analysis]), used, sums.trials, requested)
    return _with_draws(share, sums, "covered", analysis, "answered")


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
    mean = _with_draws(mean, sums, "error", analysis, "estimated")
    mean = replace(mean, failed=sums.trials - answered)
    if truth_mcse == 0.0:
        return mean
    return replace(mean, mcse=float(np.hypot(mean.mcse, truth_mcse)))


def mean_duration(sums: TrialSums, requested: int) -> Measured:
    """Mean months from the trial's opening to the last readout."""
    mean = mean_of(sums.months, sums.squared_months, sums.trials, sums.trials, requested)
    return _with_draws(mean, sums, "months")


def share_stopped(sums: TrialSums, reason: int, look: int, requested: int) -> Measured:
    """Share of trials that stop at an interim look for a reason: 0 efficacy, 1 futility.

    Of all trials: a trial whose interim analysis failed continues, as in practice.
    """
    share = proportion(int(sums.looks.stops[reason, look]), sums.trials, sums.trials, requested)
    return _with_draws(share, sums, f"stopped {reason}", look)


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
    mean = mean_of(counts.enrolled, counts.squared_enrolled, sums.trials, sums.trials, requested)
    return _with_draws(mean, sums, "enrolled")


def mean_overrun(sums: TrialSums, requested: int) -> Measured:
    """Mean number of enrolled patients without complete data at the last look."""
    looks = sums.looks
    mean = mean_of(looks.overrun, looks.squared_overrun, sums.trials, sums.trials, requested)
    return _with_draws(mean, sums, "overrun")


def share_dropped(sums: TrialSums, arm: int, look: int, requested: int) -> Measured:
    """Share of trials in which an arm is dropped at an interim look; arms as their analyses."""
    dropped = int(sums.looks.arms.dropped[arm, look])
    share = proportion(dropped, sums.trials, sums.trials, requested)
    return _with_draws(share, sums, f"dropped {arm}", look)


def share_selected(sums: TrialSums, arm: int, requested: int) -> Measured:
    """Share of trials with a go for an arm that has the smallest p of all goes."""
    share = proportion(int(sums.looks.arms.best[arm]), sums.trials, sums.trials, requested)
    return _with_draws(share, sums, "selected", arm)


def mean_enrolled_in_arm(sums: TrialSums, arm: int, requested: int) -> Measured:
    """Mean number of patients enrolled in one arm; control is the last."""
    arms = sums.looks.arms
    total, squared = arms.enrolled[arm], arms.squared_enrolled[arm]
    mean = mean_of(total, squared, sums.trials, sums.trials, requested)
    return _with_draws(mean, sums, "enrolled in arm", arm)


def mean_missing(sums: TrialSums, analysis: int, requested: int) -> Measured:
    """Mean share of patients whose analysed value is missing."""
    total, squared = sums.missing[analysis], sums.squared_missing[analysis]
    mean = mean_of(total, squared, sums.trials, sums.trials, requested)
    return _with_draws(mean, sums, "missing", analysis)


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

"""Where each trial of a batch stops, and why: looks that are stored can be judged again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from phase2sim.contracts import GO, STOP, UNDECIDED, Analysis, Bools, Decision, Floats, Ints
from phase2sim.endpoints import EVENTS, MEASURES
from phase2sim.interim.found import Look
from phase2sim.interim.stopping import Stopping
from phase2sim.sequential.actual import efficacy_bounds, futility_bounds, rising
from phase2sim.sequential.boundaries import Boundaries
from phase2sim.sequential.efficacy import spent_at
from phase2sim.sequential.futility import BetaSpending, EffectLimit, limits_of
from phase2sim.sequential.spending import Spending

TO_THE_END, FOR_EFFICACY, FOR_FUTILITY = range(3)
REASONS = ("", "efficacy", "futility")


@dataclass(frozen=True, slots=True)
class Course:
    """How a batch of trials went under one rule."""

    verdict: NDArray[np.int8]  # (trial, verdict), of the look that was the last
    last: Ints  # (trial,) its number, from 0; the final analysis is the highest
    why: NDArray[np.int8]  # (trial,) an index into ``REASONS``
    failed: Bools  # (interim look, trial): it was held, and could not be answered


def course(
    rule: Stopping, decision: Decision, analyses: Sequence[Analysis], looks: Sequence[Look]
) -> Course:
    """Follow every trial from look to look; ``looks`` ends with the final analysis.

    A look whose analysis failed stops nobody. A look that would have come after the last readout
    is not held.
    """
    bounds = [_Bounds.of(rule, looks, number) for number in range(len(analyses))]
    final, trials = looks[-1], looks[-1].months.size
    last, why = np.full(trials, len(looks) - 1), np.zeros(trials, np.int8)
    failed = np.zeros((len(looks) - 1, trials), np.bool_)
    verdict = _decided(rule, decision, final, [one.upper[:, -1] for one in bounds])
    going = np.ones(trials, np.bool_)
    for k, look in enumerate(looks[:-1]):
        held = going & (look.months < final.months)
        shown = _decided(rule, decision, look, [one.upper[:, k] for one in bounds])
        below = [_below(rule, a, look, n, bounds[n].lower[:, k]) for n, a in enumerate(analyses)]
        efficacy = held & (shown[:, rule.verdict] == GO)
        futile = held & ~efficacy & _is_futile(rule, decision, below)
        failed[k] = held & (shown[:, rule.verdict] == UNDECIDED)
        stopped = efficacy | futile
        verdict[stopped], last[stopped] = shown[stopped], k
        why[efficacy], why[futile] = FOR_EFFICACY, FOR_FUTILITY
        going &= ~stopped
    return Course(verdict, last, why, failed)


def _decided(
    rule: Stopping, decision: Decision, look: Look, upper: Sequence[Floats]
) -> NDArray[np.int8]:
    """Verdicts (trial, verdict) of one look, given each analysis's bound on z (trial or 1,).

    The decision judges at its own alpha: p is stretched so that the bound's nominal level is there.
    """
    judged = []
    for estimates, bound in zip(look.estimates, upper, strict=True):
        nominal = np.broadcast_to(ndtr(-bound), estimates.p.shape)
        reached = np.full(nominal.shape, np.inf)
        np.divide(estimates.p * rule.one_sided_alpha, nominal, out=reached, where=nominal > 0)
        judged.append(np.where(np.isnan(estimates.p), np.nan, reached))
    return decision.decide(np.stack(judged, axis=1))


def _below(rule: Stopping, analysis: Analysis, look: Look, number: int, lower: Floats) -> Floats:
    """1 where an analysis is below its limit of futility, 0 where not, nan where it failed."""
    estimates, limit = look.estimates[number], rule.limit
    if isinstance(limit, EffectLimit) and not limit.binding:
        is_below = benefit_sign(analysis) * (estimates.effect - analysis.null_effect) < lower
    else:
        is_below = -ndtri(estimates.p) < lower
    return np.where(np.isnan(estimates.p), np.nan, is_below)


def benefit_sign(analysis: Analysis) -> int:
    """1 where a larger effect is better, -1 where a smaller one is."""
    if analysis.endpoint in EVENTS:
        return -1  # fewer events
    return 1 if analysis.reads == "binary" else MEASURES[analysis.endpoint].benefit_sign


def _is_futile(rule: Stopping, decision: Decision, below: Sequence[Floats]) -> Bools:
    """Whether the decision would be a stop though all that is not below its limit were shown."""
    futile: Bools = decision.decide(np.stack(below, axis=1))[:, rule.verdict] == STOP
    return futile


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Bounds of one analysis, (trial or 1, look), the final analysis last.

    On z; but a limit on effects that is not binding is left on the scale of benefit.
    """

    upper: Floats
    lower: Floats

    @classmethod
    def of(cls, rule: Stopping, looks: Sequence[Look], number: int) -> "_Bounds":
        """Planned, or those of each trial's own information."""
        planned, limit = rule.planned[number], rule.limit
        made = cls(planned.efficacy[None], planned.futility[None])
        se = np.stack([look.estimates[number].se for look in looks], axis=1)
        maximum = rule.maximum_information[number]
        fractions = planned.information[None]
        if rule.actual and maximum is not None:
            fractions = rising(se**-2.0 / maximum)
            made = _actual(rule, fractions, planned)
        if isinstance(limit, EffectLimit) and not limit.binding:
            return replace(made, lower=_ended(limits_of(limit, len(looks) - 1)[None]))
        if limit is not None and (rule.actual or np.isnan(made.lower).any()):
            before = fractions[:, :-1]
            # Without a planned maximum, that which follows from the look's own standard error.
            own = 1.0 / (se[:, :-1] * np.sqrt(before))
            drift = own if maximum is None else np.sqrt(maximum)
            return replace(made, lower=_ended(limit.z(before, made.upper[:, -1:], drift)))
        return made


def _ended(lower: Floats) -> Floats:
    """Limits of the interim looks, and nothing for the final analysis, which looks at none."""
    return np.concatenate([lower, np.full((len(lower), 1), np.nan)], axis=1)


def _actual(rule: Stopping, fractions: Floats, planned: Boundaries) -> _Bounds:
    """Bounds that spend by each trial's own fractions (trial, look) of the information."""
    upper = np.broadcast_to(planned.efficacy, fractions.shape)
    if isinstance(rule.efficacy, Spending):
        spent = spent_at(rule.efficacy, fractions, rule.one_sided_alpha)
        upper = efficacy_bounds(fractions, spent)
    lower = np.full(fractions.shape, -np.inf)
    if isinstance(rule.futility, BetaSpending) and rule.beta_spending is not None:
        spent = spent_at(rule.beta_spending, fractions, rule.futility.beta)
        lower = futility_bounds(fractions, upper, spent, planned.drift)
    return _Bounds(upper, lower)

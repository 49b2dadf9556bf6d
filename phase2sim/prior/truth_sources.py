"""True parameters of each simulated trial: a target, no effect, or a draw from the prior."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from scipy import special

from phase2sim.core.age_distribution import age_moments
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import Plan, Truth, TruthSource
from phase2sim.core.draws_error import Picks
from phase2sim.core.effect_curve import EffectCurve
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.history_priors import PRIORS
from phase2sim.core.randomness import normals, uniforms
from phase2sim.prior.at_diagnosis import deviation_left
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.patient_time import visit_correlation

EXPECTED = "expected"  # the target's effect in a control arm drawn from the prior
DRAWN_TRUTHS = ("prior", "sceptical", EXPECTED)  # labels of truths with a draw for each trial
ENTRY_TIMES = 48
# Indices in the "truth" stream.
_PICK, _ROBUST, _LEVEL, _SLOPE, _SCEPTICAL, _BENEFIT, _SPREAD, _SHARE, _FIRST = range(9)


@dataclass(frozen=True, slots=True)
class Control:
    """Outcomes of untreated patients, one row per draw (a single row if fixed), model scale.

    As in ``Truth``, but with separate SDs and correlations: ``sd`` (draw, endpoint, visit),
    ``correlation`` (draw, endpoint, visit, visit), ``endpoint_correlation`` (draw, endpoint,
    endpoint). The last three, (draw, endpoint), say how studies differ in SD and correlation: a
    single row of 0 where the scenario sets them.
    """

    knots_months: Floats
    history: Floats
    mean: Floats  # (draw, endpoint, visit), added to history
    sd: Floats
    correlation: Floats
    endpoint_correlation: Floats
    spread_sd: Floats  # of the log SD
    share: Floats  # permanent share of the variance in a typical study
    share_sd: Floats  # of its logit
    left: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    # (endpoint, knot), of a study's deviation at diagnosis

    def typical(self) -> "Control":
        """Return a single row: the mean of every quantity over the draws."""
        arrays = {
            name: getattr(self, name).mean(axis=0, keepdims=True)
            for name in ("history", "mean", "sd", "correlation", "endpoint_correlation")
        }
        return replace(self, **arrays)

    def of_new_studies(self, spread: Floats, share: Floats) -> "Control":
        """Return one row per study, given its standard normal deviates (trial, endpoint).

        With a permanent share of s' in place of s, ``1 - correlation`` is (1 - s') / (1 - s) times
        as large at every lag. No correlation falls below 0: where age is taken out of a patient's
        deviation, the rest of it can have a smaller permanent share than s.
        """
        if not (self.spread_sd.any() or self.share_sd.any()):
            return self
        logit = special.logit(self.share)
        less = special.expit(-(logit + self.share_sd * share)) / special.expit(-logit)
        with np.errstate(divide="ignore"):
            less = np.minimum(less, 1.0 / (1.0 - self.correlation.min(axis=(-1, -2))))
        return replace(
            self,
            sd=self.sd * np.exp(self.spread_sd * spread)[..., None],
            correlation=1.0 - less[..., None, None] * (1.0 - self.correlation),
        )

    def shifted_at_diagnosis(self, shift: Floats) -> "Control":
        """Return the control with other means at diagnosis, by ``shift`` (trial, endpoint)."""
        if not shift.any():
            return self
        return replace(self, history=self.history + shift[..., None] * self.left)

    def mean_at(self, plan: Plan, endpoint: int, month: float) -> float:
        """Mean of untreated patients at a month, averaged over enrolment window and draws."""
        shift = self.mean[:, endpoint].mean(axis=0)
        fixed = float(np.interp(month, plan.visits_months, shift))
        if not self.knots_months.size:
            return fixed
        curve = self.history[:, endpoint].mean(axis=0)
        since = plan.months_since_diagnosis.times(ENTRY_TIMES) + month
        return fixed + float(np.interp(since, self.knots_months, curve).mean())


@dataclass(frozen=True, slots=True)
class TreatedArms:
    """Shares of the effect in the treated arms, effect modification and event rate ratios."""

    shares: Floats = field(default_factory=lambda: np.ones(1))  # (treated arm,)
    modification: Floats | None = None  # as in ``Truth``
    log_rate_ratio: Floats | None = None  # (arm, counted event)

    def apply_to(self, truth: Truth) -> Truth:
        """Return the truth with effect modification and event rate ratios."""
        changes = {
            name: array
            for name in ("modification", "log_rate_ratio")
            if (array := getattr(self, name)) is not None
        }
        return replace(truth, **changes) if changes else truth


@dataclass(frozen=True, slots=True)
class FixedTruth(TruthSource):
    """The same truth in every trial."""

    label: str
    fixed: Truth
    is_fixed: ClassVar[bool] = True

    def truth(self, first: int, trials: int) -> Truth:
        """Return the fixed truth, with a leading axis of length 1."""
        del first, trials
        return self.fixed


@dataclass(frozen=True, slots=True)
class TruthFromPrior(TruthSource):
    """A new draw per trial: control from the prior's draws, effect from a robust mixture.

    With probability ``robust_weight`` the effects of a trial are the fitted effects of its draw,
    else N(0, ``sceptical_sd``), for all endpoints together; ``shared`` correlates them.
    ``robust_weight`` 0 is the sceptical prior. Sources with the same seed use the same draws, so
    they differ only in the effect.
    """

    label: str
    seed: int
    visits_months: Floats
    control: Control
    level_sd: Floats  # (draw, endpoint); 0 if the scenario sets the control mean
    slope_sd: Floats  # (draw, endpoint)
    diagnosis_sd: Floats  # (draw, endpoint)
    effect: Floats  # (draw, endpoint), fitted effect
    growth: Floats  # (endpoint, visit), share of the effect at each visit
    sceptical_sd: Floats  # (endpoint,)
    shared: Floats  # (endpoint,) correlation with a common benefit, with the sign of benefit
    robust_weight: float
    treated: TreatedArms = field(default_factory=TreatedArms)

    def with_assumptions(self, treated: TreatedArms, heterogeneity: float) -> "TruthFromPrior":
        """Return the source with other treated arms, and study SDs times ``heterogeneity``."""
        control = replace(
            self.control,
            spread_sd=self.control.spread_sd * heterogeneity,
            share_sd=self.control.share_sd * heterogeneity,
        )
        return replace(
            self,
            control=control,
            treated=treated,
            level_sd=self.level_sd * heterogeneity,
            slope_sd=self.slope_sd * heterogeneity,
            diagnosis_sd=self.diagnosis_sd * heterogeneity,
        )

    def draws(self, first: int, trials: int) -> Ints:
        """Index of the prior draw that is true in each trial, (trial,)."""
        return self.picks(first, trials).index

    def picks(self, first: int, trials: int) -> Picks:
        """Prior draws behind trials ``first`` to ``first + trials - 1``."""
        return picks_of_trials(self.seed, len(self.effect), first, trials)

    def truth(self, first: int, trials: int) -> Truth:
        """Truth of trials ``first`` to ``first + trials - 1``."""
        endpoints = self.effect.shape[1]

        def normal(stream_index: int) -> Floats:
            return normals((trials, endpoints), self.seed, "truth", first, stream_index)

        draw = self.draws(first, trials)
        fitted = drew_fitted(self.seed, self.robust_weight, first, trials)[:, None]
        benefit = normals((trials, 1), self.seed, "truth", first, _BENEFIT)
        specific = np.sqrt(1.0 - self.shared**2) * normal(_SCEPTICAL)
        sceptical = self.sceptical_sd * (self.shared * benefit + specific)
        size = np.where(fitted, self.effect[draw], sceptical)
        level = self.level_sd[draw] * normal(_LEVEL)
        slope = self.slope_sd[draw] * normal(_SLOPE)
        drift = level[..., None] + slope[..., None] * self.visits_months
        effect = size[..., None] * self.growth
        control = _row(self.control, draw).of_new_studies(normal(_SPREAD), normal(_SHARE))
        control = control.shifted_at_diagnosis(self.diagnosis_sd[draw] * normal(_FIRST))
        return _truth(control, drift, effect, self.treated)


def picks_of_trials(seed: int, draws: int, first: int, trials: int) -> Picks:
    """Which of ``draws`` prior draws is true in each trial, under any truth of this seed."""
    pick = uniforms((trials, 1), seed, "truth", first, _PICK)[:, 0]
    return Picks(np.asarray((pick * draws).astype(np.int64)), draws)


def drew_fitted(seed: int, robust_weight: float, first: int, trials: int) -> Bools:
    """Whether each trial's effects are the fitted ones, not the sceptical ones, (trial,)."""
    drawn = uniforms((trials, 1), seed, "truth", first, _ROBUST)[:, 0]
    return np.asarray(drawn < robust_weight)


def fitted_prior(sources: Iterable[TruthSource]) -> TruthFromPrior | None:
    """Return the source that draws from the fitted prior, if there is one."""
    for source in sources:
        match source:
            case TruthFromPrior(label="prior"):
                return source
    return None


def fixed_truth(
    label: str,
    plan: Plan,
    control: Control,
    effects: Mapping[str, EffectCurve],
    treated: TreatedArms | None = None,
) -> FixedTruth:
    """Truth with a typical control arm and the given effects; no effect on other endpoints."""
    treated = treated or TreatedArms(np.ones(len(plan.arms) - 1), None, _zero_log_ratios(plan))
    visits = np.array(plan.visits_months)
    effect = np.zeros((1, len(plan.endpoints), len(visits)))
    for e, name in enumerate(plan.endpoints):
        if name in effects:
            effect[0, e] = effects[name].at(visits)
    typical = control.typical()
    return FixedTruth(label, _truth(typical, np.zeros_like(typical.mean), effect, treated))


def _zero_log_ratios(plan: Plan) -> Floats | None:
    return np.zeros((len(plan.arms), len(plan.counted))) if plan.counted else None


def control_from_prior(prior: PriorDraws, plan: Plan) -> Control:
    """Untreated patients of an average study, one row per draw of the prior."""
    endpoint_indices = [prior.endpoints.index(name) for name in plan.endpoints]
    visits = np.array(plan.visits_months)
    since = plan.months_since_diagnosis.times(ENTRY_TIMES)[:, None] + visits
    weights = knot_weights(since, prior.knots_months)  # (node, visit, knot)
    sd = prior.sd[:, endpoint_indices] @ weights.reshape(-1, len(prior.knots_months)).T
    by_entry = sd.reshape(*sd.shape[:2], *since.shape)
    spread = np.sqrt((by_entry**2).mean(axis=2))
    share, decay = prior.patient_share[:, endpoint_indices], prior.decay[:, endpoint_indices]
    return Control(
        knots_months=prior.knots_months,
        history=prior.history[:, endpoint_indices],
        mean=_age_shift(prior, plan, endpoint_indices)[:, :, None] + np.zeros_like(spread),
        sd=spread,
        correlation=visit_correlation(share, decay, since, by_entry),
        endpoint_correlation=prior.endpoint_correlation[:, endpoint_indices][
            :, :, endpoint_indices
        ],
        spread_sd=_between_studies(prior.spread_sd, prior, endpoint_indices),
        share=share,
        share_sd=_between_studies(prior.share_sd, prior, endpoint_indices),
        left=np.array(
            [
                deviation_left(PRIORS[name].first_month, prior.knots_months)
                for name in plan.endpoints
            ]
        ),
    )


def _between_studies(sds: Floats, prior: PriorDraws, endpoint_indices: list[int]) -> Floats:
    """SDs (draw, endpoint); 0 if the prior has none."""
    if not sds.size:
        return np.zeros((len(prior.history), len(endpoint_indices)))
    return sds[:, endpoint_indices]


def _age_shift(prior: PriorDraws, plan: Plan, endpoint_indices: list[int]) -> Floats:
    """Shift of the history by the patients' mean age, (draw, endpoint)."""
    mean_age = age_moments(plan)[0]
    if not prior.age_slope.size or np.isnan(mean_age):
        return np.zeros((len(prior.history), len(endpoint_indices)))
    return np.asarray(prior.age_slope[:, endpoint_indices] * (mean_age - prior.reference_age))


def prior_truth(
    label: str, plan: Plan, control: Control, prior: PriorDraws, robust_weight: float
) -> TruthFromPrior:
    """Truth source that draws from the fitted prior; ``control`` may hold scenario values."""
    endpoint_indices = [prior.endpoints.index(name) for name in plan.endpoints]
    visits = np.array(plan.visits_months)
    assumptions = [prior.effects[name] for name in plan.endpoints]
    growth = [EffectCurve(1.0, a.month, a.effect_shape()).at(visits) for a in assumptions]
    level_sd, slope_sd, diagnosis_sd = _between_control_means(prior, control, plan)
    return TruthFromPrior(
        label=label,
        seed=plan.seed,
        visits_months=visits,
        control=control,
        level_sd=level_sd,
        slope_sd=slope_sd,
        diagnosis_sd=diagnosis_sd,
        effect=prior.effect[:, endpoint_indices],
        growth=np.array(growth),
        sceptical_sd=np.array([a.sceptical_sd for a in assumptions]),
        shared=np.array([ENDPOINTS[a.endpoint].benefit_sign * a.shared**0.5 for a in assumptions]),
        robust_weight=robust_weight,
    )


def expected_truth(
    plan: Plan,
    control: Control,
    prior: PriorDraws,
    effects: Mapping[str, EffectCurve],
) -> TruthFromPrior:
    """Truth source with the given effects in every trial, and the control arm of a new study.

    Its share of go is the expected power: power at the target, averaged over what the fit does not
    know of SD, correlation and course of the control arm.
    """
    names, visits = plan.endpoints, np.array(plan.visits_months)
    growth = np.array([effects[e].at(visits) if e in effects else 0.0 * visits for e in names])
    nothing = np.zeros(len(names))
    level_sd, slope_sd, diagnosis_sd = _between_control_means(prior, control, plan)
    return TruthFromPrior(
        label=EXPECTED,
        seed=plan.seed,
        visits_months=visits,
        control=control,
        level_sd=level_sd,
        slope_sd=slope_sd,
        diagnosis_sd=diagnosis_sd,
        effect=np.ones((len(prior.history), len(names))),
        growth=growth,
        sceptical_sd=nothing,
        shared=nothing,
        robust_weight=1.0,
    )


def _between_control_means(
    prior: PriorDraws, control: Control, plan: Plan
) -> tuple[Floats, Floats, Floats]:
    """SDs of level, slope and start between studies; 0 for a control mean from the scenario."""
    indices = [prior.endpoints.index(name) for name in plan.endpoints]
    free = np.array([control.history[:, e].any() for e in range(len(indices))])
    at_diagnosis = _between_studies(prior.diagnosis_sd, prior, indices)
    return prior.level_sd[:, indices] * free, prior.slope_sd[:, indices] * free, at_diagnosis * free


def knot_weights(months: Floats, knots: Floats) -> Floats:
    """Interpolation weights (..., knot) at each month; constant after the last knot."""
    return np.stack([np.interp(months, knots, unit) for unit in np.eye(len(knots))], axis=-1)


def _row(control: Control, draw: Ints) -> Control:
    """Select rows of a control; quantities with a single row are the same for every draw."""
    arrays = {
        name: rows if len(rows := getattr(control, name)) == 1 else rows[draw]
        for name in (
            "history", "mean", "sd", "correlation", "endpoint_correlation", "spread_sd", "share",
            "share_sd",
        )
    }  # fmt: skip
    return replace(control, **arrays)


def _truth(control: Control, drift: Floats, effect: Floats, treated: TreatedArms) -> Truth:
    """Combine control, study drift and effect (trial, endpoint, visit) into one truth."""
    # The jitter gives semi-definite matrices (a correlation of 1) a Cholesky factor.
    factor = np.linalg.cholesky(control.correlation + 1e-12 * np.eye(control.correlation.shape[-1]))
    truth = Truth(
        knots_months=control.knots_months,
        history=control.history,
        shift=control.mean + drift,
        effect=np.stack([share * effect for share in (0.0, *treated.shares)], axis=1),
        visit_factor=control.sd[..., None] * factor,
        endpoint_factor=np.linalg.cholesky(control.endpoint_correlation),
    )
    return treated.apply_to(truth)

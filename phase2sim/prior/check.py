"""Checks of a fitted prior: replicated reports, and each unknown before and after the fit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.progress import Progress
from phase2sim.core.randomness import generator
from phase2sim.evidence.reported import LOCATIONS, SINGLE_ARM, Evidence, ReportedNumber
from phase2sim.prior.analysis_priors import analysis_priors, effect_share, history_at
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.entry import fitted_entry
from phase2sim.prior.fitting import seed_of
from phase2sim.prior.models import prior_moments as beforehand
from phase2sim.prior.models.prior_moments import PriorMoments
from phase2sim.prior.replicates.parameters import parameters_of
from phase2sim.prior.replicates.replicate import Quantity, quantities, replicate
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior

FLAGGED_BELOW = 0.05  # two-sided tail probability
REPLICAS = 2000
_LIMITS = (0.025, 0.5, 0.975)


@dataclass(frozen=True, slots=True)
class Replica:
    """One reported number and its posterior predictive distribution in a study of new patients.

    ``median`` and the 95 % interval from ``lower`` to ``upper`` have the unit of ``reported``.
    ``tail`` is the two-sided mid-p tail probability of the reported number, ``mcse`` its Monte
    Carlo standard error.
    """

    entry: ReportedNumber
    what: str
    reported: float
    median: float
    lower: float
    upper: float
    tail: float
    mcse: float

    @property
    def flagged(self) -> bool:
        """True if the reported number is in a tail of its predictive distribution."""
        return self.tail < FLAGGED_BELOW


@dataclass(frozen=True, slots=True)
class PriorUpdate:
    """Mean and SD of one unknown before and after the evidence, model scale."""

    what: str
    endpoint: str
    months_since_diagnosis: float | None  # of a knot; None if the unknown is constant in time
    before_mean: float
    before_sd: float
    after_mean: float
    after_sd: float

    @property
    def sd_ratio(self) -> float:
        """SD after the evidence over SD before; 1 if the evidence is uninformative."""
        return self.after_sd / self.before_sd


@dataclass(frozen=True, slots=True)
class FaceValue:
    """Effect implied by one reported mean or median of treated patients."""

    endpoint: str
    label: str
    effect: float  # model scale


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """Results of the checks of one fitted prior."""

    evidence: Evidence
    prior: PriorDraws
    replicas: tuple[Replica, ...]
    learned: tuple[PriorUpdate, ...]
    analysis_priors: tuple[AnalysisPrior, ...]

    @property
    def flags(self) -> int:
        """Number of flagged reported numbers."""
        return sum(replica.flagged for replica in self.replicas)

    @property
    def flags_by_chance(self) -> float:
        """Largest expected number of flags under a true model; the fit has used these numbers."""
        return FLAGGED_BELOW * len(self.replicas)


def check_prior(
    evidence: Evidence, prior: PriorDraws, progress: Progress = lambda _count, _total: None
) -> PriorCheck:
    """Replicate the reported numbers, and compare each unknown with its prior."""
    table = quantities(evidence)
    replicates = replicate_tables(evidence, prior, min(REPLICAS, len(prior.history)), progress)
    return PriorCheck(
        evidence=evidence,
        prior=prior,
        replicas=tuple(
            _replica(quantity, replicates[:, position]) for position, quantity in enumerate(table)
        ),
        learned=(*_prior_updates(evidence, prior), *_care_updates(evidence, prior)),
        analysis_priors=analysis_priors(prior, evidence),
    )


def replicate_tables(
    evidence: Evidence, prior: PriorDraws, replicas: int, progress: Progress
) -> Floats:
    """Replicated reports (replica, quantity) of new patients, one per evenly spaced draw."""
    picked = np.linspace(0, len(prior.history) - 1, replicas).round().astype(np.int64)
    seed = seed_of(evidence)
    tables = []
    for position, draw in enumerate(picked):
        rng = generator(seed, "outcome", int(draw))
        tables.append(replicate(evidence, parameters_of(prior, int(draw)), rng))
        progress(position + 1, replicas)
    return np.stack(tables)


def _replica(quantity: Quantity, replicates: Floats) -> Replica:
    replicates = replicates[
        np.isfinite(replicates)
    ]  # without undefined summaries, such as the SD of one patient
    lower, median, upper = np.quantile(replicates, _LIMITS)
    tail, mcse = replicate_tails(quantity.value, replicates)
    return Replica(
        entry=quantity.entry,
        what=quantity.what,
        reported=quantity.value,
        median=float(median),
        lower=float(lower),
        upper=float(upper),
        tail=tail,
        mcse=mcse,
    )


def replicate_tails(value: float, replicates: Floats) -> tuple[float, float]:
    """Two-sided mid-p tail probability of a number among replicates, and its Monte Carlo error.

    It is twice the smaller of the shares below and above the number. Replicates equal to it count
    half on each side (mid-p), because counts have ties.
    """
    equal = np.isclose(replicates, value, rtol=1e-9, atol=1e-12)
    score = np.where(equal, 0.5, replicates < value)
    share_below = float(score.mean())
    spread = float(score.std())
    if spread == 0:  # no replicate on one side: count half a replicate there
        rare = 0.5 / (replicates.size + 1)
        spread = float(np.sqrt(rare * (1 - rare)))
    return 2 * min(share_below, 1 - share_below), 2 * spread / float(np.sqrt(replicates.size))


def face_values(evidence: Evidence, prior: PriorDraws) -> tuple[FaceValue, ...]:
    """Effects implied by each reported location of treated patients, taken at face value.

    Reported location minus mean untreated history, over the share of the effect at that month.
    """
    treated = {(arm.study, arm.arm): arm for arm in evidence.arms if arm.design == SINGLE_ARM}
    effects = []
    for entry in evidence.reported:
        arm = treated.get((entry.study, entry.arm))
        if arm is None or entry.unused or entry.statistic not in LOCATIONS:
            continue
        if entry.endpoint not in prior.effects or entry.months[0] <= 0 or len(entry.months) > 1:
            continue
        endpoint, month = ENDPOINTS[entry.endpoint], entry.months[0]
        value = entry.value if entry.on_model_scale else endpoint.to_model(entry.value)
        untreated = history_at(prior, entry.endpoint, month, fitted_entry(arm, evidence, prior))
        share = effect_share(prior.effects[entry.endpoint], month)
        unit = endpoint.model_unit if entry.on_model_scale else endpoint.unit
        label = f"month {month:g}: {entry.statistic.replace('_', ' ')} {entry.value:.3g} {unit}"
        effect = (value - float(untreated.mean())) / share
        effects.append(FaceValue(entry.endpoint, label, effect))
    return tuple(effects)


def _prior_updates(evidence: Evidence, prior: PriorDraws) -> Iterator[PriorUpdate]:
    for e, name in enumerate(prior.endpoints):
        if name in prior.effects:
            before = beforehand.effect_before(evidence, prior.effects[name])
            yield _prior_update("treatment effect", name, None, before, prior.effect[:, e])
        knots = prior.knots_months
        mean = beforehand.history_before(name, knots)
        sd = beforehand.sd_before(name, knots)
        for k, month in enumerate(knots):
            moments = PriorMoments(mean.mean[k], mean.sd[k])
            yield _prior_update(
                "mean of untreated patients", name, float(month), moments, prior.history[:, e, k]
            )
        for k, month in enumerate(knots):
            moments = PriorMoments(sd.mean[k], sd.sd[k])
            yield _prior_update(
                "SD between patients", name, float(month), moments, prior.sd[:, e, k]
            )
        level, slope = beforehand.level_sd_before(name), beforehand.slope_sd_before(name)
        yield _prior_update("SD between studies", name, None, level, prior.level_sd[:, e])
        yield _prior_update(
            "SD between studies, per month", name, None, slope, prior.slope_sd[:, e]
        )
        if prior.diagnosis_sd.size:
            yield _prior_update(
                "SD between studies, at diagnosis",
                name,
                None,
                beforehand.diagnosis_sd_before(name),
                prior.diagnosis_sd[:, e],
            )
        if prior.spread_sd.size:
            yield _prior_update(
                "SD between studies, of log SD",
                name,
                None,
                beforehand.spread_sd_before(name),
                prior.spread_sd[:, e],
            )


def _care_updates(evidence: Evidence, prior: PriorDraws) -> Iterator[PriorUpdate]:
    """What was known, and is known, of what each covariate of care does."""
    for row, name in enumerate(prior.care_covariates):
        for effect in evidence.care[name].effects:
            if effect.endpoint in prior.endpoints:
                before = PriorMoments(np.array(effect.prior.mean), np.array(effect.prior.sd))
                draws = prior.care_effect[:, row, prior.endpoints.index(effect.endpoint)]
                yield _prior_update(f"effect of {name}", effect.endpoint, None, before, draws)


def _prior_update(
    unknown: str, endpoint: str, month: float | None, before: PriorMoments, after: Floats
) -> PriorUpdate:
    return PriorUpdate(
        what=unknown,
        endpoint=endpoint,
        months_since_diagnosis=month,
        before_mean=float(before.mean),
        before_sd=float(before.sd),
        after_mean=float(after.mean()),
        after_sd=float(after.std(ddof=1)),
    )

"""Whether a fitted prior is to be believed: the reported table again, and what was learned."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.progress import Progress
from phase2sim.core.randomness import generator
from phase2sim.evidence.reported import LOCATIONS, SINGLE_ARM, Evidence, Reported
from phase2sim.prior.analysis_priors import analysis_priors, effect_share, history_at
from phase2sim.prior.draws import PriorDraws
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
    """One reported number beside what a study of the same design with new patients would report.

    ``median`` and the 95 % interval from ``lower`` to ``upper`` are in the endpoint's unit, as
    ``reported`` is. ``tail`` is the two-sided mid-p tail probability of the reported number,
    ``mcse`` its Monte Carlo standard error.
    """

    entry: Reported
    what: str
    reported: float
    median: float
    lower: float
    upper: float
    tail: float
    mcse: float

    @property
    def flagged(self) -> bool:
        """Whether the fitted model would rarely have reported this."""
        return self.tail < FLAGGED_BELOW


@dataclass(frozen=True, slots=True)
class PriorUpdate:
    """One unknown before and after the evidence, model scale."""

    what: str
    endpoint: str
    months_since_diagnosis: float | None  # of a knot; None for what has no time
    before_mean: float
    before_sd: float
    after_mean: float
    after_sd: float

    @property
    def sd_ratio(self) -> float:
        """SD after the evidence over SD before: 1 if nothing was learned."""
        return self.after_sd / self.before_sd


@dataclass(frozen=True, slots=True)
class FaceValue:
    """A reported location of treated patients minus the untreated mean, at the effect's month."""

    endpoint: str
    label: str
    effect: float  # model scale


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """All that a reader needs to believe or doubt a fitted prior."""

    evidence: Evidence
    prior: PriorDraws
    replicas: tuple[Replica, ...]
    learned: tuple[PriorUpdate, ...]
    analysis_priors: tuple[AnalysisPrior, ...]

    @property
    def flags(self) -> int:
        """Reported numbers that are flagged."""
        return sum(one.flagged for one in self.replicas)

    @property
    def flags_by_chance(self) -> float:
        """Flags that a true model would have, at most: the fit has seen these numbers."""
        return FLAGGED_BELOW * len(self.replicas)


def check_prior(
    evidence: Evidence, prior: PriorDraws, progress: Progress = lambda _done, _asked: None
) -> PriorCheck:
    """Replicate the reported table and compare each unknown with what was assumed of it."""
    table = quantities(evidence)
    again = replicate_tables(evidence, prior, min(REPLICAS, len(prior.history)), progress)
    return PriorCheck(
        evidence=evidence,
        prior=prior,
        replicas=tuple(_replica(one, again[:, place]) for place, one in enumerate(table)),
        learned=tuple(_learned(evidence, prior)),
        analysis_priors=analysis_priors(prior, evidence),
    )


def replicate_tables(evidence: Evidence, prior: PriorDraws, replicas: int, progress: Progress) -> Floats:
    """Reported tables of new patients (replica, quantity), one for each of evenly spaced draws."""
    picked = np.linspace(0, len(prior.history) - 1, replicas).round().astype(np.int64)
    seed = seed_of(evidence)
    tables = []
    for done, draw in enumerate(picked):
        rng = generator(seed, "outcome", int(draw))
        tables.append(replicate(evidence, parameters_of(prior, int(draw)), rng))
        progress(done + 1, replicas)
    return np.stack(tables)


def _replica(quantity: Quantity, again: Floats) -> Replica:
    again = again[np.isfinite(again)]  # a summary of nobody, such as an SD of one patient
    lower, median, upper = np.quantile(again, _LIMITS)
    tail, mcse = tail_probability(quantity.value, again)
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


def tail_probability(reported: float, again: Floats) -> tuple[float, float]:
    """Two-sided mid-p tail probability of a number among replicas, and its Monte Carlo error.

    Twice the smaller of the chances to lie below and above, an equal replica counting half for
    each, so that a count is not called rare for being a whole number.
    """
    equal = np.isclose(again, reported, rtol=1e-9, atol=1e-12)
    score = np.where(equal, 0.5, again < reported)
    below = float(score.mean())
    spread = float(score.std())
    if spread == 0:  # no replica on one side: as if half a one were there
        rare = 0.5 / (again.size + 1)
        spread = float(np.sqrt(rare * (1 - rare)))
    return 2 * min(below, 1 - below), 2 * spread / float(np.sqrt(again.size))


def face_values(evidence: Evidence, prior: PriorDraws) -> tuple[FaceValue, ...]:
    """Effects that the locations of treated patients would be, if nothing else varied."""
    treated = {(arm.study, arm.arm): arm for arm in evidence.arms if arm.design == SINGLE_ARM}
    found = []
    for entry in evidence.reported:
        arm = treated.get((entry.study, entry.arm))
        if arm is None or entry.unused or entry.statistic not in LOCATIONS:
            continue
        if entry.endpoint not in prior.effects or entry.months[0] <= 0 or len(entry.months) > 1:
            continue
        endpoint, month = ENDPOINTS[entry.endpoint], entry.months[0]
        value = entry.value if entry.on_model_scale else endpoint.to_model(entry.value)
        untreated = history_at(prior, entry.endpoint, month, arm.months_since_diagnosis)
        share = effect_share(prior.effects[entry.endpoint], month)
        unit = endpoint.model_unit if entry.on_model_scale else endpoint.unit
        label = f"month {month:g}: {entry.statistic.replace('_', ' ')} {entry.value:.3g} {unit}"
        effect = (value - float(untreated.mean())) / share
        found.append(FaceValue(entry.endpoint, label, effect))
    return tuple(found)


def _learned(evidence: Evidence, prior: PriorDraws) -> Iterator[PriorUpdate]:
    for e, name in enumerate(prior.endpoints):
        if name in prior.effects:
            before = beforehand.effect_before(evidence, prior.effects[name])
            yield _one("treatment effect", name, None, before, prior.effect[:, e])
        knots = prior.knots_months
        mean = beforehand.history_before(name, knots)
        sd = beforehand.sd_before(name, knots)
        for k, month in enumerate(knots):
            of = PriorMoments(mean.mean[k], mean.sd[k])
            yield _one("mean of untreated patients", name, float(month), of, prior.history[:, e, k])
        for k, month in enumerate(knots):
            of = PriorMoments(sd.mean[k], sd.sd[k])
            yield _one("SD between patients", name, float(month), of, prior.sd[:, e, k])
        level, slope = beforehand.level_sd_before(name), beforehand.slope_sd_before(name)
        yield _one("SD between studies", name, None, level, prior.level_sd[:, e])
        yield _one("SD between studies, per month", name, None, slope, prior.slope_sd[:, e])


def _one(what: str, endpoint: str, month: float | None, before: PriorMoments, after: Floats) -> PriorUpdate:
    return PriorUpdate(
        what=what,
        endpoint=endpoint,
        months_since_diagnosis=month,
        before_mean=float(before.mean),
        before_sd=float(before.sd),
        after_mean=float(after.mean()),
        after_sd=float(after.std(ddof=1)),
    )

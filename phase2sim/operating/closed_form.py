"""Closed-form power, exact or approximate, to compare with the simulated power."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from phase2sim.core.age_distribution import age_moments
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import TruthSource
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.truth_sources import ENTRY_TIMES
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.theory.group_sequential.multi_arm_boundaries import Fates
from phase2sim.theory.power import (
    average_over_sizes,
    power_ancova,
    power_mmrm,
    power_t,
    power_welch,
    sizes_after_allocation,
)
from phase2sim.trial.interim.rules import Interim, InterimRule

_TWO_ARMS = 2
NORMAL_LOOKS = "it takes z at the looks as normal, with the planned information"
_NEGLIGIBLE = 1e-10  # probability of a pair of arm sizes that is left out
_ROUNDING = 1e-12  # of a variance


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """A power from theory; ``why`` names the approximation, empty if it is exact."""

    value: float
    why: str = ""
    # Chances to stop at each interim look for efficacy, and for futility; none without looks.
    stops: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    @property
    def is_exact(self) -> bool:
        """Whether the simulation must agree with it up to Monte Carlo error."""
        return not self.why


def arms_without_effect(built: BuiltScenario) -> Fates | None:
    """Theoretical fates of arms that are dropped at looks, if no arm has an effect."""
    interim = built.study.interim
    if interim is None or any(shown.null_effect for shown in built.study.hypotheses):
        return None  # no effect is then below the null effect
    return interim.rule.fates(np.zeros(len(built.study.analyses)))


@dataclass(frozen=True, slots=True)
class _Case:
    """One analysis under one truth; benefit counts as positive."""

    assembled: AssembledScenario
    endpoint: int
    visit: int  # the analysed one of those drawn, baseline 0
    effect: float  # at that visit, less the null effect
    alpha: float  # one-sided level

    def covariance(self, visits: list[int]) -> Floats:
        """Covariance between patients of baseline, age and the values at visits, in that order."""
        return _covariance(self.assembled, self.endpoint, visits)

    def residual_covariance(self, covariates: tuple[str, ...], visits: list[int]) -> Floats:
        """Covariance of the values at visits given the covariates other than the stratum."""
        covariance = self.covariance(visits)
        columns = _covariate_columns(covariates)
        across = covariance[columns, 2:]
        explained = across.T @ np.linalg.lstsq(covariance[np.ix_(columns, columns)], across)[0]
        residual: Floats = covariance[2:, 2:] - explained
        return residual

    def sd(self, *, change: bool) -> float:
        """Between-patient SD of the value, or of the change from baseline."""
        variance = self.covariance([self.visit])
        less = variance[0, 0] - 2 * variance[0, -1] if change else 0.0
        return _sd(float(variance[-1, -1] + less), float(variance[-1, -1]))

    def average_power(self, power: Callable[[Floats, Floats], Floats]) -> float:
        """Power averaged over the numbers of patients observed in each arm."""
        month = self.assembled.study.drawn.visits_months[self.visit]
        mean = average_over_sizes(power, *_sizes(self.assembled, month))
        return float(np.clip(mean, 0.0, 1.0))  # a weighted mean may round to more than 1


@dataclass(frozen=True, slots=True)
class _Formula:
    power: Callable[[Analysis, _Case], float]  # nan where it has no answer
    approximation: str = ""


def closed_form_power(
    assembled: AssembledScenario, number: int, source: TruthSource
) -> ClosedForm | None:
    """Closed-form power of one analysis, for a fixed truth; None where there is no formula."""
    analysis = assembled.study.analyses[number]
    plan = assembled.study.drawn
    if len(plan.arms) > _TWO_ARMS or analysis.endpoint not in ENDPOINTS:
        return None
    interim = assembled.study.interim
    if assembled.study.safety is not None or assembled.study.drops_arms:
        return None  # a trial stopped for harm is no go
    formula = _FORMULAS.get(analysis.closed_form)
    single_test = assembled.study.decision.alone(number, assembled.study.hypotheses[number])
    if formula is None or single_test is None or source.label not in {"target", "null"}:
        return None
    null_effect, alpha = single_test
    e, v = plan.endpoints.index(analysis.endpoint), plan.visits_months.index(analysis.month)
    kept = 1.0 if plan.background is None else plan.background.average_kept
    margin = kept * float(source.truth(0, 1).effect[0, 1, e, v]) - null_effect
    case = _Case(assembled, e, v, ENDPOINTS[analysis.endpoint].benefit_sign * margin, alpha)
    power = formula.power(analysis, case)
    reasons = [*_reasons(assembled, analysis, e), formula.approximation]
    if interim is not None:
        reasons.append(NORMAL_LOOKS)
        group_sequential = _power_with_looks(interim, number, power)
        return (
            None
            if group_sequential is None
            else replace(group_sequential, why="; ".join(filter(None, reasons)))
        )
    if np.isnan(power):
        return None
    return ClosedForm(power, "; ".join(filter(None, reasons)))


def _power_with_looks(
    interim: Interim[InterimRule], number: int, fixed_power: float
) -> ClosedForm | None:
    """Power and stops of a design with looks, from the power of a fixed one of its size.

    None unless the trial stops by this analysis alone, with bounds on the z scale.
    """
    bounds = interim.rule.planned_bounds(number)
    if bounds is None or interim.schedule.reestimation is not None:
        return None
    if interim.rule.verdict != number:
        return None
    if np.isnan(bounds.futility).any() or not 0 < fixed_power < 1:
        return None
    drift = float(ndtri(fixed_power) - ndtri(bounds.one_sided_alpha))
    efficacy, futility = bounds.exits(drift)[:, :-1].tolist()
    return ClosedForm(bounds.power(drift), stops=(tuple(efficacy), tuple(futility)))


def _ancova(analysis: Analysis, case: _Case) -> float:
    residual = float(case.residual_covariance(analysis.covariates, [case.visit])[0, 0])
    sd = _sd(residual, float(case.covariance([case.visit])[-1, -1]))
    adjusted_for = len(_covariate_columns(analysis.covariates))
    return case.average_power(
        lambda treated, control: power_ancova(
            case.effect, sd, treated, control, case.alpha, covariates=adjusted_for
        )
    )


def _sd(variance: float, whole: float) -> float:
    """Return the SD, or nan where rounding alone is left of a ``whole`` variance."""
    return math.sqrt(variance) if variance > _ROUNDING * whole else math.nan


def _t_test(analysis: Analysis, case: _Case) -> float:
    sd = case.sd(change=analysis.of == "change")
    return case.average_power(
        lambda treated, control: power_t(case.effect, sd, treated, control, case.alpha)
    )


def _welch(analysis: Analysis, case: _Case) -> float:
    sd = case.sd(change=analysis.of == "change")
    return case.average_power(
        lambda treated, control: power_welch(case.effect, (sd, sd), treated, control, case.alpha)
    )


def _mmrm(analysis: Analysis, case: _Case) -> float:
    """Power with known covariance; none for an effect averaged over visits."""
    if analysis.averaged_from is not None:
        return float("nan")
    plan = case.assembled.study.drawn
    month = plan.visits_months[case.visit]
    months = [m for m in case.assembled.study.plan.visits_months[1:] if m <= month]
    visits = [plan.visits_months.index(m) for m in months]
    shares_staying = [_share_staying(case.assembled, m) for m in months]
    retention = [[share[arm] for share in shares_staying] for arm in (1, 0)]
    control, treated = case.assembled.built.design.allocation
    residual = case.residual_covariance(analysis.covariates, visits)
    whole = np.trace(case.covariance(visits)[2:, 2:])
    if np.linalg.eigvalsh(residual)[0] <= _ROUNDING * whole:
        return float("nan")
    return power_mmrm(
        case.effect,
        residual,
        retention,
        plan.patients * np.array([treated, control]) / (treated + control),
        case.alpha,
    )


# By what an analysis declares as its ``closed_form``.
_FORMULAS: dict[str | None, _Formula] = {
    "ancova": _Formula(_ancova),
    "t_test": _Formula(_t_test),
    "welch": _Formula(_welch),
    "mmrm": _Formula(_mmrm, "it takes the covariance as known and as many as expected as lost"),
}


def _covariate_columns(covariates: tuple[str, ...]) -> list[int]:
    """Columns of the covariates in the covariance, which holds baseline and age only."""
    return [column for column, name in enumerate(("baseline", "age")) if name in covariates]


def _covariance(assembled: AssembledScenario, e: int, analysed: list[int]) -> Floats:
    """Covariance between patients of baseline, age and the values at visits, in that order."""
    plan, control = assembled.study.drawn, assembled.control.typical()
    visits = np.array([0, *analysed])
    sd = control.sd[0, e, visits]
    values = sd[:, None] * sd * control.correlation[0, e][np.ix_(visits, visits)]
    if control.knots_months.size:
        since = (
            plan.months_since_diagnosis.times(ENTRY_TIMES)[:, None]
            + np.array(plan.visits_months)[visits]
        )
        means = np.interp(since, control.knots_months, control.history[0, e])
        values = values + np.cov(means.T, bias=True)
    if plan.background is not None:
        added = plan.background.added(plan.endpoints, plan.visits_months)[e, visits]
        share = plan.background.share
        values = values + share * (1.0 - share) * np.outer(added, added)
    slope = plan.per_year_of_age.get(plan.endpoints[e], 0.0)
    variance = age_moments(plan)[1]
    age = variance if np.isfinite(variance) else 1.0
    values = values + plan.site_sd.get(plan.endpoints[e], 0.0) ** 2
    loading = np.full(visits.size + 1, slope)
    loading[1] = 0.0
    all_but_age = np.delete(np.arange(visits.size + 1), 1)
    covariance = np.zeros((visits.size + 1, visits.size + 1))
    covariance[np.ix_(all_but_age, all_but_age)] = values
    covariance += age * np.outer(loading, loading)
    covariance[1, :] = covariance[:, 1] = age * loading
    covariance[1, 1] = age
    return covariance


def _sizes(assembled: AssembledScenario, month: float) -> tuple[Floats, Floats]:
    """Observed treated and control patients at a month (pair, 2), and their probabilities."""
    control_share, treated_share = _share_staying(assembled, month)
    patients = assembled.study.plan.patients
    return _sizes_at_month(
        patients, tuple(_treated_counts(assembled)), (treated_share, control_share)
    )


@lru_cache(maxsize=16)  # alike under every truth, and for every endpoint at the same month
def _sizes_at_month(
    patients: int, allocations: tuple[tuple[int, float], ...], shares_staying: tuple[float, float]
) -> tuple[Floats, Floats]:
    """As ``_sizes``; ``allocations`` are (treated, probability), shares (treated, control)."""
    pairs, chance_of = sizes_after_allocation(patients, allocations, shares_staying)
    sizes: Floats = pairs.astype(np.float64)
    sizes.flags.writeable = chance_of.flags.writeable = False
    return sizes, chance_of


def _share_staying(assembled: AssembledScenario, month: float) -> tuple[float, float]:
    """Share of untreated, and of treated, patients still in the trial at a month."""
    visits = assembled.study.plan.visits_months
    return assembled.built.dropout.share_staying(month, visits)


def _treated_counts(assembled: AssembledScenario) -> list[tuple[int, float]]:
    """Possible numbers of treated patients, with their probabilities."""
    study = assembled.study
    sizes = study.randomisation.treated_sizes(study.plan.patients)
    return [(size, chance) for size, chance in sizes if chance > _NEGLIGIBLE]


def _reasons(assembled: AssembledScenario, analysis: Analysis, e: int) -> list[str]:
    """Reasons why any formula is approximate here."""
    study, plan, control = assembled.study, assembled.study.drawn, assembled.control
    history = control.history[:, e]
    reasons: list[str] = []
    entry = plan.months_since_diagnosis
    if entry.has_width and control.knots_months.size and np.ptp(history, axis=-1).any():
        reasons.append("patients' means differ by time since diagnosis")
    covariates = analysis.covariates
    if plan.per_year_of_age.get(plan.endpoints[e], 0.0) or "age" in covariates:
        reasons.append("age is not normal")
    if "stratum" in covariates:
        reasons.append("it leaves out the stratum")
    if analysis.robust_standard_error:
        reasons.append("it takes the model-based standard error")
    if assembled.built.dropout.depends_on_outcome:
        reasons.append("it takes patients as lost completely at random")
    if plan.background is not None and plan.endpoints[e] in plan.background.curves:
        reasons.append("it takes patients with and without background therapy as one normal group")
    if plan.background is not None and plan.background.kept < 1.0:
        reasons.append("it takes the effect as the same with background therapy")
    study_reasons = {
        "it takes the arms as large as planned": not study.randomisation.has_known_sizes,
        "it takes everybody as eligible": bool(plan.eligible),
        "it takes the effect as the same for all": bool(plan.modifiers),
        "it takes patients of a site as no more alike than others": any(plan.site_sd.values()),
        "it leaves out single missed visits": study.gaps is not None,
        "it leaves out intercurrent events": bool(study.events),
    }
    reasons += [reason for reason, holds in study_reasons.items() if holds]
    return reasons

"""Forecasts of treated minus control: the program's, and a plain meta-analysis of all therapies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from forecast_tables import Dated, ScoredRow
from meta_analysis import (
    MapPriors,
    NormalPredictive,
    predict_mean,
    with_sampling_error,
)
from plain_benchmark import MEDIAN_FACTOR, PATIENT_SD, Forecast, priors_of
from scipy import stats

from phase2sim.core.arrays import Floats
from phase2sim.evidence.load import load_evidence

PRIORS = Path(__file__).parents[2] / "priors"
SEED = 3
Z_OF_95_PERCENT = float(stats.norm.ppf(0.975))
EARLY = 15.0  # months; where a control level is not printed it is taken as
TYPICAL = (0.40, 0.25)  # nmol/L until then, and later


@dataclass(frozen=True, slots=True)
class EffectPrior:
    """The shipped assumptions about an effect that nothing is known of."""

    sceptical_sd: float  # at ``month``, model scale
    between_trials_sd: float  # scale of the half-normal, of one class
    month: float
    growth: Floats  # share of the effect at ``month`` that is there, (month 0, 1, 2, ...)

    def at(self, month: float) -> float:
        """Size of an effect at a month over that at ``self.month``."""
        return float(np.interp(month, np.arange(len(self.growth)), self.growth))


def effect_priors() -> dict[str, EffectPrior]:
    """Sceptical SD and course of gxipc1.toml, SD between trials of msc-randomised.toml."""
    effects = load_evidence([PRIORS / "gxipc1.toml"]).effects
    classes = load_evidence([PRIORS / "msc-randomised.toml"]).classes
    months = np.arange(61.0)
    priors = {}
    for name in PATIENT_SD:
        shape = effects[name].effect_shape()
        growth = shape.at(months) / shape.at(np.array([effects[name].month]))[0]
        between = classes[name].between_trials_sd
        priors[name] = EffectPrior(effects[name].sceptical_sd, between, effects[name].month, growth)
    return priors


def on_model_scale(row: ScoredRow) -> float:
    """Reported difference of a row, as one of ln(nmol/L + 1) or % HbA1c."""
    if row.endpoint == "hba1c" or row.difference == "ln":
        return row.effect
    level = row.level if row.level > 0 else TYPICAL[row.month > EARLY]
    treated = level * row.effect if row.difference == "ratio" else level + row.effect
    return float(np.log1p(treated) - np.log1p(level))


def patients_factor(row: ScoredRow) -> float:
    """Standard error of a difference over the SD between patients."""
    factor = MEDIAN_FACTOR if row.analysis == "medians" else 1.0
    return factor * float(np.sqrt(1.0 / row.n_control + 1.0 / row.n_treated))


def kind_of(row: ScoredRow) -> str:
    """Which SD between patients a difference has: of levels, or given the baseline."""
    return "adjusted" if row.analysis == "adjusted" else "levels"


def earlier_differences(
    row: ScoredRow, rows: tuple[ScoredRow, ...], dates: tuple[Dated, ...]
) -> tuple[ScoredRow, ...]:
    """Differences in the same endpoint that were published before a row's trial was."""
    trials = {one.name: one for one in dates if one.kind == "trial"}
    first = trials[row.trial].earliest
    return tuple(
        other
        for other in rows
        if other.difference and other.endpoint == row.endpoint
        if trials[other.trial].latest < first
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DifferenceDraws:
    """True effect at a row's month, normal in each draw, and the standard error that is seen."""

    mean: Floats  # (draw,) model scale
    sd: Floats
    error: Floats

    @property
    def reported(self) -> NormalPredictive:
        """Predictive of the reported difference."""
        weight = np.full(len(self.mean), 1.0 / len(self.mean))
        return NormalPredictive(weight, self.mean, np.hypot(self.sd, self.error))

    def significant(self, direction: int) -> float:
        """Chance of a two-sided p below 0.05 with an estimate of this sign (1 or -1)."""
        limit = Z_OF_95_PERCENT * self.error
        total = np.hypot(self.sd, self.error)
        return float(np.mean(stats.norm.sf(limit, direction * self.mean, total)))


def draw_differences(
    row: ScoredRow, spread: dict[str, Floats], of_class: list[ScoredRow], prior: EffectPrior
) -> DifferenceDraws:
    """Sceptical prior, or class effect after earlier trials of the class; error from the fit."""
    effect = class_effect(of_class, prior)
    sd = spread[kind_of(row)]
    rng = np.random.default_rng(SEED)
    component = rng.choice(len(effect.weight), len(sd), p=effect.weight)
    growth = prior.at(row.month)
    return DifferenceDraws(
        mean=growth * effect.mean[component],
        sd=growth * effect.sd[component],
        error=patients_factor(row) * sd,
    )


def program_forecast(
    row: ScoredRow, spread: dict[str, Floats], earlier: tuple[ScoredRow, ...], prior: EffectPrior
) -> Forecast:
    """What the program would have said of a reported difference."""
    of_class = same_class(row, earlier)
    return Forecast(draw_differences(row, spread, of_class, prior).reported, len(of_class))


def same_class(row: ScoredRow, earlier: tuple[ScoredRow, ...]) -> list[ScoredRow]:
    """Earlier differences of a row's class of therapies."""
    return [o for o in earlier if row.drug_class and o.drug_class == row.drug_class]


def class_effect(of_class: list[ScoredRow], prior: EffectPrior) -> NormalPredictive:
    """Effect of a new trial at the prior's month, given earlier trials of its class.

    Without any it is N(0, ``sceptical_sd``).
    """
    if not of_class:
        return NormalPredictive(np.ones(1), np.zeros(1), np.array([prior.sceptical_sd]))
    y, se = _effects(of_class)
    growth = np.array([prior.at(other.month) for other in of_class])
    priors = MapPriors(0.0, prior.sceptical_sd, prior.between_trials_sd)
    return predict_mean(y / growth, se / growth, priors)


def plain_difference(row: ScoredRow, earlier: tuple[ScoredRow, ...]) -> Forecast | None:
    """Plain meta-analysis of all earlier differences, of any therapy; None without one."""
    if not earlier:
        return None
    y, se = _effects(list(earlier))
    new_study = predict_mean(y, se, priors_of(row.endpoint, "levels", 0.0))
    error = patients_factor(row) * PATIENT_SD[row.endpoint][kind_of(row)]
    return Forecast(with_sampling_error(new_study, error), len(earlier))


def _effects(rows: list[ScoredRow]) -> tuple[Floats, Floats]:
    """Differences and standard errors (row,), model scale, with known SDs between patients."""
    y = np.array([on_model_scale(row) for row in rows])
    sd = np.array([PATIENT_SD[row.endpoint][kind_of(row)] for row in rows])
    return y, sd * np.array([patients_factor(row) for row in rows])

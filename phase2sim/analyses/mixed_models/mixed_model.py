"""Fit of a mixed model for repeated measures to a batch, with fallback to simpler covariances."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phase2sim.analyses.mixed_models.average_information import curvature_inverse, maximise
from phase2sim.analyses.mixed_models.contrasts import contrast
from phase2sim.analyses.mixed_models.covariance_structures import Structure
from phase2sim.analyses.mixed_models.kenward_roger import first_order, second_order
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import NOT_CONVERGED

# What a covariance that does not converge is replaced by, in the order of ``FALLBACKS``.
RESERVE = ("heterogeneous_toeplitz", "heterogeneous_ar1", "compound_symmetry")
DEGREES_OF_FREEDOM = ("satterthwaite", "kenward_roger", "kenward_roger_full")


@dataclass(frozen=True, slots=True)
class MixedModel:
    """A mixed model, and the test of its contrast."""

    covariance: str
    restricted: bool
    df: str  # one of DEGREES_OF_FREEDOM
    weights: Floats  # (visit,) of the contrast


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit of every trial of a batch."""

    effect: Floats  # (trial,)
    se: Floats
    df: Floats
    reason: Ints  # 0 if it was fitted
    log_likelihood: Floats  # restricted, for REML
    covariance: Floats  # (trial, visit, visit)
    fallback: Ints  # 0 as asked for, or an index into FALLBACKS


def fit_mixed_model(sums: PatternSums, model: MixedModel, *, fall_back: bool) -> Fitted:
    """Fit every trial; refit those that do not converge with simpler covariances in turn.

    A simpler covariance is used only if it has fewer parameters than the last one tried.
    """
    fitted = _fit(sums, model)
    visits = sums.start.shape[1]
    size = Structure(model.covariance, visits).size
    for number, simpler in enumerate(RESERVE if fall_back else (), start=1):
        left = fitted.reason == NOT_CONVERGED
        if not left.any():
            break
        if Structure(simpler, visits).size < size:
            size = Structure(simpler, visits).size
            again = _fit(_select_trials(sums, left), replace(model, covariance=simpler))
            fitted = _join(fitted, replace(again, fallback=np.full(left.sum(), number)), left)
    return replace(fitted, fallback=np.where(fitted.reason > 0, 0, fitted.fallback))


def _select_trials(sums: PatternSums, trials: Bools) -> PatternSums:
    """Sums of some of the trials."""
    chosen: dict[str, Any] = {name: getattr(sums, name)[trials] for name in sums._fields[1:]}
    return sums._replace(**chosen)


def _join(fitted: Fitted, again: Fitted, trials: Bools) -> Fitted:
    """The fits, with those of ``trials`` in place of what was there."""
    joined = {}
    for name in Fitted.__slots__:
        joined[name] = getattr(fitted, name).copy()
        joined[name][trials] = getattr(again, name)
    return Fitted(**joined)


def _fit(sums: PatternSums, model: MixedModel) -> Fitted:
    """Climb to the maximum, then take the contrast and its precision there."""
    structure = Structure(model.covariance, sums.start.shape[1])
    parameters, arrived = maximise(sums, structure, restricted=model.restricted)
    return contrast_at(sums, model, parameters, arrived)


def contrast_at(sums: PatternSums, model: MixedModel, parameters: Floats, arrived: Bools) -> Fitted:
    """Contrast, its precision and the likelihood at given parameters (trial, parameter).

    A trial that has not ``arrived`` there has failed.
    """
    structure = Structure(model.covariance, sums.start.shape[1])
    covariance = structure.covariance(parameters)
    estimate = contrast(sums, covariance, arrived, model.restricted, model.weights)
    slope = estimate.gradient
    if not structure.free:
        estimate = structure.pull_back_contrast(parameters, estimate)
    inverse, positive = curvature_inverse(estimate.information)
    spread = np.einsum("tj,tjk,tk->t", estimate.gradient, inverse, estimate.gradient)
    answered = arrived & (positive == 1) & (estimate.variance > 0.0) & (spread > 0.0)
    variance = estimate.variance.copy()
    if model.df != "satterthwaite":
        variance += first_order(estimate, inverse)
    if model.df == "kenward_roger_full":
        chosen = np.flatnonzero(answered)
        variance[chosen] -= second_order(
            structure, parameters[chosen], slope[chosen], inverse[chosen]
        )
    answered &= variance > 0.0
    nan = np.full(answered.shape, np.nan)
    df = np.divide(2.0 * estimate.variance**2, spread, out=nan.copy(), where=answered)
    return Fitted(
        effect=np.where(answered, estimate.effect, nan),
        se=np.sqrt(variance, out=nan.copy(), where=answered),
        df=df,
        reason=np.where(sums.reason > 0, sums.reason, np.where(answered, 0, NOT_CONVERGED)),
        log_likelihood=np.where(answered, estimate.value, nan),
        covariance=covariance * sums.scale[:, None, None] ** 2,
        fallback=np.zeros(answered.shape, np.int64),
    )

"""Fit of a mixed model for repeated measures to a batch, with fallback to simpler covariances."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phase2sim.analyses.mixed_models.climb import Task
from phase2sim.analyses.mixed_models.covariance_structures import Structure
from phase2sim.analyses.mixed_models.kenward_roger import second_order
from phase2sim.analyses.mixed_models.maximum import Maximum, at_parameters, maximise
from phase2sim.analyses.mixed_models.missing_patterns import PatternSums
from phase2sim.core.arrays import Bools, Floats, Ints
from phase2sim.core.contracts import NOT_CONVERGED

# What a covariance that does not converge is replaced by, in the order of ``FALLBACKS``.
RESERVE = ("heterogeneous_toeplitz", "heterogeneous_ar1", "compound_symmetry")
_SEARCHES, _SPREAD, _SEED = 30, 1.5, 1  # starts of a search for a maximum that is hard to find
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
    size = Structure(model.covariance, visits).form.size
    for number, simpler in enumerate(RESERVE if fall_back else (), start=1):
        left = fitted.reason == NOT_CONVERGED
        if not left.any():
            break
        if Structure(simpler, visits).form.size < size:
            size = Structure(simpler, visits).form.size
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
    starts = structure.start(sums.start)
    return _answer(sums, model, maximise(sums, starts, _moves(structure), _task(model, structure)))


def _moves(structure: Structure) -> Floats:
    """Fixed random moves of the starting values of one visit, (start, visit)."""
    rng = np.random.default_rng(_SEED)
    return rng.normal(0.0, _SPREAD, (_SEARCHES, structure.visits))


def contrast_at(sums: PatternSums, model: MixedModel, parameters: Floats) -> Fitted:
    """Contrast, its precision and the likelihood at given parameters (trial, parameter)."""
    structure = Structure(model.covariance, sums.start.shape[1])
    return _answer(sums, model, at_parameters(sums, parameters, _task(model, structure)))


def _task(model: MixedModel, structure: Structure) -> Task:
    return Task(
        structure.form,
        model.restricted,
        model.weights,
        first_order=model.df != "satterthwaite",
        second_order=model.df == "kenward_roger_full",
    )


def _answer(sums: PatternSums, model: MixedModel, top: Maximum) -> Fitted:
    """Effect, standard error and degrees of freedom."""
    answered = top.arrived & (top.variance > 0.0) & (top.spread > 0.0)
    variance = top.variance + top.added
    if model.df == "kenward_roger_full":
        structure = Structure(model.covariance, sums.start.shape[1])
        chosen = np.flatnonzero(answered)
        variance[chosen] -= second_order(structure.form, top, chosen)
    answered &= variance > 0.0
    nan = np.full(answered.shape, np.nan)
    df = np.divide(2.0 * top.variance**2, top.spread, out=nan.copy(), where=answered)
    return Fitted(
        effect=np.where(answered, top.effect, nan),
        se=np.sqrt(variance, out=nan.copy(), where=answered),
        df=df,
        reason=np.where(sums.reason > 0, sums.reason, np.where(answered, 0, NOT_CONVERGED)),
        log_likelihood=np.where(answered, top.value, nan),
        covariance=top.covariance * sums.scale[:, None, None] ** 2,
        fallback=np.zeros(answered.shape, np.int64),
    )

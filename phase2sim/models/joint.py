"""The joint model: unknowns of patients and treatment, and every reported number's likelihood."""

import numpy as np
import pymc as pm

from phase2sim.knowledge import Evidence
from phase2sim.models import likelihoods, reported, same_patients
from phase2sim.models.effect import treatment_effect
from phase2sim.models.natural_history import (
    Moments,
    NaturalHistory,
    moments,
    natural_history,
    visit_correlation,
)
from phase2sim.models.order_statistics import median_and_count
from phase2sim.models.settings import CROSS_CORRELATION_SCALE
from phase2sim.models.symbols import Tensor, pt
from phase2sim.models.tables import BaselineNodes, Cell, Cells, baseline_nodes, cells


def joint_model(evidence: Evidence) -> pm.Model:
    """Build the PyMC model of the evidence.

    Its variables are ``history``, ``sd`` (endpoint, knot), ``level_sd``, ``slope_sd``,
    ``patient_share``, ``decay`` (endpoint), ``cross_correlation`` with two endpoints, ``effect``
    and ``bias`` with a single arm, and the unit normals behind them. Raises ``BadEvidence`` for
    entries that contradict each other or have no likelihood.
    """
    layout = cells(evidence)
    with pm.Model() as model:
        history = natural_history(layout)
        effect = treatment_effect(layout, evidence.effects)
        at = moments(layout, history, effect.added)
        _add_locations(evidence, layout, at, history)
        _add_spreads(evidence, layout, at)
        _add_differences(evidence, layout, at)
        _add_correlations(evidence, layout, at)
        _add_residual_spreads(evidence, layout, at)
        _add_falls(evidence, layout, at, history)
        if len(layout.endpoints) > 1:
            _add_cross_correlation(evidence)
    return model


def _add_locations(evidence: Evidence, layout: Cells, at: Moments, history: NaturalHistory) -> None:
    """Means, medians, and counts beyond a threshold, which may share patients with a median."""
    table = reported.locations(evidence, layout)
    if table.cell.size:
        mean = same_patients.expected(table, at)
        covariance = same_patients.covariance(table, at, history)
        pm.Potential("locations", likelihoods.correlated_normal(table.value - mean, covariance))
        se = pt.sqrt(pt.diagonal(covariance))
    for position, count in enumerate(reported.counts(evidence, layout, table)):
        own_mean, own_sd = at.mean[count.cell], at.sd[count.cell]
        threshold = (count.threshold - own_mean) / own_sd
        if count.median is None:
            log_p, log_q = likelihoods.log_cdf(threshold), likelihoods.log_cdf(-threshold)
            density = likelihoods.binomial(count.below, count.n, log_p, log_q)
        else:
            # Takes the place of the median's own normal density: the other visits stay normal
            # given the median, and nothing is counted twice.
            median = (count.median - own_mean) / own_sd
            exact = median_and_count(count.below, count.n, median, threshold) - pt.log(own_sd)
            place = count.location
            density = exact - likelihoods.normal(count.median, mean[place], se[place])
        pm.Potential(f"count_{position}", density)


def _add_spreads(evidence: Evidence, layout: Cells, at: Moments) -> None:
    plain = reported.spreads(evidence, layout, raw=False)
    if plain.cell.size:
        density = likelihoods.sample_sd(plain.sd, plain.n, at.sd[plain.cell])
        pm.Potential("spreads", pt.sum(density))
    raw = reported.spreads(evidence, layout, raw=True)
    if raw.cell.size:
        sd = at.sd[raw.cell]
        raw_sd = pt.sqrt(at.raw_covariance[raw.cell])
        pm.Potential("raw_spreads", pt.sum(likelihoods.sample_raw_sd(raw.sd, raw.n, sd, raw_sd)))


def _add_differences(evidence: Evidence, layout: Cells, at: Moments) -> None:
    for raw in (False, True):
        table = reported.differences(evidence, layout, raw=raw)
        if not table.value.size:
            continue
        mean = at.raw_mean if raw else at.mean
        covariance = at.raw_covariance if raw else at.covariance
        difference = pt.sum(table.contrast * mean, axis=1)
        variance = table.se**2 + pt.sum(table.sampling * covariance, axis=1)
        density = likelihoods.normal(table.value, difference, pt.sqrt(variance))
        pm.Potential("raw_differences" if raw else "differences", pt.sum(density))


def _add_correlations(evidence: Evidence, layout: Cells, at: Moments) -> None:
    table = reported.correlations(evidence, layout)
    if table.pair.size:
        rho = at.correlation[table.pair]
        density = likelihoods.correlation(table.value, table.se, table.elicited, rho)
        pm.Potential("correlations", pt.sum(density))


def _add_residual_spreads(evidence: Evidence, layout: Cells, at: Moments) -> None:
    """SDs given baseline: intercept, arm and baseline leave n - 3 degrees of freedom."""
    table = reported.residual_spreads(evidence, layout)
    if table.cell.size:
        residual = at.sd[table.cell] * pt.sqrt(1.0 - at.correlation[table.pair] ** 2)
        density = likelihoods.sample_sd(table.sd, table.n - 2.0, residual)
        pm.Potential("residual_spreads", pt.sum(density))


def _add_cross_correlation(evidence: Evidence) -> None:
    rho = pm.Deterministic(
        "cross_correlation", pt.tanh(pm.Normal("cross_raw") * CROSS_CORRELATION_SCALE)
    )
    table = reported.cross_correlations(evidence)
    if table.pair.size:
        density = likelihoods.correlation(table.value, table.se, table.elicited, rho)
        pm.Potential("cross_correlations", pt.sum(density))


def _add_falls(evidence: Evidence, layout: Cells, at: Moments, history: NaturalHistory) -> None:
    names: dict[int, Cell] = {position: cell for cell, position in layout.index.items()}
    for position, fall in enumerate(reported.falls(evidence, layout)):
        nodes = baseline_nodes(names[fall.baseline], names[fall.visit])
        z = _fall(fall, nodes, layout, at, history)
        log_p = pt.logsumexp(likelihoods.log_cdf(z) + np.log(nodes.weight))
        log_q = pt.logsumexp(likelihoods.log_cdf(-z) + np.log(nodes.weight))
        pm.Potential(f"fall_{position}", likelihoods.binomial(fall.below, fall.n, log_p, log_q))


def _fall(
    fall: reported.Falls, nodes: BaselineNodes, layout: Cells, at: Moments, history: NaturalHistory
) -> Tensor:
    """Zero minus the mean change, in SDs of a change, by enrolment time (node,)."""
    owner = int(layout.endpoint[fall.visit])
    mean, sd = history.mean[owner], history.sd[owner]
    drift = at.shift[fall.visit] - at.shift[fall.baseline]
    change = pt.sum((nodes.at_visit - nodes.at_baseline) * mean, axis=1) + drift
    before, after = pt.sum(nodes.at_baseline * sd, axis=1), pt.sum(nodes.at_visit * sd, axis=1)
    lag = float(layout.months[fall.visit] - layout.months[fall.baseline])
    rho = visit_correlation(history.share[owner], history.decay[owner], lag)
    return -change / pt.sqrt(before**2 + after**2 - 2.0 * rho * before * after)

"""Deviations of studies given their means, for counts that are not linear in them.

A study whose entries of one endpoint are means has its deviation integrated out. If a count of
remission reads that endpoint too, its terms are drawn from their distribution given the means.
The posterior is that of a model that samples them with all other parameters, but the directions
that the means settle are not left to the sampler.
"""

from dataclasses import dataclass, replace

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Ints
from phase2sim.prior.models.densities.effects_given_means import effects_given_means
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import correlated_normal
from phase2sim.prior.models.likelihoods.means_and_medians import JointLocations, Locations
from phase2sim.prior.models.unknowns.evidence_arrays import Cells
from phase2sim.prior.models.unknowns.natural_history import (
    DIAGNOSIS,
    LEVEL,
    SLOPE,
    Moments,
    NaturalHistory,
    is_seen_early,
)


@dataclass(frozen=True, slots=True)
class StudyEffects:
    """Terms of the deviation of each study and endpoint that a count reads and no entry samples."""

    value: Tensor  # (effect,)
    sd: Tensor  # (effect,) between studies
    by_cell: Tensor  # (cell, effect) derivative of each cell's mean

    def added_to(self, moments: Moments) -> Moments:
        """Moments of the cells' patients with these effects in their means."""
        return replace(moments, mean=moments.mean + pt.sum(self.by_cell * self.value, axis=1))

    def given(self, table: Locations, moments: Moments, joint: JointLocations) -> JointLocations:
        """Joint density of the locations given these effects, to leave one of them out."""
        slope = pt.switch(table.raw, moments.raw_slope[table.cell], 1.0)
        by_effect = self.by_cell[table.cell] * slope[:, None]
        residual = table.value - joint.expected - pt.dot(by_effect, self.value)
        covariance = joint.covariance - pt.dot(by_effect * self.sd**2, by_effect.T)
        density, weighted, precision = correlated_normal(residual, covariance)
        return replace(joint, density=density, weighted=weighted, precision=precision)


def study_effects(
    layout: Cells,
    moments: Moments,
    history: NaturalHistory,
    locations: tuple[Locations, JointLocations] | None,
) -> StudyEffects | None:
    """Declare the effects in the current PyMC model; None if no count needs any."""
    studies = np.flatnonzero(layout.counted)
    if not studies.size:
        return None
    trials = [name for name, _ in layout.studies]
    counted = sorted({trials[study] for study in studies})
    number = np.array([counted.index(name) if name in counted else -1 for name in trials])
    is_early = is_seen_early(layout)
    effects = np.array([
        [study, number[study], term]
        for study in studies
        for term in (LEVEL, SLOPE, DIAGNOSIS)
        if term != DIAGNOSIS or is_early[study]
    ])  # fmt: skip
    sd = history.deviation_sd[layout.study_endpoint[effects[:, 0]], effects[:, 2]]
    raw = pm.Normal("effect_given_means", shape=len(effects))
    of_study = (layout.study[:, None] == effects[:, 0]).astype(float)
    weight = history.deviation_weight
    return StudyEffects(
        value=sd * raw
        if locations is None
        else _given_means(layout, moments, weight, locations, (sd, raw, effects, number)),
        sd=sd,
        by_cell=of_study * weight[:, effects[:, 2]],
    )


def _given_means(
    layout: Cells,
    moments: Moments,
    weight: Tensor,
    locations: tuple[Locations, JointLocations],
    effects: tuple[Tensor, Tensor, Ints, Ints],  # SDs, standard normals, table, trial by study
) -> Tensor:
    table, joint = locations
    sd, raw, constants, number = effects
    return effects_given_means(
        table.value - joint.expected,
        joint.covariance,
        pt.switch(table.raw, moments.raw_slope[table.cell], 1.0),
        weight[table.cell],
        sd,
        raw,
        constants.astype(float),
        table.study.astype(float),
        number[layout.study[table.cell]].astype(float),
    )

"""Levels and slopes of studies given their means, for counts that are not linear in them.

A study whose entries of one endpoint are means has its level and slope integrated out. If a count
of remission reads that endpoint too, they are drawn from their normal distribution given the means.
The posterior is that of a model that samples them with all other parameters, but the directions
that the means settle are not left to the sampler.
"""

from dataclasses import dataclass, replace

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.prior.models.densities.effects_given_means import effects_given_means
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.summary_densities import correlated_normal
from phase2sim.prior.models.likelihoods.means_and_medians import JointLocations, Locations
from phase2sim.prior.models.unknowns.evidence_arrays import Cells
from phase2sim.prior.models.unknowns.natural_history import Moments, NaturalHistory


@dataclass(frozen=True, slots=True)
class StudyEffects:
    """Level and slope of each study and endpoint that a count reads and no entry samples."""

    value: Tensor  # (effect,)
    sd: Tensor  # (effect,) between studies
    by_cell: Floats  # (cell, effect) derivative of each cell's mean

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
    effects = np.array([
        [study, number[study], is_slope] for study in studies for is_slope in (0.0, 1.0)
    ])  # fmt: skip
    endpoint = layout.study_endpoint[effects[:, 0].astype(int)]
    is_slope = effects[:, 2] > 0
    sd = pt.switch(is_slope, history.slope_sd[endpoint], history.level_sd[endpoint])
    raw = pm.Normal("effect_given_means", shape=len(effects))
    of_study = layout.study[:, None] == effects[:, 0]
    return StudyEffects(
        value=sd * raw
        if locations is None
        else _given_means(layout, moments, locations, (sd, raw, effects, number)),
        sd=sd,
        by_cell=of_study * np.where(is_slope, layout.months[:, None], 1.0),
    )


def _given_means(
    layout: Cells,
    moments: Moments,
    locations: tuple[Locations, JointLocations],
    effects: tuple[Tensor, Tensor, Floats, Floats],  # SDs, standard normals, table, trial by study
) -> Tensor:
    table, joint = locations
    sd, raw, constants, number = effects
    owner = [table.study, layout.endpoint[table.cell], layout.months[table.cell]]
    return effects_given_means(
        table.value - joint.expected,
        joint.covariance,
        pt.switch(table.raw, moments.raw_slope[table.cell], 1.0),
        sd,
        raw,
        constants,
        np.stack(owner, axis=1),
        number[layout.study[table.cell]],
    )

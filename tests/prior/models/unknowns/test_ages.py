"""All cells of an arm without a printed mean age share one unknown age."""

import numpy as np
import pymc as pm
import pytensor
import pytest
from support.known_patients import UNCOMPILED, known
from support.reports import arm, entry, evidence

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Normal
from phase2sim.prior.models.densities.pytensor_names import pt
from phase2sim.prior.models.unknowns.natural_history import cell_moments, natural_history

OWN = {"A": 15.0, "B": Normal(9.0, 2.0), "C": None}


def test_an_unknown_age_moves_all_cells_of_its_arm_together() -> None:
    read = [
        entry("mean", month, endpoint=name, study=study)
        for study in OWN
        for name in ("hba1c", "insulin")
        for month in (3.0, 6.0)
    ]
    of = known(evidence(*read, arms=tuple(arm(study=s, age_years=age) for s, age in OWN.items())))
    with pm.Model() as model:
        history = natural_history(of.layout, PRIORS)
        moved = cell_moments(of.layout, history, pt.zeros(12)).shift
        inputs = [model["study_age"], model["age_slope_raw"]]
        shift = pytensor.function(inputs, moved, mode=UNCOMPILED)

    values = shift(np.array([0.5, -2.0]), np.array([1.0, -2.0]))  # slopes 0.03 and -0.02 a year

    years = {"A": 3.0, "B": -3.0 + 0.5 * 2.0, "C": -2.0 * 3.0}
    slope = {"hba1c": 0.03, "insulin": -0.02}
    expected = [years[cell.study] * slope[cell.endpoint] for cell in of.layout.index]
    assert values == pytest.approx(expected)

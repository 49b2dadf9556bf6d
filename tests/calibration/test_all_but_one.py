"""A model with a study switched off has the likelihood of the evidence without that study."""

import numpy as np
import pymc as pm
import pytest
from calibration.all_but_one import switched_model
from calibration.left_out import without
from support.reports import arm, entry, evidence

from phase2sim.core.history_priors import PRIORS
from phase2sim.evidence.reported import Evidence, ReportedNumber
from phase2sim.prior.models.densities.pytensor_names import Tensor, function
from phase2sim.prior.models.joint import declare
from phase2sim.prior.models.unknowns.evidence_arrays import cells

STUDIES = ("A", "B", "C")


def numbers_of(study: str) -> list[ReportedNumber]:
    reported = [
        entry("mean", 3.0, 7.4, sd=1.1),
        entry("mean", 6.0, 7.6, sd=1.3),
        entry("residual_sd", (3.0, 6.0), 0.9),
        entry("median", 6.0, 0.4, endpoint="c_peptide"),
        entry("quartiles", 6.0, np.nan, endpoint="c_peptide", bounds=(0.2, 0.7)),
        entry("mean", 12.0, 0.5, endpoint="insulin", se=0.04),
        entry("count", 12.0, 3.0, endpoint="partial_remission"),
    ]
    kept = ("sd", "se", "bounds", "endpoint")
    return [
        entry(of.statistic, of.months, of.value, study=study, **{k: getattr(of, k) for k in kept})
        for of in reported
    ]


def three_studies() -> Evidence:
    reported = [number for study in STUDIES for number in numbers_of(study)]
    return evidence(*reported, arms=tuple(arm(study=study) for study in STUDIES))


def at(model: pm.Model, total: Tensor, seed: int) -> float:
    """Value of an expression of the model at a random point."""
    rng = np.random.default_rng(seed)
    point = {
        variable: 0.5 + 0.1 * rng.random(value.shape)
        for variable, value in zip(
            model.free_RVs, map(np.asarray, model.initial_point().values()), strict=True
        )
    }
    evaluate = function(list(point), total, on_unused_input="ignore", mode="FAST_COMPILE")
    return float(evaluate(*point.values()))


@pytest.mark.parametrize("study", STUDIES[:2])
def test_switching_a_study_off_is_leaving_it_out(study: str) -> None:
    every = three_studies()
    model, read = switched_model(every)
    read.set_value(np.array([float(of.study != study) for of in every.reported]))
    with pm.Model() as rest:  # in the layout of all studies, so that the unknowns are the same
        densities = declare(without(every, study), cells(every), PRIORS)

    switched = sum(model.potentials)
    exact = densities.locations.density + densities.spread.density
    exact += sum(rows.sum() for rows in densities.rows.values())

    assert at(model, switched, 1) == pytest.approx(at(rest, exact, 1), abs=1e-8)

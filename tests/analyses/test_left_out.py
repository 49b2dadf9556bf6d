"""Patients whom an analysis says it leaves out change nothing; every other one does."""

from dataclasses import replace

import numpy as np
import pytest
from support.analysis_parts import fields_of, usual
from support.readings import random_reading

from phase2sim.analyses import ANALYSES
from phase2sim.core.analysis import Analysis
from phase2sim.core.arrays import Bools
from phase2sim.core.contracts import Reading

PARTS = {name: usual(name) for name in ANALYSES}
PARTS["tobit"] = usual("tobit", covariates=("baseline", "age"))
PARTS["change"] = usual("t_test", of="change")
PARTS["complete cases"] = usual("fisher", missing="complete_cases")
every_analysis = pytest.mark.parametrize("analysis", PARTS.values(), ids=PARTS)


def reading_of(analysis: Analysis) -> Reading:
    reading = random_reading(seed=5, trials=1, patients=40, missing=0.2)
    rng = np.random.default_rng(5)
    reading.value[:, 0] += rng.normal(0.0, 1.0, reading.arm.shape)
    reading.value[0, :, :2] = np.nan
    reading.baseline[0, 1:4] = np.nan
    reading.age_years[0, 3:6] = np.nan
    if analysis.reads != "count":
        return reading
    value = np.floor(np.abs(reading.value))
    return replace(reading, value=value, months_at_risk=np.where(value % 2 > 0, 3.0, 6.0))


def of_patients(reading: Reading, kept: Bools) -> Reading:
    names = ("arm", "baseline", "value", "age_years", "stratum")
    cut = {name: np.ascontiguousarray(getattr(reading, name)[..., kept]) for name in names}
    at_risk = reading.months_at_risk
    return replace(reading, **cut, months_at_risk=None if at_risk is None else at_risk[..., kept])


def left_out(analysis: Analysis, reading: Reading) -> Bools:
    nobody = np.zeros(reading.arm.shape, np.bool_)
    return np.logical_or.reduce([nobody, *analysis.left_out(reading).values()])[0]


@every_analysis
def test_those_left_out_change_nothing(analysis: Analysis) -> None:
    reading = reading_of(analysis)
    out = left_out(analysis, reading)
    if analysis.draws:
        reading = of_patients(reading, np.argsort(out, kind="stable"))  # draws go by position
        out = np.sort(out)

    every, used = (analysis.estimate(r) for r in (reading, of_patients(reading, ~out)))

    assert not every.failed[0]
    for name, value in fields_of(replace(every, details={})).items():
        np.testing.assert_allclose(value, fields_of(used)[name], rtol=1e-6, err_msg=name)


@every_analysis
def test_every_other_patient_counts(analysis: Analysis) -> None:
    reading = reading_of(analysis)
    everybody = fields_of(analysis.estimate(reading))

    for patient in np.flatnonzero(~left_out(analysis, reading)):
        without = np.arange(reading.arm.shape[1]) != patient
        fewer = fields_of(analysis.estimate(of_patients(reading, without)))
        assert any(abs(fewer[n][0] - everybody[n][0]) > 1e-9 for n in ("effect", "se", "p"))

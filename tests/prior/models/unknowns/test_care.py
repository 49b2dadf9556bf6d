"""What care does to means: the ramp over enrolment against its integral, shares, new studies."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import integrate
from support.agreement import assert_agrees
from support.known_patients import UNCOMPILED
from support.reports import KNOTS, arm, assert_mean, entry, evidence, replicas, through, truth

from phase2sim.evidence.reported import CareCovariate, CareEffect, Evidence, Normal, UnknownShare
from phase2sim.prior.models.densities.pytensor_names import function
from phase2sim.prior.models.unknowns.care import care_shift
from phase2sim.prior.models.unknowns.evidence_arrays import cells

EFFECT = Normal(-0.4, 0.2)
SENSOR = CareCovariate("sensor_share", 0.0, (CareEffect("hba1c", EFFECT),), "made up")
DRAWS = 40_000


def ramp(months: float) -> float:
    """0 at diagnosis, 1 from month 3 on."""
    return min(max(months / 3.0, 0.0), 1.0)


def with_care(
    window: tuple[float, float], month: float, care: tuple[tuple[str, float | UnknownShare], ...]
) -> Evidence:
    group = arm(months_since_diagnosis=window, care=care)
    reported = entry("mean", months=month, value=7.4, sd=1.2)
    insulin = entry("mean", months=month, value=0.5, sd=0.2, endpoint="insulin", number=2)
    return evidence(reported, insulin, arms=(group,), care={"sensor_share": SENSOR})


def drawn_shift(of: Evidence) -> np.ndarray:
    """Shift (draw, cell) of the means under the prior."""
    layout = cells(of)
    with pm.Model():
        shift = care_shift(of, layout, layout.root_weight)
        return np.asarray(pm.draw(shift, draws=DRAWS, random_seed=1))


@pytest.mark.parametrize("window", [(0.0, 0.0), (0.0, 3.3), (1.0, 4.0), (5.0, 12.0)])
@pytest.mark.parametrize("month", [0.0, 0.5, 6.0])
def test_shift_is_share_times_effect_times_the_ramp_averaged_over_enrolment(
    window: tuple[float, float], month: float
) -> None:
    of = with_care(window, month, (("sensor_share", 0.8),))
    low, high = window
    points = [k for k in (3.0 - month,) if low < k < high]
    average = ramp(low + month)
    if high > low:
        average = integrate.quad(lambda d: ramp(d + month), low, high, points=points)[0]
        average /= high - low

    shift = drawn_shift(of)

    layout = cells(of)
    hba1c = layout.endpoint == layout.endpoints.index("hba1c")
    assert_agrees(
        shift[:, hba1c].mean(), 0.8 * EFFECT.mean * average, 0.8 * EFFECT.sd / DRAWS**0.5 + 1e-12
    )
    assert shift[:, hba1c].std() == pytest.approx(0.8 * EFFECT.sd * average, rel=0.02, abs=1e-12)
    assert not shift[:, ~hba1c].any()


def test_share_that_is_not_known_varies_within_0_and_1() -> None:
    of = with_care((0.0, 0.0), 6.0, (("sensor_share", UnknownShare(0.3, 0.2)),))

    shift = drawn_shift(of)

    hba1c = shift.sum(axis=1)  # insulin has none
    exact_sd = np.sqrt(
        (EFFECT.mean**2 + EFFECT.sd**2) * (0.2**2 + 0.3**2) - (EFFECT.mean * 0.3) ** 2
    )
    assert_agrees(hba1c.mean(), EFFECT.mean * 0.3, exact_sd / DRAWS**0.5)
    assert hba1c.std() == pytest.approx(exact_sd, rel=0.02)


def test_evidence_without_covariates_declares_nothing() -> None:
    of = replace(with_care((0.0, 0.0), 6.0, ()), care={})

    with pm.Model() as model:
        shift = care_shift(of, cells(of), cells(of).root_weight)

    assert not model.free_RVs
    assert not function([], shift, mode=UNCOMPILED)().any()


@pytest.mark.parametrize("month", [1.0, 6.0])
def test_a_replicated_report_has_the_mean_under_its_care(month: float) -> None:
    of = with_care((0.0, 4.0), month, (("sensor_share", 0.8),))
    effect = np.array([-0.4, 0.0, 0.0, 0.0])
    average = integrate.quad(lambda d: ramp(d + month), 0.0, 4.0, points=[3.0 - month])[0] / 4.0

    values = replicas(of, truth(care_effect={"sensor_share": effect}))

    assert_mean(values[:, 0], 8.0 - 0.4 * 0.8 * average)


def test_a_replicated_arm_without_a_share_draws_it() -> None:
    of = with_care((3.0, 3.0), 6.0, (("sensor_share", UnknownShare(0.3, 0.2)),))

    values = replicas(of, truth(care_effect={"sensor_share": np.array([-2.0, 0.0, 0.0, 0.0])}))

    assert_mean(values[:, 0], 8.0 - 2.0 * 0.3)
    exact = np.sqrt(1.2**2 / 10 + 4.0 * 0.2**2)
    assert values[:, 0].std() == pytest.approx(exact, rel=4 / np.sqrt(2 * len(values)))


def test_what_the_variance_leaves_out_is_a_few_percent_of_the_sd_at_entry() -> None:
    months = np.linspace(0.0, 3.0, 30_001)
    fall = np.interp(months, KNOTS, through(11.2, 7.1, 7.3, 7.8, 8.2, 8.4))
    within = np.mean(np.interp(months, [0.0, 3.0], [2.3, 1.1]) ** 2)

    left_out = np.var(fall - 0.45 * months / 3.0) - np.var(fall)

    assert left_out == pytest.approx((2 * 4.1 + 0.45) * 0.45 / 12, rel=1e-3)
    assert np.sqrt(1 + left_out / (np.var(fall) + within)) - 1 < 0.04

"""Control arms of new studies: how their SD and correlation differ from the typical study."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from phase2sim.prior.truth_sources import Control

MONTHS = np.array([0.0, 3.0, 6.0, 12.0])
SHARE, DECAY = 0.4, 0.9


def control(spread_sd: float, share_sd: float) -> Control:
    """One endpoint at four visits, SD 1.2."""
    lag = np.abs(MONTHS[:, None] - MONTHS)
    one = np.ones((1, 1))
    return Control(
        knots_months=np.zeros(0),
        history=np.zeros((1, 1, 0)),
        mean=np.zeros((1, 1, 4)),
        sd=np.full((1, 1, 4), 1.2),
        correlation=(SHARE + (1 - SHARE) * DECAY**lag)[None, None],
        endpoint_correlation=one[None],
        spread_sd=spread_sd * one,
        share=SHARE * one,
        share_sd=share_sd * one,
    )


@pytest.mark.parametrize("deviate", [-2.0, -0.5, 1.0, 3.0])
def test_a_study_with_another_share_has_the_correlation_of_that_share(deviate: float) -> None:
    """The formula of the model, evaluated at the study's own share."""
    own = special.expit(special.logit(SHARE) + 0.5 * deviate)
    lag = np.abs(MONTHS[:, None] - MONTHS)

    study = control(0.0, 0.5).of_new_studies(np.zeros((1, 1)), np.full((1, 1), deviate))

    np.testing.assert_allclose(study.correlation[0, 0], own + (1 - own) * DECAY**lag, rtol=1e-12)
    np.testing.assert_allclose(study.sd, 1.2)


def test_log_sd_of_new_studies_varies_as_stated() -> None:
    deviates = np.random.default_rng(3).standard_normal((20_000, 1))

    sd = control(0.2, 0.0).of_new_studies(deviates, np.zeros((20_000, 1))).sd[:, 0, 0]

    off = np.log(sd / 1.2)
    assert abs(off.mean()) < 4 * 0.2 / np.sqrt(off.size)
    assert abs(off.std() - 0.2) < 4 * 0.2 / np.sqrt(2 * off.size)


def test_no_study_has_a_negative_correlation_though_age_is_taken_out() -> None:
    """What is left of a patient's deviation without age keeps less than the share."""
    kept, lag = 0.05, np.abs(MONTHS[:, None] - MONTHS)  # beside a share of 0.4 with age
    rest = replace(control(0.0, 1.3), correlation=(kept + (1 - kept) * DECAY**lag)[None, None])
    deviates = np.linspace(-5.0, 5.0, 201)[:, None]

    correlation = rest.of_new_studies(np.zeros_like(deviates), deviates).correlation

    assert correlation.min() >= -1e-12
    assert np.linalg.eigvalsh(correlation).min() > -1e-12
    assert correlation[0, 0, 0, -1] == pytest.approx(0.0)
    assert correlation[100, 0] == pytest.approx(rest.correlation[0, 0])

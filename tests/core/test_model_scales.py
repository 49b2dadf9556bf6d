"""Model scales are rising, and each is undone by its inverse."""

import numpy as np
import pytest

from phase2sim.core.endpoints import MEASURES, Endpoint
from phase2sim.core.model_scales import MODEL_SCALES, Logit, ModelScale, Root


@pytest.mark.parametrize("endpoint", MEASURES.values(), ids=list(MEASURES))
def test_values_of_patients_return_from_the_model_scale(endpoint: Endpoint) -> None:
    values = np.linspace(*endpoint.plausible, 500)
    latent = endpoint.scale.to_model(values)
    assert np.all(np.diff(latent) > 0.0)
    np.testing.assert_allclose(endpoint.scale.from_model(latent), values, rtol=1e-12, atol=1e-12)


SCALES: list[ModelScale] = [
    scale(0.0, 1.0) if scale is Logit else scale() for scale in MODEL_SCALES.values()
]


def test_known_values() -> None:
    to_model = {scale.name: float(scale.to_model(np.array(0.25))) for scale in SCALES}
    assert to_model["identity"] == 0.25
    assert to_model["root"] == to_model["sqrt"] == 0.5
    assert to_model["log"] == pytest.approx(-1.3862943611198906)  # -2 ln 2
    assert to_model["log1p"] == pytest.approx(0.22314355131420976)  # ln 1.25
    assert to_model["logit"] == pytest.approx(-1.0986122886681098)  # -ln 3
    assert float(Root().from_model(np.array(-0.3))) == 0.0  # no dose


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
def test_slopes_are_difference_quotients(scale: ModelScale) -> None:
    value, step = 0.3, 1e-6
    low, high = (float(scale.to_model(np.array(value + s))) for s in (-step, step))

    assert scale.slope(value) == pytest.approx((high - low) / (2 * step), rel=1e-8)


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
def test_values_in_the_domain_return(scale: ModelScale) -> None:
    values = np.linspace(0.01, 0.99, 50)

    np.testing.assert_allclose(scale.from_model(scale.to_model(values)), values, rtol=1e-12)
    assert scale.domain[0] < 0.01
    assert scale.domain[1] > 0.99

"""Model scales are rising, and each is undone by its inverse."""

import numpy as np
import pytest

from phase2sim.core.endpoints import MEASURES, Endpoint
from phase2sim.core.model_scales import MODEL_SCALES


@pytest.mark.parametrize("endpoint", MEASURES.values(), ids=list(MEASURES))
def test_values_of_patients_return_from_the_model_scale(endpoint: Endpoint) -> None:
    values = np.linspace(*endpoint.plausible, 500)
    latent = endpoint.scale.to_model(values)
    assert np.all(np.diff(latent) > 0.0)
    np.testing.assert_allclose(endpoint.scale.from_model(latent), values, rtol=1e-12, atol=1e-12)


def test_known_values() -> None:
    to_model = {name: float(scale.to_model(np.array(0.25))) for name, scale in MODEL_SCALES.items()}
    assert to_model["identity"] == 0.25
    assert to_model["root"] == 0.5
    assert to_model["log"] == pytest.approx(-1.3862943611198906)  # -2 ln 2
    assert to_model["log1p"] == pytest.approx(0.22314355131420976)  # ln 1.25
    assert float(MODEL_SCALES["root"].from_model(np.array(-0.3))) == 0.0  # no dose

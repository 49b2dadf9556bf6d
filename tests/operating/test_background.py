"""What is said of each analysis beside its power."""

import pytest
from support.small_trials import one_endpoint, scenario

from phase2sim.operating.background import background
from phase2sim.operating.simulation import prepare_scenario


@pytest.mark.parametrize(("per_month", "target"), [(0.5, -0.6931), (0.0, None)])
def test_a_ratio_of_rates_that_are_both_zero_is_unknown(
    per_month: float, target: float | None
) -> None:
    table = one_endpoint(
        events={"hypoglycaemia": {"per_month": per_month, "rate_ratio": 0.5}},
        analysis=[{"endpoint": "hypoglycaemia", "month": 12, "method": "poisson"}],
    )
    ready = prepare_scenario(scenario(table), print)

    (said,) = background(ready.assembled, None, None)

    assert said.target == (target if target is None else pytest.approx(target, abs=1e-3))

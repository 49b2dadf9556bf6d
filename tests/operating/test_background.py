"""What is said of each analysis beside its power."""

import pytest
from support.small_trials import one_endpoint, scenario

from phase2sim.operating.background import background
from phase2sim.operating.simulation import prepare_scenario, simulate
from phase2sim.reporting.screens.run import explain_result
from phase2sim.scenario.scenario_file import Scenario


def counted(per_month: float) -> Scenario:
    return scenario(
        one_endpoint(
            events={"hypoglycaemia": {"per_month": per_month, "rate_ratio": 0.5}},
            analysis=[{"endpoint": "hypoglycaemia", "month": 12, "method": "poisson"}],
            failures_allowed=1.0,
        )
    )


@pytest.mark.parametrize(("per_month", "target"), [(0.5, -0.6931), (0.0, None)])
def test_a_ratio_of_rates_that_are_both_zero_is_unknown(
    per_month: float, target: float | None
) -> None:
    ready = prepare_scenario(counted(per_month), print)

    (said,) = background(ready.assembled, None, None)

    assert said.target == (target if target is None else pytest.approx(target, abs=1e-3))


def test_a_target_that_is_unknown_is_not_read_out() -> None:
    result = simulate(counted(0.0), trials=2)

    assert "hope (hypoglycaemic episodes at month 12)" in " ".join(explain_result(result))

"""Familywise error of every rule for several analyses, 200,000 trials a partial null."""

from itertools import product

import pytest
from support.agreement import STANDARD_ERRORS, se_of_share
from support.partial_nulls import ALPHA, RULES, familywise_error

TRIALS = 200_000


@pytest.mark.calibration
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", RULES)
def test_familywise_error_is_nominal_or_below(name: str, correlation: float) -> None:
    bound = ALPHA + STANDARD_ERRORS * float(se_of_share(ALPHA, TRIALS))
    nulls = [null for null in product((False, True), repeat=3) if any(null)]

    errors = [familywise_error(RULES[name], null, TRIALS, correlation) for null in nulls]

    assert max(errors) <= bound

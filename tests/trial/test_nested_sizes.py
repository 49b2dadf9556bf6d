"""The first n patients of a trial are the trial of size n: every size from one pass."""

from typing import Any

import numpy as np
import pytest
from support.small_trials import Table, assembled, design, two_endpoints

from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import Outcomes, simulate_batch
from phase2sim.trial.nested_sizes import simulate_sizes

SIZES = (4, 6, 8, 14, 22, 40)
FIELDS = ("effect", "se", "df", "p", "reason")
MAR: Table = {"mechanism": "mar", "share": 0.3, "by_month": 12, "endpoint": "hba1c"}
# One for each way in which an analysis can treat the sizes.
ANALYSES: dict[str, dict[str, Any]] = {
    "ancova": {"method": "ancova"},
    "ancova without covariates": {"method": "ancova", "covariates": []},
    "ancova with two covariates": {"method": "ancova", "covariates": ["baseline", "age"]},
    "ancova with strata": {"method": "ancova", "covariates": ["baseline", "stratum"]},
    "ancova, hc3": {"method": "ancova", "standard_error": "hc3"},
    "ancova behind a limit": {"method": "ancova", "lloq": 6.0},
    "t test of changes": {"method": "t_test", "of": "change"},
    "welch": {"method": "welch"},
    "mmrm": {"method": "mmrm"},
}
every_way = pytest.mark.parametrize("way", ANALYSES)


def ready(way: str, patients: int = 40) -> AssembledScenario:
    analysis = {"endpoint": "hba1c", "month": 12} | ANALYSES[way]
    return assembled(
        two_endpoints(
            design=design(patients, [0, 3, 6, 12]),
            population={"age_years": [5, 17], "age_strata": [12]},
            missing={"dropout": MAR},
            analysis=[analysis],
            decision={"kind": "significance", "one_sided_alpha": 0.025},
        )
    )


def in_one_pass(way: str, sizes: tuple[int, ...], first: int = 3, trials: int = 30) -> Any:  # noqa: ANN401
    made = ready(way, sizes[-1])
    return simulate_sizes(made.study, made.sources[0], first, trials, sizes)


def assert_same_bytes(one: Outcomes, other: Outcomes) -> None:
    for name in FIELDS:
        left, right = (getattr(outcomes.estimates[0], name) for outcomes in (one, other))
        assert left.tobytes() == right.tobytes(), name
    assert one.missing.tobytes() == other.missing.tobytes()
    assert one.verdict.tobytes() == other.verdict.tobytes()


@every_way
def test_each_size_is_the_trial_of_that_size(way: str) -> None:
    together = in_one_pass(way, SIZES)

    for size, found in zip(SIZES, together, strict=True):
        made = ready(way, size)
        alone = simulate_batch(made.study, made.sources[0], 3, 30)
        for name in FIELDS:
            left, right = (getattr(o.estimates[0], name) for o in (found, alone))
            np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-12, err_msg=name)
        assert (found.missing == alone.missing).all()
        assert (found.true_effect == alone.true_effect).all()
        assert (found.verdict == alone.verdict).all()


@every_way
def test_a_size_does_not_depend_on_the_others(way: str) -> None:
    together = in_one_pass(way, SIZES)

    for size, found in zip(SIZES, together, strict=True):
        (alone,) = in_one_pass(way, (size,))
        assert_same_bytes(found, alone)


@every_way
def test_a_size_does_not_depend_on_the_batch(way: str) -> None:
    whole = in_one_pass(way, (14, 40), first=0, trials=12)

    for trial in range(12):
        for found, alone in zip(whole, in_one_pass(way, (14, 40), trial, 1), strict=True):
            for name in FIELDS:
                left, right = (getattr(o.estimates[0], name) for o in (found, alone))
                assert left[trial : trial + 1].tobytes() == right.tobytes(), (trial, name)


def test_tiny_trials_fail_for_the_same_reasons() -> None:
    made = ready("ancova", 4)

    (found,) = in_one_pass("ancova", (4,), 0, 200)

    alone = simulate_batch(made.study, made.sources[0], 0, 200)
    assert (found.estimates[0].reason == alone.estimates[0].reason).all()
    assert 0 < alone.estimates[0].failed.sum() < 200

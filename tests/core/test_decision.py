"""What a decision is told: every analysis's estimate, and what it is to show."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, scenario, two_endpoints

from phase2sim.core.contracts import Estimates
from phase2sim.core.decision import (
    AT_TARGET,
    BELOW,
    UNKNOWN,
    Hypothesis,
    concatenate_results,
    only_p,
    side_by_side,
)
from phase2sim.decisions.co_primary import CoPrimary
from phase2sim.decisions.dunnett import Dunnett
from phase2sim.operating.measures import TrialSums, by_class, tally, true_given_go
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.trial.engine import analyse_trials, draw_trials


@pytest.mark.parametrize(
    ("analysis", "sign"),
    [
        ({"endpoint": "c_peptide", "method": "ancova"}, 1),
        ({"endpoint": "hba1c", "method": "welch"}, -1),
        ({"responder": "hba1c_below_7", "method": "fisher"}, 1),
        ({"endpoint": "hypoglycaemia", "method": "poisson"}, -1),
    ],
    ids=lambda value: value["method"] if isinstance(value, dict) else str(value),
)
def test_a_hypothesis_knows_which_direction_is_benefit(analysis: Table, sign: int) -> None:
    table = two_endpoints(
        analysis=[analysis | {"month": 12}],
        decision={"kind": "significance", "one_sided_alpha": 0.025},
    )

    (hypothesis,) = build_scenario(scenario(table)).study.hypotheses

    assert hypothesis.benefit_sign == sign


def test_what_was_found_keeps_the_analyses_and_trials_apart() -> None:
    ready = assembled(two_endpoints())
    study = ready.study
    batches = [
        analyse_trials(study, draw_trials(study, ready.sources[0].truth(first, 3), first, 3))
        for first in (0, 3)
    ]

    together = concatenate_results(
        [side_by_side(estimates, study.hypotheses) for estimates in batches]
    )

    assert [one.benefit_sign for one in together.hypotheses] == [-1, 1]
    for name in ("effect", "se", "df", "p"):
        of_each = [getattr(estimates[1], name) for estimates in batches]
        assert np.array_equal(getattr(together, name)[:, 1], np.concatenate(of_each))


def test_share_of_true_goes_is_that_of_the_normals_behind_them() -> None:
    """Two analyses with independent normal truths, and normal estimates of each."""
    rng, trials, mean, sd, se = np.random.default_rng(3), 40_000, 0.1, 0.2, 0.15
    truth = rng.normal(mean, sd, (2, trials))
    p = norm.sf(rng.normal(truth, se).T / se)
    rule = CoPrimary(0.025)
    hypotheses = (Hypothesis(), Hypothesis())

    verdict = rule.decide(only_p(p))
    sums = replace(a_tally(verdict), by_class=by_class(verdict, rule.classes(truth.T, hypotheses)))

    limit = -norm.ppf(0.025) * se
    both = multivariate_normal([mean, mean], [[sd**2, sd**2], [sd**2, sd**2 + se**2]])
    false = norm.cdf(0.0, mean, sd) - both.cdf([0.0, limit])
    exact = 1 - false / norm.sf(limit, mean, np.hypot(sd, se))
    for number, share in enumerate((exact, exact, exact**2)):
        assert_agrees(true_given_go(sums, number, trials), share)


@pytest.mark.parametrize("step_down", [False, True])
def test_at_least_one_arm_works_where_one_has_a_benefit(*, step_down: bool) -> None:
    truth = np.array([[0.1, -0.1, 0.2, 0.0], [0.2, -0.2, -0.1, 0.0]])
    hypotheses = tuple(Hypothesis(arm=arm) for arm in (1, 2))

    classified = Dunnett(0.025, step_down=step_down).classes(truth.T, hypotheses)

    assert classified[:, 2].tolist() == [AT_TARGET, BELOW, AT_TARGET, BELOW]


def test_a_truth_that_nobody_knows_has_no_class() -> None:
    truth = np.array([[0.1, -0.1, np.nan, np.nan], [0.1, 0.1, 0.1, -0.1]])
    hypotheses = (Hypothesis(), Hypothesis(benefit_sign=1))

    classified = CoPrimary(0.025).classes(truth.T, hypotheses)

    assert classified[:, 0].tolist() == [AT_TARGET, BELOW, UNKNOWN, UNKNOWN]
    assert classified[:, 1].tolist() == [AT_TARGET, AT_TARGET, AT_TARGET, BELOW]
    assert classified[:, 2].tolist() == [AT_TARGET, BELOW, UNKNOWN, BELOW]


def a_tally(verdict: NDArray[np.int8]) -> TrialSums:
    nothing = np.zeros(len(verdict))
    estimates = Estimates(nothing, nothing + 1, nothing + 30, nothing, nothing.astype(np.int8))
    truths = np.zeros((2, len(verdict)))
    return tally((estimates, estimates), truths, truths, verdict)

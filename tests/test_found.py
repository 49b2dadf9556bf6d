"""What a decision is told: every analysis's estimate, and what it is to show."""

import numpy as np
import pytest
from small_trials import Table, assembled, scenario, two_endpoints

from phase2sim.assemble import parts
from phase2sim.engine import analyse_trials, draw_trials
from phase2sim.found import found, joined


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

    (hypothesis,) = parts(scenario(table)).hypotheses

    assert hypothesis.benefit_sign == sign


def test_what_was_found_keeps_the_analyses_and_trials_apart() -> None:
    ready = assembled(two_endpoints())
    study = ready.study
    batches = [
        analyse_trials(study, draw_trials(study, ready.sources[0].truth(first, 3), first, 3))
        for first in (0, 3)
    ]

    together = joined([found(estimates, study.hypotheses) for estimates in batches])

    assert [one.benefit_sign for one in together.hypotheses] == [-1, 1]
    for name in ("effect", "se", "df", "p"):
        of_each = [getattr(estimates[1], name) for estimates in batches]
        assert np.array_equal(getattr(together, name)[:, 1], np.concatenate(of_each))

"""Care of the trial to come: every truth's untreated patients, both arms alike, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from support.kept_prior import CARE, draws_for, shipped_evidence
from support.small_trials import Table, one_endpoint, two_endpoints

from phase2sim.core.errors import BadScenario
from phase2sim.prior.truth_sources import TruthFromPrior
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.scenario_file import scenario_from
from phase2sim.trial.engine import simulate_batch

PATH = Path("scenario.toml")
SHARE = 0.8


def fitted(**population: object) -> Table:
    table = two_endpoints(
        evidence=["gxipc1.toml", "t1d-natural-history.toml"],
        population={"months_since_diagnosis": [0, 6], **population},
    )
    table["truth"]["prior"] = {"robust_weight": 0.8}
    return {
        name: value
        for name, value in table.items()
        if name not in {"outcome", "endpoint_correlation"}
    }


def assembled(table: Table) -> AssembledScenario:
    built = build_scenario(scenario_from(table, PATH))
    return assemble(built, draws_for(shipped_evidence()))


def test_every_truth_moves_the_means_of_both_arms_alike() -> None:
    plain, cared = (assembled(fitted(care=care)) for care in ({}, {"sensor_share": SHARE}))

    assert [source.label for source in cared.sources] == [s.label for s in plain.sources]
    assert len(cared.sources) == 5
    for before, after in zip(plain.sources, cared.sources, strict=True):
        old, new = before.truth(0, 4), after.truth(0, 4)
        ramp = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
        size = np.array([CARE["hba1c"]])
        match after:
            case TruthFromPrior():
                size = draws_for(shipped_evidence()).care_effect[after.draws(0, 4), 0, 0]
        moved = SHARE * size[:, None] * ramp
        np.testing.assert_allclose(new.history[:, 0] - old.history[:, 0], moved, atol=1e-12)
        np.testing.assert_array_equal(new.history[:, 1], old.history[:, 1])
        np.testing.assert_array_equal(new.effect, old.effect)
        np.testing.assert_array_equal(new.shift, old.shift)


def test_a_simulated_patient_has_the_share_that_came_in_since_diagnosis() -> None:
    plain, cared = (assembled(fitted(care=care)) for care in ({}, {"sensor_share": SHARE}))
    population = plain.study.population
    values = []
    for one in (plain, cared):
        plan, truth = one.study.plan, one.sources[0].truth(0, 2)
        arrivals = population.recruitment.arrive(plan.seed, 0, (2, plan.patients), plan.sites)
        entrants = population.enrol(plan, truth, 0, arrivals)
        arm = np.zeros((2, plan.patients), dtype=np.int8)
        trials = population.draw(plan, truth, entrants, arm)
        values.append(trials.value[:, 0])
    since = trials.months_since_diagnosis[:, None] + np.array(plan.visits_months)[:, None]

    expected = SHARE * CARE["hba1c"] * np.minimum(since / 3.0, 1.0)

    np.testing.assert_allclose(values[1] - values[0], expected, atol=1e-12)


def test_care_left_out_is_care_of_0() -> None:
    left_out, none = (assembled(fitted(care=care)) for care in ({}, {"sensor_share": 0.0}))

    for first, second in zip(left_out.sources, none.sources, strict=True):
        before = simulate_batch(left_out.study, first, 0, 3).estimates[0].effect
        after = simulate_batch(none.study, second, 0, 3).estimates[0].effect
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (
            {"care": {"sensor_shar": 0.5}},
            r"population\.care\.sensor_shar is no covariate.*'sensor_",
        ),
        ({"care": {"sensor_share": 1.5}}, r"population\.care\.sensor_share is 1\.5"),
        ({"care_why": "ours"}, r"population\.care_why comes without care"),
    ],
)
def test_care_that_cannot_be_is_refused(population: Table, message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        assembled(fitted(**population))


def test_care_without_evidence_is_refused() -> None:
    table = one_endpoint(population={"care": {"sensor_share": 0.5}})

    with pytest.raises(BadScenario, match=r"care\.sensor_share is not used: without evidence"):
        assemble(build_scenario(scenario_from(table, PATH)), None)


def test_care_that_moves_no_endpoint_of_the_trial_is_refused() -> None:
    table = fitted(care={"sensor_share": 0.5})
    table["analysis"] = [a for a in table["analysis"] if a["endpoint"] == "c_peptide"]
    table["truth"]["target"] = {"c_peptide": table["truth"]["target"]["c_peptide"]}
    table["decision"] = {"kind": "significance", "one_sided_alpha": 0.025}
    table.pop("missing", None)

    with pytest.raises(BadScenario, match=r"sensor_share is not used: it moves hba1c, which"):
        assembled(table)

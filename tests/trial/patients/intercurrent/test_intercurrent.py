"""Intercurrent events: when they happen, what they do, and potential outcomes without them."""

import numpy as np
import pytest
from support.agreement import assert_agrees, se_of_share
from support.small_trials import Table, assembled, design, two_endpoints

from phase2sim.core.contracts import Trials
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import draw_trials, follow

PATIENTS = 20_000
VISITS = 4
MONTHS = np.array([0.0, 3.0, 6.0, 12.0])
STOP = {"share": 0.3, "by_month": 12, "half_life_months": 3.0}
OTHER = {"share": 0.2, "by_month": 12, "effect": {"c_peptide": 0.1}}
RESCUE = {"endpoint": "hba1c", "limit": 8.5, "effect": {"hba1c": -1.0}}


def _ready(patients: int = PATIENTS, **events: Table) -> AssembledScenario:
    return assembled(
        two_endpoints(design=design(patients, [0, 3, 6, 12]), intercurrent=dict(events))
    )


def _target(ready: AssembledScenario, **options: object) -> Trials:
    return follow(ready.study, ready.sources[0].truth(0, 1), 0, 1, **options)


def test_events_at_a_hazard_befall_the_stated_share_in_each_arm() -> None:
    trials = _target(_ready(discontinuation=STOP | {"hazard_ratio_treated": 2.0}))

    struck = trials.struck[0, 0]
    for arm, ratio in ((0, 1.0), (1, 2.0)):
        # After a visit at the latest: those of the last interval are struck by its visit too.
        by_visit = np.array([(struck[trials.arm[0] == arm] <= v).mean() for v in (1, 2, 3)])
        exact = 1 - 0.7 ** (ratio * MONTHS[1:] / 12)
        assert_agrees(by_visit, exact, se_of_share(exact, PATIENTS // 2))


def test_after_a_stop_the_effect_fades_with_its_half_life_and_nothing_else_moves() -> None:
    ready = _ready(discontinuation=STOP)
    with_it, without = _target(ready), _target(ready, active=(False,))

    moved = with_it.value - without.value
    treated = with_it.arm[0] == 1
    struck = with_it.struck[0, 0]
    assert (moved[0][..., ~treated] == 0).all()
    assert (without.struck == VISITS).all()
    # At month 12 the whole effect is -0.8; what is left is 2^(-time since / 3), so that all lose
    # between nothing and all of it, and those struck before month 3 at least 1 - 2^-3 of it.
    lost = moved[0, 0, 3, treated] / 0.8
    early = struck[treated] == 1
    assert (lost[struck[treated] == VISITS] == 0).all()
    assert lost[early].min() >= 1 - 2 ** (-9 / 3)
    assert lost.max() < 1
    # Averaged over the exponential times T: E[1 - 2^(-(12 - T) / 3)] on T < 12.
    hazard, fading = -np.log(0.7) / 12, np.log(2) / 3
    left = hazard * (np.exp(-hazard * 12) - np.exp(-fading * 12)) / (fading - hazard)
    exact = 0.3 - left
    assert_agrees(lost.mean(), exact, lost.std() / np.sqrt(lost.size))


def test_another_therapy_moves_its_endpoints_alone_in_both_arms() -> None:
    ready = _ready(other_therapy=OTHER)

    with_it, without = _target(ready), _target(ready, active=(False,))

    moved, struck = with_it.value - without.value, with_it.struck[0, 0]
    after = np.arange(VISITS)[:, None] >= struck
    assert (moved[0, 0] == 0).all()
    assert np.allclose(moved[0, 1], 0.1 * after)
    assert_agrees((struck < VISITS).mean(), 0.2, se_of_share(0.2, PATIENTS))


def test_insulin_is_intensified_after_the_first_visit_beyond_the_limit() -> None:
    ready = _ready(rescue=RESCUE)

    with_it, without = _target(ready), _target(ready, active=(False,))

    hba1c, struck = without.value[0, 0], with_it.struck[0, 0]
    beyond = hba1c[1:] > 8.5
    first = np.where(beyond.any(axis=0), beyond.argmax(axis=0) + 1, VISITS)
    assert np.array_equal(struck, np.minimum(first + 1, VISITS))
    after = np.arange(VISITS)[:, None] >= struck
    assert np.allclose(with_it.value[0, 0] - hba1c, -1.0 * after)


def test_a_chance_of_rescue_is_a_toss_at_each_visit() -> None:
    ready = _ready(rescue=RESCUE | {"chance": 0.4, "from_month": 6})

    with_it, without = _target(ready), _target(ready, active=(False,))

    beyond = without.value[0, 0, 2] > 8.5
    rescued = with_it.struck[0, 0] == 3
    assert not rescued[~beyond].any()
    assert_agrees(rescued[beyond].mean(), 0.4, se_of_share(0.4, int(beyond.sum())))


def test_rescue_looks_at_what_the_other_events_made_of_the_value() -> None:
    ready = _ready(rescue=RESCUE, discontinuation=STOP | {"half_life_months": 0})

    both, no_stop = _target(ready), _target(ready, active=(False, True))

    # Treated patients who stop lose what kept them below the limit.
    rescued = [(t.struck[1, 0][t.arm[0] == 1] < VISITS).mean() for t in (both, no_stop)]
    assert rescued[0] > rescued[1]
    control = both.arm[0] == 0
    assert np.array_equal(both.struck[1, 0][control], no_stop.struck[1, 0][control])


def test_both_potential_outcomes_are_those_of_one_patient() -> None:
    ready = _ready(2000, discontinuation=STOP, other_therapy=OTHER, rescue=RESCUE)

    trial = _target(ready)
    potential = [_target(ready, all_in=arm) for arm in (0, 1)]

    for arm in (0, 1):
        mine = trial.arm[0] == arm
        assert np.array_equal(trial.value[..., mine], potential[arm].value[..., mine])
        assert np.array_equal(trial.struck[..., mine], potential[arm].struck[..., mine])


def test_an_event_leaves_what_came_before_it_and_every_other_stream_unchanged() -> None:
    events = {"discontinuation": STOP, "other_therapy": OTHER, "rescue": RESCUE}
    plain, eventful = (
        draw_trials(r.study, r.sources[0].truth(0, 1), 0, 1)
        for r in (_ready(500), _ready(500, **events))
    )

    assert np.array_equal(plain.arm, eventful.arm)
    before = np.arange(VISITS)[:, None] < eventful.struck.min(axis=0)[0]
    assert np.array_equal(plain.value[0][:, before], eventful.value[0][:, before])


@pytest.mark.parametrize(
    ("events", "part"),
    [
        ({"rescue": RESCUE | {"limit": 85}}, "limit is 85; HbA1c lies between"),
        ({"rescue": RESCUE | {"effect": {"hba1c": -11.0}}}, "effect of hba1c is -11"),
        ({"rescue": RESCUE | {"strategy": "ignore"}}, "there is no such strategy"),
        ({"rescued": RESCUE}, "Did you mean 'rescue'"),
        ({"discontinuation": {"share": 0.1}}, "by_month is missing"),
        ({"other_therapy": OTHER | {"effect": {"weight": 1.0}}}, "effect names 'weight'"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name(events: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        _ready(40, **events)

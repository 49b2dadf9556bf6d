"""Trials with interim looks that are watched for harm: whichever comes first stops them."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from support.agreement import assert_agrees, se_of_share
from support.looks import sequential, with_looks
from support.small_trials import Table, assembled, scenario

from phase2sim.core.contracts import GO, STOP, Trials
from phase2sim.core.errors import BadScenario
from phase2sim.core.measured import Measured
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.studies.single_trial import replay
from phase2sim.trial.engine import Outcomes, draw_trials, simulate_batch
from phase2sim.trial.interim.trial_ends import FOR_EFFICACY, FOR_FUTILITY, FOR_HARM, TO_THE_END
from phase2sim.trial.safety.boundaries import chance_of_stopping

HARM = {
    "kind": "posterior",
    "event": "adverse_events",
    "by_month": 12,
    "looks": [6, 12, 20, 30],
    "limit": 0.2,
    "certainty": 0.8,
    "prior": [0.2, 0.8],
}
EVENTS = {"adverse_events": {"per_month": 0.02}}
RULE = {
    "efficacy": {"kind": "pocock_spending"},
    "futility": {"kind": "p", "at_most": [0.5, 0.3]},
}


def table(**changes: object) -> Table:
    return with_looks(
        recruitment={"kind": "poisson", "per_month": 4.0},
        design=sequential(months_to_decide=1.0),
        missing={"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 12}},
        truth={"target": {"c_peptide": {"effect": 0.15, "month": 12, "shape": "linear"}}},
        stopping=RULE,
        events=EVENTS,
        safety=HARM,
    ) | changes  # fmt: skip


def run(made: AssembledScenario, trials: int, first: int = 0) -> Outcomes:
    return simulate_batch(made.study, made.sources[0], first, trials)


def rows_of(made: Table, trials: int) -> dict[Any, Any]:
    found = simulate(scenario(made), trials=trials)
    return {(r.name, r.analysis, r.truth, r.look): r.measured for r in found.characteristics}


def judged_days(trials: Trials) -> list[tuple[float, bool]]:
    """Day on which each treated patient of one trial is judged, in order, and whether for harm."""
    assert trials.arrivals is not None
    found = []
    for patient in np.flatnonzero(trials.arm[0] == 1):
        last = np.flatnonzero(trials.seen[0, 0, :, patient])[-1]  # visit; the third is month 12
        had = bool(trials.counts["adverse_events"][0, last, patient] > 0)
        if had or last == 2:  # else lost without an event
            found.append((float(trials.arrivals.months[0, patient]) + 12, had))
    return found


def is_crossed(boundary: dict[int, int], judged: list[tuple[float, bool]], day: float) -> bool:
    """Whether the boundary is crossed by what is known on a day, counted from the beginning."""
    known = [had for when, had in judged if when <= day]
    return any(
        len(known) >= patients and sum(known[:patients]) >= events
        for patients, events in boundary.items()
    )


def stopped_for_real(
    made: AssembledScenario, outcomes: Outcomes, trial: int
) -> tuple[int, float, int]:
    """Reason, month and patients of one trial that goes from day to day until something stops it.

    What a look finds is that of its data alone (tests/trial/interim/test_looks.py).
    """
    trials = draw_trials(made.study, made.sources[0].truth(trial, 1), trial, 1)
    rule, interim = made.study.safety, made.study.interim
    assert rule is not None
    assert interim is not None
    bounds = interim.rule.planned_bounds(0)
    assert bounds is not None
    arrivals = trials.enrolment_months[0]
    judged = judged_days(trials)
    boundary = dict(zip(rule.looks, rule.boundary().tolist(), strict=True))
    days = [(day, 0, -1) for day, _ in judged]
    days += [(float(look.months[trial]), 1, k) for k, look in enumerate(outcomes.looks)]
    for day, _, look in sorted(days):
        enrolled = int((arrivals <= day).sum())
        if look < 0:
            if is_crossed(boundary, judged, day):
                return FOR_HARM, day, enrolled
            continue
        if look == len(outcomes.looks) - 1:
            return TO_THE_END, day, enrolled
        p = outcomes.looks[look].estimates[0].p[trial]
        if norm.isf(p) >= bounds.efficacy[look]:
            return FOR_EFFICACY, day, enrolled
        if p > RULE["futility"]["at_most"][look]:  # type: ignore[index]  # a list
            return FOR_FUTILITY, day, enrolled
    raise AssertionError


def test_trials_end_as_those_that_really_stop() -> None:
    made, trials = assembled(table()), 60
    outcomes = run(made, trials)
    went = outcomes.ended
    assert went is not None

    real = [stopped_for_real(made, outcomes, trial) for trial in range(trials)]

    found = zip(went.course.why, went.look.months, went.look.enrolled, strict=True)
    assert [(int(why), float(day), int(came)) for why, day, came in found] == real
    assert {why for why, _, _ in real} == {TO_THE_END, FOR_EFFICACY, FOR_FUTILITY, FOR_HARM}
    assert np.array_equal(outcomes.months, went.look.months)


def test_harm_counts_until_another_stop_and_makes_every_verdict_a_stop() -> None:
    outcomes = run(assembled(table()), 300)
    without = run(assembled(table(safety=None)), 300)
    assert outcomes.ended is not None
    assert outcomes.watched is not None
    assert without.ended is not None

    harmed = outcomes.ended.course.why == FOR_HARM
    later = outcomes.watched.crossed & ~harmed
    assert later.any()  # harm that is seen once the trial has ended stops nothing
    assert (without.verdict[harmed] == GO).any()
    assert (outcomes.verdict[harmed] == STOP).all()
    assert np.array_equal(outcomes.verdict[~harmed], without.verdict[~harmed])
    assert np.array_equal(outcomes.estimates[0].effect, without.estimates[0].effect)
    assert np.array_equal(outcomes.ended.course.why[~harmed], without.ended.course.why[~harmed])


def test_batches_do_not_show() -> None:
    made = assembled(table())
    whole, parts = run(made, 60), [run(made, 25), run(made, 35, first=25)]
    assert whole.watched is not None

    for name in ("look", "months", "enrolled", "due", "judged"):
        joined = [getattr(part.watched, name) for part in parts]
        assert np.array_equal(getattr(whole.watched, name), np.concatenate(joined, axis=-1))
    assert np.array_equal(whole.verdict, np.concatenate([part.verdict for part in parts]))


def test_a_boundary_that_nobody_reaches_changes_nothing() -> None:
    never = HARM | {"limit": 0.99, "certainty": 0.999999, "prior": [1.0, 99.0]}

    rules: tuple[Table, Table] = ({"safety": never}, {"safety": None, "events": {}})

    found, without = (rows_of(table(**rule), 200) for rule in rules)

    assert {row: told(found[row]) for row in without} == {r: told(o) for r, o in without.items()}
    added = {row: one.estimate for row, one in found.items() if row not in without}
    stops = {name for name, *_ in added if "harm" in name}
    assert {name for name, *_ in added} - stops == {"treated_patients", "final_analysis"}
    assert all(share == 0.0 for (name, *_), share in added.items() if name in stops)


def told(measured: Measured) -> tuple[float, float, int]:
    return measured.estimate, measured.mcse, measured.used


# One patient a quarter of a month, in pairs: the 10th treated patient is judged at month 16.5 or
# 16.75, the look at 30 patients is at month 19.25, the 20th and the 38th are judged after it.
EXACT = HARM | {"looks": [10, 20, 38]}
AT_LOOK = 19.25
MONTHS = np.array([18.5 / 4, 38.5 / 4, 74.5 / 4]) + 12  # of the looks for harm, on average


@pytest.fixture(scope="module")
def exact_trials() -> dict[Any, Any]:
    """Run a design with one look, at which half of the trials without an effect are futile."""
    return rows_of(
        with_looks(
            recruitment={"kind": "steady", "per_month": 4},
            design=sequential(looks=[{"patients": 30, "month": 12}], block_size=2),
            stopping={"efficacy": {"kind": "none"}, "futility": {"kind": "p", "at_most": [0.5]}},
            analysis=[{"endpoint": "c_peptide", "month": 12, "method": "t_test"}],
            events=EVENTS,
            safety=EXACT,
        ),
        4_000,
    )


def exact_chances() -> np.ndarray:
    """Chances of crossing at each look for harm, whatever the other looks find."""
    (rule,) = (assembled(table(safety=EXACT)).built.study.safety,)
    assert rule is not None
    return chance_of_stopping(np.array(EXACT["looks"]), rule.boundary(), -np.expm1(-0.02 * 12))


def test_ends_agree_with_their_exact_chances_and_add_to_one(exact_trials: dict[Any, Any]) -> None:
    """Events and p are independent, and p without an effect is uniform."""
    crosses = exact_chances()
    goes_on = 1.0 - crosses[0]
    exact = {
        ("harm_before", "safety", "null", 1): crosses[0],
        ("stop_futility", "c_peptide", "null", 1): goes_on / 2,
        ("harm_before", "safety", "null", 2): crosses[1:].sum() / 2,
        ("final_analysis", "safety", "null", None): (goes_on - crosses[1:].sum()) / 2,
    }

    for row, share in exact.items():
        assert_agrees(exact_trials[row].estimate, share, se_of_share(share, 4_000))
        assert share > 0.05
    assert sum(exact_trials[row].estimate for row in exact) == pytest.approx(1.0, abs=1e-12)
    harm = exact_trials["stopped_for_harm", "safety", "null", None].estimate
    assert harm == pytest.approx(
        sum(exact_trials["harm_before", "safety", "null", look].estimate for look in (1, 2))
    )


def test_means_agree_with_their_exact_values(exact_trials: dict[Any, Any]) -> None:
    """What a trial takes depends on its end alone."""
    first, second, third = exact_chances() * (1.0, 0.5, 0.5)
    futile = (1.0 - first) / 2
    rest = 1.0 - first - second - third - futile
    ends = np.array([first, futile, second, third, rest])
    exact = {
        # 67 or 68 had come when the 10th treated patient was judged, and 78 by the look.
        ("enrolled", ""): ends @ [67.5, 78, 80, 80, 80],
        ("duration", ""): ends @ [MONTHS[0], AT_LOOK, MONTHS[1], MONTHS[2], 79 / 4 + 12],
        ("treated_patients", "safety"): ends @ [10, 15, 20, 38, 40],
        # Of those the 10th of the treated, 19 or 20 were due; at the look 30 were.
        ("overrun", ""): ends @ [67.5 - 19.5, 48, 80 - 39.5, 80 - 75.5, 0],
    }

    for (name, analysis), mean in exact.items():
        assert_agrees(exact_trials[name, analysis, "null", None], mean)


def test_a_replayed_trial_says_when_harm_stopped_it() -> None:
    made = assembled(table())
    outcomes = run(made, 60)
    assert outcomes.ended is not None
    assert outcomes.watched is not None
    stopped = np.flatnonzero(outcomes.ended.course.why == FOR_HARM)

    for trial in stopped[:5]:
        examined, _ = replay(made, made.sources[0].label, int(trial))
        assert examined.harm is not None
        assert examined.harm.treated == HARM["looks"][outcomes.watched.look[trial]]  # type: ignore[index]  # a list
        assert examined.harm.months == outcomes.months[trial]
        assert len(examined.looks) == outcomes.ended.course.last[trial]
        assert all(seen.months < examined.harm.months for seen in examined.looks)
        assert set(examined.verdicts.values()) == {"stop"}
    other = int(np.flatnonzero(outcomes.ended.course.why == FOR_FUTILITY)[0])
    assert replay(made, made.sources[0].label, other)[0].harm is None


def test_a_size_that_is_estimated_again_is_refused() -> None:
    again = {"kind": "promising_zone", "from_power": 0.3, "power": 0.9, "most_patients": 120}
    with pytest.raises(BadScenario, match=r"safety is set beside design\.reestimation"):
        assembled(table(design=sequential(reestimation=again)))

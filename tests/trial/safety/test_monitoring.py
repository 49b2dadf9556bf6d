"""Trials that are watched for harm: where they stop, and what a stop does to their verdicts."""

from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.commands import phase2sim, printed
from support.small_sweeps import BASE
from support.small_trials import Table, assembled, one_endpoint, scenario

from phase2sim.core.contracts import GO, STOP
from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.trial.engine import draw_trials, simulate_batch
from phase2sim.trial.nested_sizes import simulate_sizes
from phase2sim.trial.safety.boundaries import chance_of_stopping
from phase2sim.trial.safety.monitoring import monitor_harm
from phase2sim.trial.safety.pocock import PocockExcess

RULE = {
    "kind": "posterior",
    "event": "adverse_events",
    "by_month": 12,
    "looks": [5, 10, 15, 20],
    "limit": 0.2,
    "certainty": 0.8,
    "prior": [0.2, 0.8],
}
EVENTS = {"adverse_events": {"per_month": 0.025, "dispersion": 0.5, "rate_ratio": 1.6}}
LOST = {"dropout": {"mechanism": "mcar", "share": 0.3, "by_month": 12}}


def watched(**changes: object) -> Table:
    return one_endpoint(events=EVENTS, safety=RULE, **changes)


def test_stops_agree_with_the_exact_chances_look_by_look() -> None:
    found = simulate(scenario(watched(trials=4_000)))

    rows = [row for row in found.characteristics if row.name.startswith("stopped_for_harm")]
    assert {row.truth for row in rows} == {"target", "null"}
    assert len(rows) == 2 * (1 + len(RULE["looks"]))  # type: ignore[arg-type]  # a list
    for row in rows:
        assert row.closed_form is not None
        share = row.closed_form.value
        assert_agrees(row.measured.estimate, share, np.sqrt(share * (1 - share) / 4_000))


def test_a_trial_stops_where_its_own_patients_say_so() -> None:
    ready = assembled(watched(missing=LOST))
    study, rule = ready.study, ready.built.study.safety
    assert rule is not None
    trials = draw_trials(study, ready.sources[0].truth(0, 200), 0, 200)

    found = monitor_harm(rule, study.plan, trials, analysed_month=12.0)

    boundary = dict(zip(rule.looks, rule.boundary().tolist(), strict=True))
    for trial in range(200):
        judged = events = 0
        crossed = -1
        for patient in np.flatnonzero(trials.arm[trial] == 1):
            followed = bool(trials.seen[trial, 0, 1, patient])
            had = followed and trials.counts["adverse_events"][trial, 1, patient] > 0
            if not followed:  # nobody is seen between the two visits
                continue
            judged, events = judged + 1, events + had
            if crossed < 0 and judged in boundary and events >= boundary[judged]:
                crossed = rule.looks.index(judged)
        assert (found.look[trial], found.judged[-1, trial]) == (crossed, judged)
    assert found.crossed.any()


def test_a_trial_stopped_for_harm_is_no_success() -> None:
    with_rule, without = assembled(watched()), assembled(one_endpoint(events=EVENTS))

    outcomes = simulate_batch(with_rule.study, with_rule.sources[0], 0, 400)
    same = simulate_batch(without.study, without.sources[0], 0, 400).verdict

    assert outcomes.watched is not None
    stopped = outcomes.watched.crossed
    assert (same[stopped] == GO).any()
    assert (outcomes.verdict[stopped] == STOP).all()
    assert np.array_equal(outcomes.verdict[~stopped], same[~stopped])


def test_the_first_patients_are_watched_as_a_trial_of_that_size() -> None:
    ready = assembled(watched())
    small = assembled(watched(design=one_endpoint()["design"] | {"patients": 24}))

    of_sizes = simulate_sizes(ready.study, ready.sources[0], 0, 50, (24, 40))[0]

    alone = simulate_batch(small.study, small.sources[0], 0, 50)
    assert np.array_equal(of_sizes.verdict, alone.verdict)


@pytest.mark.parametrize("limit", [0.1, 0.2, 0.33])
def test_a_pocock_boundary_is_the_strictest_that_keeps_its_false_stops(limit: float) -> None:
    looks = (5, 10, 20, 30)
    rule = PocockExcess("adverse_events", 3.0, looks, limit, false_stop=0.05)
    boundary, at = rule.boundary(), np.array(looks)

    levels = rule.evidence(boundary)
    assert chance_of_stopping(at, boundary, limit).sum() <= 0.05
    # Whoever lets events of the next larger tail probability stop too stops too often.
    one_fewer = [rule.evidence(boundary - np.eye(4, dtype=np.int64)[k])[k] for k in range(4)]
    easier = boundary.copy()
    easier[int(np.argmin(one_fewer))] -= 1
    assert min(one_fewer) > np.nanmax(levels)
    assert chance_of_stopping(at, easier, limit).sum() > 0.05


def test_the_command_prints_the_boundary_and_what_it_detects(tmp_path: Path) -> None:
    rule = {"looks": [5, 10, 15, 20, 25, 30, 35, 40], "certainty": 0.95, "prior": [1, 1]}
    text = (
        BASE.replace("patients = 20", "patients = 120")
        + "[events.adverse_events]\nper_month = 0.1\n"
    )
    keys = "".join(f"{key} = {value!r}\n" for key, value in (RULE | rule).items())
    (tmp_path / "base.toml").write_text(f"{text}[safety]\n{keys}")

    values = printed("safety", tmp_path / "base.toml", "--rate", "0.35")
    screen = phase2sim("safety", tmp_path / "base.toml").output

    # Case SB001 of tests/published/safety_boundaries.csv, computed by R 4.2.2.
    events = [row["events_that_stop"] for row in values["boundary"]]
    assert events == [3, 5, 6, 7, 9, 10, 11, 13]
    assert values["boundary"][0]["evidence"] == pytest.approx(0.98304, abs=1e-8)
    assert values["stopping"][0]["stops"] == pytest.approx(0.819332119463455, abs=1e-8)
    assert values["stopping"][0]["expected_treated"] == pytest.approx(20.4099192563439, abs=1e-8)
    assert "events that stop" in screen


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"events": {}}, r"events\.adverse_events is missing"),
        ({"safety": RULE | {"by_month": 6}}, r"safety\.by_month is 6"),
        ({"safety": RULE | {"looks": [10, 40]}}, r"safety\.looks ends at 40"),
        ({"safety": RULE | {"looks": [10, 5]}}, r"safety\.looks is \[10, 5\]"),
        ({"safety": RULE | {"limit": 1.5}}, r"safety\.limit is 1.5"),
        ({"safety": RULE | {"event": "rash"}}, r"safety\.event is 'rash'"),
    ],
)
def test_a_rule_that_does_not_fit_the_trial_is_refused(changes: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        assembled(watched() | changes)

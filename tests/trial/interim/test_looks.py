"""Interim looks at simulated trials: when, on which data, and where trials stop."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from support.agreement import assert_agrees, se_of_share
from support.looks import sequential, with_looks
from support.small_trials import Table, assembled, scenario

from phase2sim.core.contracts import GO, STOP, Trials
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.studies.real_data import analyse
from phase2sim.studies.single_trial import replay
from phase2sim.theory.group_sequential.boundaries import boundaries
from phase2sim.theory.group_sequential.classical_bounds import NoEfficacy
from phase2sim.theory.group_sequential.conditional_power import conditional_power
from phase2sim.theory.group_sequential.futility import ZLimit
from phase2sim.theory.group_sequential.spending import OBrienFlemingType, PocockType, Spending
from phase2sim.trial.engine import Outcomes, draw_trials, simulate_batch
from phase2sim.trial.interim.trial_ends import FOR_EFFICACY, FOR_FUTILITY, REASONS, TO_THE_END
from phase2sim.trial.patient_csv import patients_csv

POISSON = {"kind": "poisson", "per_month": 6.0}
RULE = {
    "efficacy": {"kind": "pocock_spending"},
    "futility": {"kind": "conditional_power", "at_least": [0.2]},
}
POCOCK = boundaries(np.array([30 / 80, 0.75, 1.0]), 0.025, PocockType())
DROPOUT = {"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 12}}
ANCOVA = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}
FISHER = {"responder": "c_peptide_preserved", "month": 12, "method": "fisher"}


@cache
def ready(method: str) -> AssembledScenario:
    table = FISHER if method == "fisher" else ANCOVA | {"method": method}
    effect = {"effect": 0.13, "month": 12, "shape": "linear"}
    return assembled(
        with_looks(
            recruitment=POISSON,
            stopping=RULE,
            missing=DROPOUT,
            truth={"target": {"c_peptide": effect}},
            analysis=[table],
        )
    )


def run(made: AssembledScenario, trials: int, first: int = 0, truth: str = "target") -> Outcomes:
    (source,) = (source for source in made.sources if source.label == truth)
    return simulate_batch(made.study, source, first, trials)


def stopped_for_real(made: AssembledScenario, trial: int, folder: Path) -> tuple[int, int, int]:
    """Last look, reason and verdict of one trial whose later data are never made."""
    study = made.study
    trials = draw_trials(study, made.sources[0].truth(trial, 1), trial, 1)
    months = look_months(trials)
    for number, month in enumerate([*months, np.inf]):
        path = folder / f"{trial}-{number}.csv"
        path.write_text(data_of(made, trials, float(month)), encoding="utf-8")
        (finding,) = analyse(made.built, path).findings
        z, bound = -norm.ppf(finding.p_one_sided), POCOCK.efficacy[number]
        is_last = number == len(months)
        if z >= bound or is_last:
            return number, TO_THE_END if is_last else FOR_EFFICACY, GO if z >= bound else STOP
        fraction = POCOCK.information[number]
        if conditional_power(z, fraction, POCOCK.efficacy[-1]) < 0.2:
            return number, FOR_FUTILITY, STOP
    raise AssertionError


def look_months(trials: Trials) -> list[float]:
    """When the 30th, and the 60th, patient is due at month 12."""
    assert trials.arrivals is not None
    ordered = sorted(trials.arrivals.months[0])
    return [ordered[29] + 12, ordered[59] + 12]


def data_of(made: AssembledScenario, trials: Trials, month: float) -> str:
    text = patients_csv(made.study, trials, None if np.isinf(month) else month)
    if made.built.scenario.analysis[0]["method"] != "fisher" or np.isinf(month):
        return text
    # It takes who is missing for a failure: patients on the way are left out.
    head, *rows = text.splitlines()
    enrolled = head.split(",").index("enrolled_months")
    due = [row for row in rows if float(row.split(",")[enrolled]) + 12 <= month]
    return "\n".join([head, *due]) + "\n"


@pytest.mark.parametrize("method", ["ancova", "mmrm", "wilcoxon", "fisher"])
def test_looks_judged_afterwards_are_those_of_trials_that_really_stop(
    method: str, tmp_path: Path
) -> None:
    made, trials = ready(method), 25
    went = run(made, trials).ended
    assert went is not None

    real = [stopped_for_real(made, trial, tmp_path) for trial in range(trials)]

    found = zip(went.course.last, went.course.why, went.course.verdict[:, 0], strict=True)
    assert [tuple(map(int, one)) for one in found] == real
    assert len({why for _, why, _ in real}) > 1


def test_estimates_at_the_end_are_those_of_the_last_look() -> None:
    outcomes = run(ready("ancova"), 200)
    went = outcomes.ended
    assert went is not None

    for trial in range(200):
        look = outcomes.looks[went.course.last[trial]]
        assert outcomes.estimates[0].effect[trial] == look.estimates[0].effect[trial]
        assert outcomes.months[trial] == look.months[trial]


def test_patients_and_months_are_counted_from_the_arrivals() -> None:
    made = assembled(
        with_looks(recruitment=POISSON, design=sequential(months_to_decide=2.0), stopping=RULE)
    )
    outcomes = run(made, 50)

    for trial in range(50):
        trials = draw_trials(made.study, made.sources[0].truth(trial, 1), trial, 1)
        assert trials.arrivals is not None
        months = trials.arrivals.months[0]
        for number, data in enumerate(look_months(trials)):
            look = outcomes.looks[number]
            assert look.months[trial] == data + 2.0
            assert look.enrolled[trial] == sum(month <= data + 2.0 for month in months)
            assert look.due[0, trial] == (30, 60)[number]
        assert outcomes.looks[-1].months[trial] == max(months) + 12
        assert outcomes.looks[-1].enrolled[trial] == 80


def test_batches_do_not_show() -> None:
    made = ready("mmrm")
    whole = run(made, 40)
    parts = [run(made, 15), run(made, 25, first=15)]

    for number, look in enumerate(whole.looks):
        for name in ("effect", "se", "p"):
            joined = [getattr(part.looks[number].estimates[0], name) for part in parts]
            assert np.array_equal(
                getattr(look.estimates[0], name), np.concatenate(joined), equal_nan=True
            )
    verdicts = np.concatenate([part.verdict for part in parts])
    assert np.array_equal(whole.verdict, verdicts)


LARGE = 1_000
EXACT_LOOKS = [{"share": 0.3, "month": 12}, {"share": 0.6, "month": 12}]
EXACT_RULE = {
    "efficacy": {"kind": "obrien_fleming_spending"},
    "futility": {"kind": "z", "at_least": [-0.2, 0.5]},
}


@pytest.mark.parametrize("truth", ["target", "null"])
def test_stage_by_stage_probabilities_are_exact(truth: str) -> None:
    """With 1,000 patients a t test is a z test."""
    effect, sd, trials = 0.05, 0.3, 4_000
    made = assembled(
        with_looks(
            design=sequential(patients=LARGE, visits_months=[0, 12], looks=EXACT_LOOKS),
            stopping=EXACT_RULE,
            recruitment={"kind": "steady", "per_month": 50},
            truth={"target": {"c_peptide": {"effect": effect, "month": 12, "shape": "linear"}}},
            analysis=[{"endpoint": "c_peptide", "month": 12, "method": "t_test"}],
        )
    )
    information = np.array([0.3, 0.6, 1.0])
    bounds = boundaries(information, 0.025, OBrienFlemingType(), ZLimit((-0.2, 0.5)))
    exact = bounds.exits(effect / (sd * (4 / LARGE) ** 0.5) if truth == "target" else 0.0)
    batch = made.study.batch
    sizes = [(first, min(batch, trials - first)) for first in range(0, trials, batch)]
    stops = np.zeros((2, 3))

    for first, size in sizes:
        went = run(made, size, first, truth).ended
        assert went is not None
        shown = went.course.verdict[:, 0] == GO
        for look in range(3):
            here = went.course.last == look
            stops[:, look] += (here & shown).sum(), (here & ~shown).sum()

    assert_agrees(stops / trials, exact, se_of_share(exact, trials) + 1e-12)


def _characteristics(table: Table, trials: int) -> dict[Any, Any]:
    found = simulate(scenario(table), trials=trials)
    return {(row.name, row.truth, row.look): row.measured for row in found.characteristics}


def test_a_look_that_cannot_be_answered_stops_nobody_and_is_counted() -> None:
    looks = [{"patients": 2, "month": 12}, {"patients": 60, "month": 12}]
    table = with_looks(design=sequential(looks=looks), stopping=RULE)

    found = _characteristics(table, 60)

    assert found["failed_look", "null", 1].estimate == 1.0
    assert found["failed_look", "null", 2].estimate == 0.0
    assert found["stop_futility", "null", 1].estimate == 0.0
    assert found["stop_futility", "null", 2].estimate > 0.0
    assert found["type_i_error", "null", None].used == 60


def test_a_look_by_calendar_after_the_last_readout_is_not_held() -> None:
    # 80 patients in about 8 months, so that the last readout is at about month 20.
    looks = [
        {"calendar_months": 14, "information": 0.2},
        {"calendar_months": 60, "information": 0.9},
    ]
    made = assembled(with_looks(design=sequential(looks=looks), stopping=RULE))
    outcomes = run(made, 100)
    went = outcomes.ended
    assert went is not None

    assert (went.course.last != 1).all()
    # 10 patients a month from the first day on: those of the first 2 months have had month 12.
    assert (outcomes.looks[0].due[0] == 21).all()
    assert not went.course.failed[1].any()


def test_co_primary_stops_where_both_cross_and_for_futility_where_one_is_below() -> None:
    analyses = [ANCOVA, ANCOVA | {"month": 6}]
    rule = RULE | {"futility": {"kind": "z", "at_least": [0.3]}}
    made = assembled(
        with_looks(
            analysis=analyses,
            stopping=rule,
            decision={"kind": "co_primary", "one_sided_alpha": 0.025},
        )
    )
    outcomes = run(made, 300)
    went = outcomes.ended
    assert went is not None
    z = -norm.ppf([one.p for one in outcomes.looks[0].estimates])
    both = (z >= POCOCK.efficacy[0]).all(axis=0)
    below = (z < 0.3).any(axis=0)

    first = went.course.last == 0
    assert np.array_equal(first & (went.course.why == FOR_EFFICACY), both)
    assert np.array_equal(first & (went.course.why == FOR_FUTILITY), below & ~both)
    assert (both.sum(), below.sum()) > (5, 5)


def test_a_limit_on_the_effect_is_on_the_estimate() -> None:
    futility = {"kind": "effect", "at_least": [0.05, 0.1]}
    made = assembled(with_looks(stopping={"efficacy": {"kind": "none"}, "futility": futility}))
    outcomes = run(made, 300, truth="null")
    went = outcomes.ended
    assert went is not None

    below = outcomes.looks[0].estimates[0].effect < 0.05
    assert np.array_equal(went.course.last == 0, below)
    assert 0 < below.sum() < 300


def test_pipeline_patients_count_where_the_analysis_can_use_them() -> None:
    at_look = {
        method: run(ready(method), 100).looks[0].estimates[0] for method in ("mmrm", "ancova")
    }

    # Their values at month 6 make up for some that are lost by month 12.
    assert at_look["mmrm"].se.mean() < 0.99 * at_look["ancova"].se.mean()


def rates_of(trials: Trials, months: float, visits: tuple[float, ...]) -> Iterator[float]:
    """Events a month at risk of each arm, control first, of one trial at a calendar month."""
    assert trials.arrivals is not None
    for arm in (0, 1):
        events = at_risk = 0.0
        for p in np.flatnonzero(trials.arm[0] == arm):
            there = [
                v
                for v, month in enumerate(visits)
                if trials.arrivals.months[0, p] + month <= months and trials.seen[0, 0, v, p]
            ]
            if there:
                events += trials.counts["hypoglycaemia"][0, there[-1], p]
                at_risk += visits[there[-1]]
        yield events / at_risk


def test_counts_of_patients_on_the_way_enter_with_their_time() -> None:
    made = assembled(
        with_looks(
            recruitment=POISSON,
            missing=DROPOUT,
            events={"hypoglycaemia": {"per_month": 0.5, "rate_ratio": 0.7}},
            analysis=[{"endpoint": "hypoglycaemia", "month": 12, "method": "poisson"}],
        )
    )
    found = run(made, 20).looks[0].estimates[0].effect

    for trial in range(20):
        trials = draw_trials(made.study, made.sources[0].truth(trial, 1), trial, 1)
        control, treated = rates_of(trials, look_months(trials)[0], (0.0, 6.0, 12.0))
        assert found[trial] == pytest.approx(np.log(treated / control))


def test_actual_information_moves_the_bounds_of_each_trial() -> None:
    planned = 1 / 0.045**2
    rule = {
        "efficacy": {"kind": "obrien_fleming_spending"},
        "information": "actual",
        "maximum_information": {"c_peptide": planned},
    }
    made = assembled(with_looks(stopping=rule, recruitment=POISSON, missing=DROPOUT))
    outcomes = run(made, 60)
    went = outcomes.ended
    assert went is not None

    for trial in range(60):
        look_ses = [look.estimates[0].se[trial] for look in outcomes.looks]
        p = [look.estimates[0].p[trial] for look in outcomes.looks]
        have = np.array(look_ses) ** -2.0
        spent = OBrienFlemingType().spent(np.minimum(have / planned, 1.0), 0.025)
        spent[-1] = 0.025
        # The library's bounds at any information: a spending function that says what was spent.
        shares = have / have[-1]
        said = dict(zip(shares.tolist(), spent.tolist(), strict=True))
        bounds = boundaries(shares, 0.025, _Said(said))
        crossed = norm.isf(p) >= bounds.efficacy
        first = int(np.argmax(crossed)) if crossed.any() else 2
        assert went.course.last[trial] == first
        assert (went.course.verdict[trial, 0] == GO) == crossed.any()


class _Said(Spending):
    """Spends what a table says at each fraction."""

    title = "as said"

    def __init__(self, said: dict[float, float]) -> None:
        self.said = said

    def spent(self, fraction: np.ndarray, total: float) -> np.ndarray:
        del total
        return np.array([self.said[f] for f in fraction.tolist()])


def test_without_a_stop_for_efficacy_the_end_has_the_full_level() -> None:
    futility = {"kind": "predictive_power", "at_least": [0.1, 0.2]}
    made = assembled(with_looks(stopping={"efficacy": {"kind": "none"}, "futility": futility}))
    outcomes = run(made, 400)
    went = outcomes.ended
    assert went is not None

    at_end = went.course.last == 2
    significant = outcomes.looks[2].estimates[0].p <= 0.025
    assert np.array_equal(went.course.verdict[:, 0] == GO, at_end & significant)
    assert boundaries(np.array([0.4, 1.0]), 0.025, NoEfficacy()).nominal[-1] == pytest.approx(0.025)


def test_a_replay_tells_the_looks_and_decides_as_the_run() -> None:
    made = ready("ancova")
    outcomes = run(made, 30)
    went = outcomes.ended
    assert went is not None

    for trial in range(30):
        examined, _ = replay(made, "target", trial)
        assert [seen.look for seen in examined.looks] == list(range(1, went.course.last[trial] + 2))
        assert examined.looks[-1].stopped_for == REASONS[went.course.why[trial]]
        assert (
            examined.looks[-1].enrolled == outcomes.looks[went.course.last[trial]].enrolled[trial]
        )
        assert (examined.verdicts["c_peptide"] == "go") == (outcomes.verdict[trial, 0] == GO)
        assert examined.findings[0].effect == outcomes.estimates[0].effect[trial]


def test_real_data_at_the_end_are_judged_by_the_last_bound(tmp_path: Path) -> None:
    made = ready("ancova")
    path = tmp_path / "data.csv"
    for trial in range(40):
        trials = draw_trials(made.study, made.sources[0].truth(trial, 1), trial, 1)
        path.write_text(patients_csv(made.study, trials), encoding="utf-8")
        examined = analyse(made.built, path)
        p = examined.findings[0].p_one_sided
        assert (examined.verdicts["c_peptide"] == "go") == (p <= POCOCK.nominal[-1])

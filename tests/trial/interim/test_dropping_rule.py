"""Looks that drop arms in simulated trials: which, when, and what the trial then takes."""

from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from support.agreement import assert_agrees, se_of_share
from support.dropped_arms import ARMS, RULE, multi_arm, with_arms
from support.looks import with_looks
from support.small_trials import Table, assembled, scenario

from phase2sim.core.arrays import Bools
from phase2sim.core.contracts import GO, STOP, Trials
from phase2sim.core.errors import BadData, BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario, build_scenario
from phase2sim.studies.prediction.predict import predict
from phase2sim.studies.real_data import analyse
from phase2sim.studies.single_trial import replay
from phase2sim.studies.store.batches import decode_batch, encode_batch
from phase2sim.theory.group_sequential.classical_bounds import OBrienFleming
from phase2sim.theory.group_sequential.futility import ZLimit
from phase2sim.theory.group_sequential.multi_arm_boundaries import ArmBoundaries, arm_boundaries
from phase2sim.trial.batch_results import BatchResults
from phase2sim.trial.engine import Outcomes, draw_trials, simulate_batch
from phase2sim.trial.interim.dropping_rule import DroppingRule
from phase2sim.trial.interim.look import ArmsSeen
from phase2sim.trial.interim.trial_ends import (
    FOR_EFFICACY,
    FOR_FUTILITY,
    TO_THE_END,
    ArmCourse,
    TrialEnds,
)
from phase2sim.trial.patient_csv import patients_csv

BOUNDS = arm_boundaries(
    np.array([0.3, 0.6, 1.0]), 0.025, OBrienFleming(), ZLimit((0.0, 0.5)), (0.5**0.5,) * 2
)
DROPOUT = {"dropout": {"mechanism": "mcar", "share": 0.2, "by_month": 6}}
TRIALS = 60


@cache
def ready(method: str = "ancova") -> AssembledScenario:
    return assembled(with_arms(method, missing=DROPOUT))


@cache
def outcomes(method: str = "ancova", truth: str = "target") -> Outcomes:
    made = ready(method)
    (source,) = (source for source in made.sources if source.label == truth)
    return simulate_batch(made.study, source, 0, TRIALS)


def followed(one: Outcomes) -> tuple[TrialEnds, ArmCourse, ArmsSeen]:
    assert one.ended is not None
    course, seen = one.ended.course.arms, one.ended.look.arms
    assert course is not None
    assert seen is not None
    return one.ended, course, seen


class Real:
    """One trial whose dropped arms really recruit nobody more, and that really stops."""

    def __init__(self, made: AssembledScenario, trial: int, folder: Path) -> None:
        self.made, self.path = made, folder / f"{trial}.csv"
        source = made.sources[0]
        self.trials = draw_trials(made.study, source.truth(trial, 1), trial, 1)
        assert self.trials.arrivals is not None
        self.arrivals = self.trials.arrivals.months[0]
        self.recruited: Bools = np.ones(self.arrivals.size, np.bool_)
        self.there = [True, True]
        self.last, self.why = 2, TO_THE_END
        self.arm_last, self.verdict = [2, 2], [STOP, STOP]
        self.run()

    def run(self) -> None:
        places = np.sort(self.arrivals)
        for look, month in enumerate([places[26] + 6, places[53] + 6, np.inf]):
            self.held(look, float(month))
            if self.why != TO_THE_END:
                self.recruited &= self.arrivals <= month
                return

    def held(self, look: int, month: float) -> None:
        until = None if np.isinf(month) else month
        kept: Trials = replace(self.trials, recruited=self.recruited[None])
        self.path.write_text(patients_csv(self.made.study, kept, until), encoding="utf-8")
        z = [-norm.ppf(one.p_one_sided) for one in analyse(self.made.built, self.path).findings]
        arms = list(zip(self.there, z, strict=True))
        above = [here and one >= BOUNDS.efficacy[look] for here, one in arms]
        self.verdict = [GO if shown else STOP for shown in above]
        if look == 2:
            return
        out = [here and one <= BOUNDS.futility[look] for here, one in arms]
        self.last = look
        for arm in range(2):
            if out[arm]:
                self.there[arm], self.arm_last[arm] = False, look
                late = (self.arrivals > month) & (self.trials.arm[0] == arm + 1)
                self.recruited = self.recruited & ~late
        if any(above) or not any(self.there):
            self.why = FOR_EFFICACY if any(above) else FOR_FUTILITY
            lasts = zip(self.there, self.arm_last, strict=True)
            self.arm_last = [look if here else at for here, at in lasts]
        else:
            self.last = 2

    @property
    def patients(self) -> list[int]:
        """Recruited in each arm, control last."""
        return [int((self.recruited & (self.trials.arm[0] == arm)).sum()) for arm in (1, 2, 0)]

    @property
    def months(self) -> float:
        """To the end of a trial that no look stops."""
        here = [0, *(arm + 1 for arm in range(2) if self.there[arm])]
        return float(self.arrivals[np.isin(self.trials.arm[0], here)].max()) + 6


@pytest.mark.parametrize("method", ["ancova", "mmrm"])
def test_arms_dropped_afterwards_are_those_of_trials_that_really_drop_them(
    method: str, tmp_path: Path
) -> None:
    one = outcomes(method)
    went, course, seen = followed(one)

    real = [Real(ready(method), trial, tmp_path) for trial in range(20)]

    for trial, says in enumerate(real):
        assert course.last[:, trial].tolist() == says.arm_last
        assert (went.course.last[trial], went.course.why[trial]) == (says.last, says.why)
        assert one.verdict[trial, :2].tolist() == says.verdict
        assert one.verdict[trial, 2] == max(says.verdict)
        assert [*seen.enrolled[:, trial], seen.control_enrolled[trial]] == says.patients
        assert went.look.enrolled[trial] == sum(says.patients)
        if says.why == TO_THE_END:
            assert one.months[trial] == pytest.approx(says.months)
    assert any(sum(says.patients) < 90 and says.last == 2 for says in real)


def test_estimates_of_an_arm_are_those_of_its_own_last_look() -> None:
    one = outcomes(truth="null")
    _, course, _ = followed(one)

    for arm in range(2):
        for trial in range(TRIALS):
            look = one.looks[course.last[arm, trial]]
            assert one.estimates[arm].effect[trial] == look.estimates[arm].effect[trial]
            assert one.missing[arm, trial] == look.missing[arm, trial]
    assert (course.last[0] != course.last[1]).any()


def test_batches_do_not_show() -> None:
    made = ready()
    source = made.sources[0]
    whole = followed(simulate_batch(made.study, source, 0, 20))
    parts_of = [followed(simulate_batch(made.study, source, first, 10)) for first in (0, 10)]

    for number, kind in ((1, ArmCourse), (2, ArmsSeen)):
        for field in fields(kind):
            joined = [getattr(part[number], field.name) for part in parts_of]
            assert np.array_equal(
                getattr(whole[number], field.name), np.concatenate(joined, axis=-1)
            )


def test_the_order_of_the_analyses_is_nothing_but_an_order() -> None:
    """Arms of different size, so that each must find its own."""
    design = multi_arm(allocation=[3, 2, 1])
    both = with_arms(design=design), with_arms(design=design, analysis=analyses()[::-1])
    found = []
    for table in both:
        made = assembled(table)
        found.append(followed(simulate_batch(made.study, made.sources[0], 0, 20)))

    (went, course, seen), (again, reversed_course, reversed_seen) = found
    assert np.array_equal(course.last, reversed_course.last[::-1])
    assert np.array_equal(seen.enrolled, reversed_seen.enrolled[::-1])
    assert np.array_equal(went.look.months, again.look.months)
    assert seen.enrolled.max(axis=1).tolist() == [30, 15]


def judged(one: Outcomes, stopping: Table) -> tuple[TrialEnds, DroppingRule]:
    """The same trials by another rule."""
    built = build_scenario(scenario(with_arms(stopping=stopping, missing=DROPOUT)))
    assert built.study.interim is not None
    rule = built.study.interim.rule
    assert isinstance(rule, DroppingRule)
    return rule.end_trials(built.study.decision, built.study.hypotheses, one.looks), rule


def test_only_the_best_arm_goes_on_where_one_is_kept() -> None:
    one = outcomes()
    went, rule = judged(one, {"efficacy": {"kind": "none"}, "keep_best": [1, 1]})
    course = went.course.arms
    assert course is not None
    p = np.stack([each.p for each in one.looks[0].estimates])

    assert np.array_equal(course.dropped[0], p[0] > p[1])
    assert np.array_equal(course.dropped[1], p[1] > p[0])
    assert (course.last[course.dropped] == 0).all()
    assert (went.course.last == 2).all()
    assert rule.bounds.nominal[-1] < 0.025


def test_the_best_arm_has_the_smallest_p_of_those_that_are_a_go() -> None:
    one = outcomes()
    _, course, _ = followed(one)
    go = one.verdict[:, :2].T == GO
    p = np.stack([each.p for each in one.estimates])

    assert (course.best == -1).sum() == (~go.any(axis=0)).sum()
    for trial in np.flatnonzero(go.any(axis=0)):
        assert go[course.best[trial], trial]
        assert p[course.best[trial], trial] == p[go[:, trial], trial].min()


def test_a_failed_look_at_an_arm_drops_nobody_and_is_counted() -> None:
    # After 6 patients an analysis of covariance of an arm often has too few.
    looks = [{"patients": 3, "month": 6}, {"share": 0.6, "month": 6}]
    made = assembled(with_arms(design=multi_arm(looks=looks)))
    one = simulate_batch(made.study, made.sources[0], 0, 20)
    went, course, _ = followed(one)
    failed = np.stack([each.failed for each in one.looks[0].estimates])

    assert failed.all()
    assert went.course.failed[0].all()
    assert (course.last > 0).all()


@pytest.mark.parametrize("truth", ["target", "null"])
def test_stage_by_stage_probabilities_are_exact(truth: str) -> None:
    """With 300 patients an arm a t test is nearly a z test."""
    trials, patients, effect, sd = 1_500, 900, 0.05, 0.3
    made = assembled(
        with_arms(
            "t_test",
            design=multi_arm(patients=patients, visits_months=[0, 6]),
            recruitment={"kind": "steady", "per_month": 100},
            truth={
                "target": {"c_peptide": {"effect": effect, "month": 6, "shape": "linear"}},
                "share_of_effect": {"low": 0.5},
            },
        )
    )
    (source,) = (source for source in made.sources if source.label == truth)
    drift = np.array([0.5, 1.0]) * effect / (sd * (2 / (patients / 3)) ** 0.5)
    exact = BOUNDS.fates(drift if truth == "target" else np.zeros(2))
    counts = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2)

    for first in range(0, trials, made.study.batch):
        size = min(made.study.batch, trials - first)
        one = simulate_batch(made.study, source, first, size)
        went, course, _ = followed(one)
        shown = one.verdict[:, 2] == GO
        for k in range(3):
            here = went.course.last == k
            counts[0][:, k] += (here & shown).sum(), (here & ~shown).sum()
            counts[1][:, k] += (course.dropped & (course.last == k)).sum(axis=1)
        counts[2][:] += (one.verdict[:, :2] == GO).sum(axis=0)

    stops = np.stack([exact.efficacy, exact.futility])
    for found, chance in (
        (counts[0], stops),
        (counts[1][:, :2], exact.dropped[:, :2]),
        (counts[2], exact.crossed.sum(axis=1)),
    ):
        assert_agrees(found / trials, chance, se_of_share(chance, trials) + 1e-12)


def test_a_replay_tells_which_arms_were_dropped_and_leaves_out_who_never_came(
    tmp_path: Path,
) -> None:
    made, one = ready(), outcomes()
    went, course, seen = followed(one)
    early = (course.dropped & (course.last == 0)).sum(axis=0) == 1
    trial = int(np.flatnonzero(early & (went.course.last == 2))[0])
    (out,) = np.flatnonzero(course.last[:, trial] == 0)

    examined, text = replay(made, "target", trial)

    path = tmp_path / "trial.csv"
    path.write_text(text, encoding="utf-8")
    found = analyse(made.built, path)
    assert found.findings[1 - out].p_one_sided == pytest.approx(one.estimates[1 - out].p[trial])
    patients = {row.split(",")[0] for row in text.splitlines()[1:] if f",{ARMS[out]}," in row}
    assert len(patients) == seen.enrolled[out, trial] < 30
    look = examined.looks[course.last[out, trial]]
    assert look.dropped == (made.study.names[out],)
    assert made.study.names[out] not in examined.looks[-1].p_one_sided


def test_stored_looks_are_judged_as_those_of_a_run() -> None:
    one = outcomes()
    final = one.looks[-1]
    answers = BatchResults(0, final.estimates, one.true_effect, final.missing, one.looks)

    back = decode_batch(encode_batch({"target": answers}, ready().study.names))["target"]

    study = ready().study
    assert study.interim is not None
    again = study.interim.rule.end_trials(study.decision, study.hypotheses, back.looks)
    assert np.array_equal(again.course.verdict, one.verdict)
    assert np.array_equal(again.look.months, one.months)
    assert again.look.arms is not None
    assert np.array_equal(again.look.arms.enrolled, followed(one)[2].enrolled)


def analyses(**of_second: object) -> list[Table]:
    first = {"endpoint": "c_peptide", "month": 6, "method": "ancova", "arm": "low"}
    return [first, first | {"arm": "high"} | of_second]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"design": multi_arm(arms=["placebo", "low"], allocation=[1, 1])}, "group_sequential"),
        ({"design": multi_arm(randomisation="minimisation")}, "permuted_blocks"),
        ({"design": multi_arm(looks=[])}, "looks is empty"),
        ({"decision": {"kind": "holm", "one_sided_alpha": 0.025}}, "decision.kind is 'holm'"),
        ({"decision": {"kind": "dunnett", "one_sided_alpha": 0.025}}, "step_down = false"),
        ({"analysis": analyses()[:1]}, "none is of arm 'high'"),
        ({"analysis": analyses(method="welch")}, "analysis[2].method is 'welch'"),
        ({"stopping": RULE | {"information": "actual"}}, "stopping.information"),
        ({"stopping": RULE | {"verdict": "c_peptide_low"}}, "stopping.verdict"),
        ({"stopping": RULE | {"keep_best": [1]}}, "each of the 2 interim looks"),
        ({"stopping": RULE | {"keep_best": [1, 2]}}, "must not rise"),
        ({"stopping": RULE | {"futility": {"kind": "z", "at_least": [5.0]}}}, "stopping.futility"),
        (
            {"stopping": RULE | {"futility": {"kind": "beta_spending", "beta": 0.2}}},
            "stopping.futility.kind is 'beta_spending'",
        ),
        (
            {"stopping": RULE | {"futility": {"kind": "effect", "at_least": [0.1]}}},
            "stopping.futility.kind is 'effect'",
        ),
        (
            {
                "stopping": RULE
                | {"futility": {"kind": "conditional_power", "at_least": [0.1], "benefit": 0.1}}
            },
            "stopping.futility.benefit is 0.1",
        ),
        (
            {"stopping": RULE | {"efficacy": {"kind": "haybittle_peto", "z": 1.0}}},
            "stopping.efficacy",
        ),
        (
            {"decision": {"kind": "dunnett", "one_sided_alpha": 0.0, "step_down": False}},
            "one_sided_alpha is 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_key_and_reason(changes: Table, says: str) -> None:
    with pytest.raises(BadScenario) as refused:
        build_scenario(scenario(with_arms(**changes)))

    assert says in str(refused.value)


def test_an_end_is_not_foretold_where_arms_may_be_gone(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="which arms a look has dropped"):
        predict(ready().built, tmp_path / "data.csv")


def test_one_treated_arm_has_no_use_for_keys_of_several() -> None:
    rule = {"efficacy": {"kind": "pocock"}, "keep_best": [1, 1]}

    with pytest.raises(BadScenario, match=r"stopping\.keep_best is for several arms"):
        build_scenario(scenario(with_looks(stopping=rule)))


def test_the_rule_says_what_the_level_counts_on() -> None:
    built = build_scenario(scenario(with_arms()))
    assert built.study.interim is not None
    rule = built.study.interim.rule
    assert isinstance(rule, DroppingRule)

    assert "not binding" in rule.title
    bounds: ArmBoundaries = rule.bounds
    assert bounds.efficacy == pytest.approx(BOUNDS.efficacy)

"""Trials whose size is re-estimated at a look: how large, on which data, and at which level."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind
from support.agreement import assert_agrees, se_of_share
from support.looks import sequential, with_looks
from support.small_trials import Table, assembled

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, Trials
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.studies.single_trial import replay
from phase2sim.theory.group_sequential.sample_size_reestimation import SecondStage
from phase2sim.trial.engine import Outcomes, draw_trials, simulate_batch

PROMISING: Table = {
    "kind": "promising_zone", "from_power": 0.3, "power": 0.9, "most_patients": 160,
}  # fmt: skip
BLINDED: Table = {"kind": "blinded_variance", "effect": 0.2, "power": 0.9, "most_patients": 160}
NONE = {"efficacy": {"kind": "none"}}
T_TEST = {"endpoint": "c_peptide", "month": 12, "method": "t_test"}
CRITICAL = 1.959964


def resizing(reestimation: Table, analysis: Table = T_TEST, **changes: object) -> AssembledScenario:
    looks = [{"patients": 40, "month": 12}]
    table = {
        "design": sequential(looks=looks, reestimation=reestimation),
        "stopping": NONE,
        "analysis": [analysis],
    }
    return assembled(with_looks(**(table | changes)))


def run(made: AssembledScenario, trials: int, truth: str = "target", first: int = 0) -> Outcomes:
    (source,) = (source for source in made.sources if source.label == truth)
    return simulate_batch(made.study, source, first, trials)


def one(made: AssembledScenario, trial: int) -> Trials:
    return draw_trials(made.study, made.sources[0].truth(trial, 1), trial, 1)


def p_of(trials: Trials, part: slice) -> float:
    """One-sided p of treated above control at month 12, of a slice of the patients."""
    arm, value = trials.arm[0, part], trials.value[0, 0, 2, part]
    return float(ttest_ind(value[arm == 1], value[arm == 0], alternative="greater").pvalue)


def test_stages_are_combined_as_inverse_normals_with_planned_weights() -> None:
    made = resizing(PROMISING)
    outcomes = run(made, 25)

    for trial in range(25):
        trials, final = one(made, trial), outcomes.looks[-1]
        n = int(final.enrolled[trial])
        z = norm.isf([p_of(trials, slice(40)), p_of(trials, slice(40, n))])
        combined = np.sqrt(0.5) * z[0] + np.sqrt(0.5) * z[1]
        assert norm.isf(final.estimates[0].p[trial]) == pytest.approx(combined, abs=1e-9)
        assert (outcomes.verdict[trial, 0] == GO) == (combined >= -norm.ppf(0.025))
    assert len(set(outcomes.looks[-1].enrolled)) > 3


def test_power_and_size_are_those_of_theory() -> None:
    """The theory agrees with R and rpact, as its own tests show."""
    n, trials, effect, sd = 800, 4_000, 0.03, 0.3
    zone = PROMISING | {"most_patients": 2 * n}
    looks = [{"patients": n // 2, "month": 12}]
    target = {"c_peptide": {"effect": effect, "month": 12, "shape": "linear"}}
    made = resizing(
        zone,
        design=sequential(patients=n, visits_months=[0, 12], looks=looks, reestimation=zone),
        recruitment={"kind": "steady", "per_month": 50},
        truth={"target": target},
    )
    # Numbers of all arms stand for those of one: only their ratios matter.
    theory = SecondStage(n / 2, n / 2, n / 2, 1.5 * n, (np.inf, CRITICAL), 0.3, 0.9)
    power, mean, changed = theory.operating(effect / (sd * (4 / (n / 2)) ** 0.5))
    batches = [
        run(made, min(made.study.batch, trials - first), first=first)
        for first in range(0, trials, made.study.batch)
    ]
    shown = np.concatenate([batch.verdict[:, 0] == GO for batch in batches])
    sizes: Floats = np.concatenate([batch.looks[-1].enrolled for batch in batches]).astype(float)

    assert_agrees(shown.mean(), power, se_of_share(power, trials))
    assert_agrees((sizes > n).mean(), changed, se_of_share(changed, trials))
    # Sizes are rounded up to whole pairs, 1 patient on average.
    assert_agrees(sizes.mean() - changed, mean, sizes.std() / trials**0.5)


def test_blinded_variance_asks_for_as_many_as_the_formula() -> None:
    made = resizing(BLINDED)
    outcomes = run(made, 25)

    for trial in range(25):
        value = one(made, trial).value[0, 0, 2, :40]
        needed = 4 * (norm.ppf(0.9) + norm.ppf(0.975)) ** 2 * value.var(ddof=1) / 0.2**2
        n = int(np.clip(2 * np.ceil(needed / 2), 80, 160))
        assert outcomes.looks[-1].enrolled[trial] == n
        p = p_of(one(made, trial), slice(n))
        assert outcomes.looks[-1].estimates[0].p[trial] == pytest.approx(p, rel=1e-9)
    assert len(set(outcomes.looks[-1].enrolled)) > 3


def test_given_the_baseline_the_variance_is_that_of_the_residuals() -> None:
    made = resizing(BLINDED | {"effect": 0.15}, T_TEST | {"method": "ancova"})
    outcomes = run(made, 10)

    for trial in range(10):
        values = one(made, trial).value[0, 0, :, :40]
        residual = values[2] - np.polyval(np.polyfit(values[0], values[2], 1), values[0])
        needed = 4 * (norm.ppf(0.9) + norm.ppf(0.975)) ** 2 * (residual**2).sum() / 38 / 0.15**2
        n = int(np.clip(2 * np.ceil(needed / 2), 80, 160))
        assert outcomes.looks[-1].enrolled[trial] == n


def test_nobody_beyond_the_planned_number_enrols_before_the_decision() -> None:
    # All 80 are there after 1 month, long before the look at month 12.
    made = resizing(PROMISING, recruitment={"kind": "steady", "per_month": 80})
    outcomes = run(made, 40)
    final, look = outcomes.looks[-1], outcomes.looks[0]

    assert (look.enrolled == 80).all()
    enlarged = final.enrolled > 80
    assert np.array_equal(final.months[enlarged], look.months[enlarged] + 12)
    assert final.months[~enlarged] == pytest.approx(79 / 80 + 12)


def test_a_replay_has_the_patients_of_its_own_trial() -> None:
    made = resizing(PROMISING)
    sizes = run(made, 6).looks[-1].enrolled

    for trial in range(6):
        _, patients = replay(made, "target", trial)
        assert len(patients.splitlines()) == 1 + 2 * sizes[trial]  # two visits after baseline


@pytest.mark.parametrize(
    "changes", [BLINDED | {"one_sided_alpha": 0.05}, PROMISING | {"critical_z": 1.5}]
)
def test_a_size_for_a_test_at_another_level_is_refused(changes: Table) -> None:
    with pytest.raises(BadScenario, match=r"decision\.one_sided_alpha is 0\.025"):
        resizing(changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"most_patients": 80}, "most_patients is 80; it must be more than the 80"),
        ({"from_power": 0.95}, "design.reestimation.from_power is 0.95; it must lie"),
        ({"kind": "sequential"}, r"design.reestimation.kind .*'promising_zone'|Use one of"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadScenario, match=said):
        resizing(PROMISING | changes)
    with pytest.raises(BadScenario, match="for means by ancova, t_test or welch"):
        resizing(BLINDED, {"responder": "c_peptide_preserved", "month": 12, "method": "fisher"})


@pytest.mark.parametrize("effect", [0, 1e-300, -1e-12])
def test_no_size_has_power_for_an_effect_of_nothing(effect: float) -> None:
    with pytest.raises(BadScenario, match=r"design\.reestimation\.effect is .*; give"):
        resizing(BLINDED | {"effect": effect})


def test_overrun_takes_back_stops_that_those_on_their_way_do_not_confirm() -> None:
    made = assembled(
        with_looks(
            design=sequential(analyse_overrun=True, months_to_decide=1.0),
            stopping={"efficacy": {"kind": "pocock"}},
            truth={"target": {"c_peptide": {"effect": 0.1, "month": 12, "shape": "linear"}}},
            analysis=[T_TEST],
        )
    )
    outcomes = run(made, 150)
    went, nominal = outcomes.ended, made.built.study.interim.rule.planned[0].nominal  # type: ignore[union-attr]  # it has looks
    assert went is not None

    for trial in range(150):
        look = outcomes.looks[0]
        p = p_of(one(made, trial), slice(int(look.enrolled[trial])))
        assert look.overrun_p[0, trial] == pytest.approx(p, rel=1e-9)
        if went.course.last[trial] == 0:  # the only reason is efficacy
            assert went.course.reversed[trial] == (p > nominal[0])
    assert 0 < went.course.reversed.sum() < (went.course.last < 2).sum()

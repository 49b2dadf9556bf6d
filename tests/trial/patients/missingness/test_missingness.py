"""Dropout: stated rates, what they depend on, and what they must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
from support.agreement import assert_agrees, se_of_share
from support.small_trials import Table, assembled, design, two_endpoints

from phase2sim.core.arrays import Bools
from phase2sim.core.contracts import Trials
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.trial.engine import draw_trials
from phase2sim.trial.patients.missingness.hazards import Mar, Mcar

PATIENTS = 100_000
PILOT = 100_000  # patients on whom the MAR hazard is set: its own sampling error
MONTHS = np.array([0.0, 3.0, 6.0, 12.0])
NULL = 1  # of the sources
MCAR = {"mechanism": "mcar", "share": 0.25, "by_month": 12}
MAR = {"mechanism": "mar", "share": 0.25, "by_month": 12, "endpoint": "hba1c"}


def _ready(dropout: Table, **changes: object) -> AssembledScenario:
    large = design(PATIENTS, [0, 3, 6, 12])
    return assembled(two_endpoints(design=large, missing={"dropout": dropout}, **changes))


def _untreated(ready: AssembledScenario, trials: int = 1) -> Trials:
    return draw_trials(ready.study, ready.sources[NULL].truth(0, trials), 0, trials)


def _lost(seen: Bools) -> np.ndarray:
    """Share lost by each visit."""
    return 1.0 - seen[:, 0].mean(axis=(0, 2))


@pytest.mark.parametrize("dropout", [MCAR, MAR], ids=lambda dropout: dropout["mechanism"])
def test_who_is_lost_stays_lost_with_every_endpoint_and_nobody_before_baseline(
    dropout: Table,
) -> None:
    seen = _untreated(_ready(dropout)).seen

    assert seen[:, :, 0].all()
    assert not (seen[:, :, 1:] & ~seen[:, :, :-1]).any()
    assert np.array_equal(seen[:, 0], seen[:, 1])


@pytest.mark.parametrize(("share", "by_month"), [(0.1, 12), (0.25, 12), (0.25, 6), (0.6, 24)])
def test_mcar_loses_patients_at_a_constant_hazard(share: float, by_month: float) -> None:
    seen = _untreated(_ready(MCAR | {"share": share, "by_month": by_month})).seen

    exact = 1 - (1 - share) ** (MONTHS / by_month)
    assert_agrees(_lost(seen)[1:], exact[1:], se_of_share(exact, PATIENTS)[1:])


def test_mcar_loses_both_arms_alike_whatever_the_effect() -> None:
    ready = _ready(MCAR)
    target = draw_trials(ready.study, ready.sources[0].truth(0, 1), 0, 1)

    lost = 1 - np.array([target.seen[0, 0, -1, target.arm[0] == arm].mean() for arm in (0, 1)])

    assert_agrees(lost, 0.25, se_of_share(0.25, PATIENTS // 2))


@pytest.mark.parametrize("hazard_ratio", [0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize(("endpoint", "share"), [("hba1c", 0.25), ("c_peptide", 0.1)])
def test_mar_loses_the_stated_share_of_untreated_patients(
    endpoint: str, share: float, hazard_ratio: float
) -> None:
    options = {"endpoint": endpoint, "share": share, "hazard_ratio_per_sd": hazard_ratio}

    seen = _untreated(_ready(MAR | options)).seen

    se = se_of_share(share, PATIENTS) * np.sqrt(1 + PATIENTS / PILOT)
    assert_agrees(_lost(seen)[-1], share, se)


def test_mar_meets_its_share_at_a_month_between_visits() -> None:
    ready = _ready(MAR | {"by_month": 9}, outcome=_steady())

    lost = _lost(_untreated(ready).seen)

    # By month 9 a share 0.25 is lost, so fewer by month 6 and more by month 12.
    assert lost[2] < 0.25 < lost[3]


def _steady() -> Table:
    steady = {"sd": 1.0, "correlation": 0.0}
    return {
        "hba1c": {"control_mean": 8.0, **steady},
        "c_peptide": {"control_mean": 0.5, **steady},
    }


@pytest.mark.parametrize(("endpoint", "worse"), [("hba1c", 1), ("c_peptide", -1)])
def test_one_sd_worse_multiplies_the_hazard_as_stated(endpoint: str, worse: int) -> None:
    ready = _ready(MAR | {"endpoint": endpoint, "hazard_ratio_per_sd": 2.0}, outcome=_steady())
    trials = _untreated(ready, trials=8)

    e = ("hba1c", "c_peptide").index(endpoint)
    sds_worse = worse * (trials.value[:, e, 0] - (8.0, 0.5)[e])
    lost = ~trials.seen[:, e, 1]
    log_hazard, variance = zip(
        *(_log_hazard(lost[np.abs(sds_worse - middle) < 0.1]) for middle in (0.0, 1.0)),
        strict=True,
    )

    assert_agrees(log_hazard[1] - log_hazard[0], np.log(2.0), np.sqrt(sum(variance)))


def _log_hazard(lost: Bools) -> tuple[float, float]:
    """Log cumulative hazard of a group, and its variance by the delta method."""
    share = lost.mean()
    hazard = -np.log1p(-share)
    return float(np.log(hazard)), float(share / (1 - share) / hazard**2 / lost.size)


def test_mar_with_hazard_ratio_1_loses_the_patients_that_mcar_loses() -> None:
    equal = _untreated(_ready(MAR | {"hazard_ratio_per_sd": 1.0}))
    random = _untreated(_ready(MCAR))

    assert np.array_equal(equal.seen, random.seen)


@pytest.mark.parametrize("changed", [1, 2, 3])
def test_mar_depends_on_nothing_unseen(changed: int) -> None:
    ready = _ready(MAR | {"hazard_ratio_per_sd": 3.0})
    trials = _untreated(ready)
    other = trials.value.copy()
    other[:, :, changed:] = other[:, :, changed:, ::-1]  # other patients' values from here on

    seen = ready.study.dropout.observe(replace(trials, value=other), ready.study.plan)

    known = changed + 1  # who comes to a visit was settled by the visits before it
    assert np.array_equal(seen[:, :, :known], trials.seen[:, :, :known])
    assert changed == 3 or not np.array_equal(seen, trials.seen)


def test_mar_reads_its_own_endpoint_only() -> None:
    ready = _ready(MAR | {"hazard_ratio_per_sd": 3.0})
    trials = _untreated(ready)
    other = trials.value.copy()
    other[:, 1] = other[:, 1, :, ::-1]

    seen = ready.study.dropout.observe(replace(trials, value=other), ready.study.plan)

    assert np.array_equal(seen, trials.seen)


def test_under_mar_treated_patients_who_do_better_are_lost_less() -> None:
    ready = _ready(MAR | {"hazard_ratio_per_sd": 3.0})

    target = draw_trials(ready.study, ready.sources[0].truth(0, 1), 0, 1)

    lost = [1 - target.seen[0, 0, -1, target.arm[0] == arm].mean() for arm in (0, 1)]
    assert lost[1] < lost[0] - 4 * np.sqrt(2) * se_of_share(0.25, PATIENTS // 2)


def test_mar_has_one_hazard_whatever_the_seed() -> None:
    one, other = (_ready(MAR, seed=seed).study.dropout for seed in (1, 2))

    assert np.array_equal(one.level, other.level)
    assert np.array_equal(one.slope, other.slope)


def test_a_higher_rate_loses_the_same_patients_and_more() -> None:
    some, more = (_untreated(_ready(MCAR | {"share": share})).seen for share in (0.1, 0.3))

    assert (more <= some).all()


@pytest.mark.parametrize("dropout", [MCAR, MAR], ids=lambda dropout: dropout["mechanism"])
def test_nobody_is_lost_at_share_0(dropout: Table) -> None:
    assert _untreated(_ready(dropout | {"share": 0.0})).seen.all()


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Mcar(share=share, by_month=12)
    with pytest.raises(ValueError, match="share"):
        Mar(share=share, by_month=12, endpoint="hba1c")

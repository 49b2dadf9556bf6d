"""Batches, workers and longer runs: nothing but the scenario and its seed moves a number."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.agreement import assert_agrees
from support.small_trials import Table, assembled, design, one_endpoint, scenario, two_endpoints

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import UNDECIDED, TruthSource
from phase2sim.operating.simulation import Result, simulate
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.trial.engine import Outcomes, draw_trials, simulate_batch

MELD_ATG = Path(__file__).parents[2] / "scenarios" / "meld-atg.toml"
MAR = {"mechanism": "mar", "share": 0.3, "by_month": 12, "endpoint": "hba1c"}
FEW = {"mechanism": "mcar", "share": 0.6, "by_month": 12}
ESTIMATED = ("effect", "se", "df", "p", "reason")


def _joined(batches: list[Outcomes]) -> dict[str, np.ndarray]:
    """All that the batches say of each trial."""
    fields = {
        f"{name} of analysis {number}": np.concatenate([getattr(e, name) for e in estimates])
        for name in ESTIMATED
        for number, estimates in enumerate(zip(*(b.estimates for b in batches), strict=True))
    }
    fields["true effect"] = np.concatenate([b.true_effect for b in batches], axis=1)
    fields["missing"] = np.concatenate([b.missing for b in batches], axis=1)
    fields["verdict"] = np.concatenate([b.verdict for b in batches])
    return fields


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name], equal_nan=values.dtype.kind == "f"), name


def _source(ready: AssembledScenario, label: str) -> TruthSource:
    return next(source for source in ready.sources if source.label == label)


@pytest.mark.parametrize("label", ["target", "null"])
@pytest.mark.parametrize("cuts", [range(0, 101, 10), range(101), (0, 1, 7, 64, 100)], ids=str)
def test_batch_boundaries_do_not_show(label: str, cuts: range | tuple[int, ...]) -> None:
    ready = assembled(two_endpoints(missing={"dropout": MAR}))
    source = _source(ready, label)

    whole = simulate_batch(ready.study, source, 0, 100)
    pieces = [simulate_batch(ready.study, source, a, b - a) for a, b in pairwise(cuts)]

    _same(_joined([whole]), _joined(pieces))


def test_a_failed_analysis_leaves_the_other_trials_alone() -> None:
    ready = assembled(one_endpoint(design=design(8, [0, 12]), missing={"dropout": FEW}))
    source = ready.sources[0]

    together = simulate_batch(ready.study, source, 0, 200)
    alone = [simulate_batch(ready.study, source, trial, 1) for trial in range(200)]

    failed = together.estimates[0].failed
    assert 20 < failed.sum() < 180
    assert np.array_equal(np.isnan(together.estimates[0].effect), failed)
    assert np.array_equal(together.verdict[:, 0] == UNDECIDED, failed)
    _same(_joined([together]), _joined(alone))


def test_a_failed_analysis_leaves_the_other_analyses_alone() -> None:
    early = {"endpoint": "hba1c", "month": 3, "method": "ancova"}
    late = {"endpoint": "hba1c", "month": 12, "method": "ancova"}
    table = two_endpoints(
        design=design(8, [0, 3, 6, 12]),
        missing={"dropout": FEW},
        decision={"kind": "significance", "one_sided_alpha": 0.025},
    )
    both = assembled(table | {"analysis": [early, late]})
    one = assembled(table | {"analysis": [early]})

    with_late = simulate_batch(both.study, both.sources[0], 0, 300)
    without = simulate_batch(one.study, one.sources[0], 0, 300)

    assert with_late.estimates[1].failed.sum() > with_late.estimates[0].failed.sum()
    for name in ESTIMATED:
        found, expected = (getattr(o.estimates[0], name) for o in (with_late, without))
        assert np.array_equal(found, expected, equal_nan=True)


def test_missing_is_the_share_of_patients_without_the_value_analysed() -> None:
    ready = assembled(two_endpoints(missing={"dropout": MAR}))
    source = ready.sources[0]

    outcomes = simulate_batch(ready.study, source, 5, 50)

    trials = draw_trials(ready.study, source.truth(5, 50), 5, 50)
    lost = (~trials.seen[:, :, 3]).sum(axis=2).T / 40
    assert outcomes.missing == pytest.approx(lost)


def test_the_true_effect_is_that_of_the_month_analysed() -> None:
    early = {"endpoint": "hba1c", "month": 3, "method": "ancova"}
    late = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}
    ready = assembled(two_endpoints(analysis=[early, late]))

    target = simulate_batch(ready.study, _source(ready, "target"), 0, 10)
    null = simulate_batch(ready.study, _source(ready, "null"), 0, 10)

    # -0.8 at month 12, growing in proportion to time, is -0.2 at month 3.
    assert target.true_effect == pytest.approx(np.repeat([[-0.2], [0.2]], 10, axis=1))
    assert (null.true_effect == 0).all()


def test_the_null_and_the_target_share_patients() -> None:
    ready = assembled(two_endpoints())

    target = simulate_batch(ready.study, _source(ready, "target"), 0, 50)
    null = simulate_batch(ready.study, _source(ready, "null"), 0, 50)

    for one, other, effect in zip(target.estimates, null.estimates, (-0.8, 0.2), strict=True):
        assert one.effect - other.effect == pytest.approx(np.full(50, effect))
        assert one.se == pytest.approx(other.se)


def test_two_workers_find_what_one_finds() -> None:
    meld_atg = load_scenario(MELD_ATG)

    alone, together = (simulate(meld_atg, workers=workers) for workers in (1, 2))

    assert repr(alone.characteristics) == repr(together.characteristics)
    assert alone.failures == together.failures


def test_a_second_run_finds_the_same_and_another_seed_something_else() -> None:
    runs = [simulate(scenario(two_endpoints(seed=seed))) for seed in (1, 1, 2)]

    first, again, other = (repr(run.characteristics) for run in runs)
    assert first == again
    assert first != other


def _p(ready: AssembledScenario, trials: int) -> Floats:
    """One-sided p of every trial, batched as a run of that many trials is."""
    study = ready.study
    return np.concatenate(
        [
            simulate_batch(study, ready.sources[0], first, min(study.batch, trials - first))
            .estimates[0]
            .p
            for first in range(0, trials, study.batch)
        ]
    )


def test_a_longer_run_holds_the_trials_of_a_shorter_one() -> None:
    ready = assembled(one_endpoint())

    p = _p(ready, 20_000)

    assert np.array_equal(p[:10_000], _p(ready, 10_000))
    for trials in (10_000, 20_000):
        power = simulate(scenario(one_endpoint(trials=trials))).power["c_peptide"]
        assert power.used == trials
        assert round(power.estimate * trials) == (p[:trials] <= 0.025).sum()


def test_a_run_counts_every_trial_it_was_asked_for() -> None:
    done: list[tuple[int, int]] = []

    result = simulate(
        scenario(one_endpoint(trials=9_999)),
        progress=lambda trials, requested: done.append((trials, requested)),
    )

    assert result.trials == 9_999
    assert done[-1] == (9_999, 9_999)
    assert all(a[0] < b[0] for a, b in pairwise(done))
    for row in result.characteristics:
        assert (row.measured.requested, row.measured.used + row.measured.failed) == (9_999, 9_999)


def _measured(result: Result, name: str, truth: str) -> list[object]:
    return [
        row.measured for row in result.characteristics if (row.name, row.truth) == (name, truth)
    ]


def test_estimates_are_unbiased_and_intervals_cover_under_mcar() -> None:
    lossy: Table = {"mechanism": "mcar", "share": 0.2, "by_month": 12}

    result = simulate(scenario(two_endpoints(trials=20_000, missing={"dropout": lossy})))

    for truth in ("target", "null"):
        for measured in _measured(result, "bias", truth):
            assert_agrees(measured, exact=0.0)
        for measured in _measured(result, "coverage", truth):
            assert_agrees(measured, exact=0.95)
        for measured in _measured(result, "missing", truth):
            assert_agrees(measured, exact=0.2)


# Prints by how many kB the peak memory of a process grows from 20,000 trials to 200,000.
GROWTH = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from support.small_trials import design, one_endpoint, scenario
from phase2sim.operating.simulation import simulate

def peak(trials):
    simulate(scenario(one_endpoint(trials=trials, design=design(8, [0, 12]))))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

shorter = peak(20_000)
print(peak(200_000) - shorter)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux only")
def test_memory_does_not_grow_with_the_trials() -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", GROWTH, str(Path(__file__).parents[1])],
        check=True,
        capture_output=True,
        text=True,
    )

    assert int(done.stdout) < 3_000  # what the runs say of 180,000 trials would fill 20,000 kB

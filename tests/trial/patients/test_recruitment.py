"""When patients enrol: the process by site, its ramp and its caps; what exists at a look."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from support.agreement import assert_agrees
from support.commands import phase2sim
from support.damage import SOUND
from support.small_trials import Table, one_endpoint, scenario

from phase2sim.core.contracts import Arrivals
from phase2sim.core.errors import BadScenario
from phase2sim.operating.simulation import simulate
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.trial.patients.recruitment import RECRUITMENTS, AllAtOnce, PoissonRecruitment, Steady

TRIALS = 20_000


def _arrive(part: object, patients: int = 30, sites: int = 1, first: int = 0) -> Arrivals:
    return part.arrive(5, first, (TRIALS if first == 0 else 1, patients), sites)  # type: ignore[attr-defined]


def test_patients_of_a_poisson_process_wait_exponential_times() -> None:
    months = _arrive(PoissonRecruitment(per_month=4.0)).months

    waits = np.diff(months, axis=1, prepend=0.0)
    assert_agrees(waits.mean(), 0.25, 0.25 / np.sqrt(waits.size))
    assert stats.kstest(waits[:, ::7].ravel(), stats.expon(scale=0.25).cdf).pvalue > 1e-4
    # The 30th of a rate of 4 a month: a gamma.
    assert stats.kstest(months[:, -1], stats.gamma(30, scale=0.25).cdf).pvalue > 1e-4


def test_sites_open_one_after_another() -> None:
    part = PoissonRecruitment(per_month=10.0, ramp_up_months=8.0)

    found = _arrive(part, patients=60, sites=5)

    # Sites open at months 0, 2, 4, 6 and 8 with 2 patients a month each: by month 8 their number is
    # Poisson with mean 2 (8 + 6 + 4 + 2) = 40, by month 3 with mean 2 (3 + 1) = 8.
    for month, mean in ((3.0, 8.0), (8.0, 40.0)):
        by_then = (found.months <= month).sum(axis=1)
        assert by_then.max() < 60 or mean > 30
        assert_agrees(np.minimum(by_then, 60).mean(), mean, np.sqrt(mean / TRIALS))
    opening = 2.0 * found.site
    assert (found.months >= opening).all()


def test_a_change_of_pace_falls_neither_early_nor_late() -> None:
    # Just before the second site opens at month 1, and just after it.
    part = PoissonRecruitment(per_month=20.0, ramp_up_months=1.0)

    months = _arrive(part, patients=40, sites=2).months

    for low, high, rate in ((0.9, 1.0, 10.0), (1.0, 1.1, 20.0)):
        inside = ((months > low) & (months <= high)).sum(axis=1)
        assert_agrees(inside.mean(), 0.1 * rate, np.sqrt(0.1 * rate / TRIALS))


def test_a_site_closes_when_it_is_full_and_its_pace_is_lost() -> None:
    found = _arrive(PoissonRecruitment(per_month=6.0, most_per_site=5), patients=10, sites=2)

    assert (np.stack([(found.site == k).sum(axis=1) for k in (0, 1)]) == 5).all()
    # The last patient comes to the only open site, at half the pace, at least once one is full.
    full = np.array([np.bincount(s[:-1], minlength=2).max() for s in found.site]) == 5
    last = np.diff(found.months, axis=1)[:, -1]
    assert full.all()
    assert_agrees(last.mean(), 1 / 3, 1 / 3 / np.sqrt(TRIALS))


def test_a_steady_pace_is_a_patient_at_equal_intervals() -> None:
    months = Steady(per_month=4.0).arrive(1, 0, (2, 9), 1).months

    assert months[0].tolist() == [0.25 * i for i in range(9)]


@pytest.mark.parametrize("kind", RECRUITMENTS)
def test_the_first_patients_and_a_trial_alone_are_the_same(kind: str) -> None:
    options = {} if kind == "at_once" else {"per_month": 5.0}
    part = RECRUITMENTS[kind](**options)

    many, few = part.arrive(3, 0, (10, 50), 4), part.arrive(3, 0, (10, 20), 4)
    alone = part.arrive(3, 7, (1, 50), 4)

    for name in ("months", "site"):
        assert np.array_equal(getattr(many, name)[:, :20], getattr(few, name))
        assert np.array_equal(getattr(many, name)[7], getattr(alone, name)[0])


def test_what_exists_at_a_look_is_what_was_due_by_then(tmp_path: Path) -> None:
    path, out = tmp_path / "steady.toml", tmp_path / "look.csv"
    text = SOUND + '\n[recruitment]\nkind = "steady"\nper_month = 10\n'
    path.write_text(text, encoding="utf-8")

    written = phase2sim("replay", path, "--trial", "3", "--out", out, "--look", "9.05")

    assert written.exit_code == 0, written.stderr
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    # Patients come at months 0, 0.1, 0.2 ...; by month 9.05 those up to 6.0 had their month 3, ...
    for month in {float(row["months"]) for row in rows}:
        due = {int(row["id"]) for row in rows if float(row["months"]) == month}
        assert due == set(range(1, int(10 * (9.05 - month)) + 2))
        assert all(float(row["enrolled_months"]) + month <= 9.05 for row in rows
                   if float(row["months"]) == month)  # fmt: skip


def test_a_run_says_how_long_the_trial_takes() -> None:
    table = one_endpoint(trials=400, recruitment={"kind": "poisson", "per_month": 4})

    rows = [row for row in simulate(scenario(table)).characteristics if row.name == "duration"]

    # The 40th patient after 10 months on average, and 12 months of follow-up.
    assert {row.truth for row in rows} == {"target", "null"}
    assert_agrees(rows[0].measured, 22.0)
    assert not [
        row for row in simulate(scenario(one_endpoint(trials=10))).characteristics
        if row.name == "duration"
    ]  # fmt: skip


def test_recruitment_leaves_patients_and_arms_as_they_are() -> None:
    quick = simulate(scenario(one_endpoint(trials=200)))
    slow = simulate(scenario(one_endpoint(trials=200, recruitment={"kind": "steady",
                                                                   "per_month": 2})))  # fmt: skip

    assert quick.power == slow.power


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"recruitment": {"kind": "poisson", "per_month": 4, "ramp_up_months": 3}}, "sites is 1"),
        (
            {
                "recruitment": {"kind": "poisson", "per_month": 4, "most_per_site": 3},
                "population": {"sites": 5},
            },
            "most_per_site is 3",
        ),
        ({"recruitment": {"kind": "poisson", "per_month": 0}}, "per_month is 0"),
        ({"recruitment": {"kind": "flood"}}, "Use one of"),
    ],
)
def test_a_trial_that_would_never_fill_is_refused(changes: Table, part: str) -> None:
    with pytest.raises(BadScenario, match=part):
        build_scenario(scenario(one_endpoint(**changes)))


def test_sites_without_recruitment_are_equally_likely() -> None:
    site = AllAtOnce().arrive(1, 0, (1000, 60), 3).site

    share = np.bincount(site.ravel()) / site.size
    assert_agrees(share, 1 / 3, np.sqrt(2 / 9 / site.size))

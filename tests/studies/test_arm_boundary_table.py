"""`phase2sim boundaries`, sweeps and `score` of trials whose looks drop arms."""

from pathlib import Path
from typing import Any

import pytest
from scipy.stats import multivariate_normal, norm
from support.commands import phase2sim, printed
from support.dropped_arms import multi_arm, with_arms
from support.small_sweeps import swept
from support.small_trials import Table, scenario

from phase2sim.operating.simulation import simulate
from phase2sim.scenario.as_toml import toml_text
from phase2sim.studies.sweeps.rescore import rescore

TRIALS = 60
LOOK = multi_arm(looks=[{"share": 0.5, "month": 6}])
RULE: Table = {
    "efficacy": {"kind": "obrien_fleming"},
    "futility": {"kind": "z", "at_least": [0.0]},
    "uninteresting_share": 0.25,
}


def table(**changes: object) -> Table:
    return with_arms(trials=TRIALS, design=LOOK, stopping=RULE) | changes


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("arms") / "base.toml"
    path.write_text(toml_text(scenario(table())), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bounds(base: Path) -> Any:  # noqa: ANN401 - JSON
    return printed("boundaries", base)


def test_bounds_are_on_every_scale(bounds: Any) -> None:  # noqa: ANN401 - JSON
    look, end = bounds["looks"]
    ses = [information["estimate"] ** -0.5 for information in bounds["information"]]

    assert (look["information"], look["patients"], end["patients"]) == (0.5, 45, 90)
    assert look["efficacy"]["z"] == pytest.approx(end["efficacy"]["z"] * 2**0.5)
    assert look["efficacy"]["p"] == pytest.approx(norm.sf(look["efficacy"]["z"]))
    assert end["efficacy"]["effect"] == pytest.approx([end["efficacy"]["z"] * se for se in ses])
    assert (look["futility"]["z"], end["futility"]) == (0.0, None)
    assert end["alpha_spent"] == pytest.approx(0.025, abs=1e-8)
    assert end["alpha_spent_dropping"] < 0.025


def test_what_becomes_of_the_arms_is_that_of_normals(bounds: Any) -> None:  # noqa: ANN401 - JSON
    """At the look two arms without an effect are normals that correlate by 1/2."""
    null = bounds["truths"][0]
    upper = bounds["looks"][0]["efficacy"]["z"]
    law = multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]])
    below = law.cdf([upper, upper])
    one_goes = law.cdf([upper, upper]) - law.cdf([0.0, upper])  # the other one anywhere below
    running = below - law.cdf([0.0, 0.0])

    assert null["truth"] == "null"
    assert null["efficacy"][0] == pytest.approx(1 - below, abs=1e-6)
    assert null["futility"][0] == pytest.approx(1 / 3, abs=1e-8)  # 1/4 + arcsin(1/2) / (2 pi)
    assert null["dropped"] == [[pytest.approx(0.5, abs=1e-8)]] * 2
    patients = 45 + 15 * (running + 2 * one_goes)
    assert null["expected_patients"] == pytest.approx(patients, abs=1e-4)


def test_the_least_favourable_truth_leaves_the_others_what_is_not_worth_having(
    bounds: Any,  # noqa: ANN401 - JSON
) -> None:
    by_truth = {row["truth"]: row for row in bounds["truths"]}
    target, worst = by_truth["target"]["drift"], by_truth["least_favourable"]["drift"]

    ses = [information["estimate"] ** -0.5 for information in bounds["information"]]
    assert target == pytest.approx([0.3 * 0.2 / ses[0], 0.2 / ses[1]])
    assert worst == pytest.approx([0.25 * 0.2 / ses[0], 0.2 / ses[1]])
    assert by_truth["half"]["drift"] == pytest.approx([drift / 2 for drift in target])


def test_the_screen_names_arms_and_says_what_it_rests_on(base: Path) -> None:
    shown = phase2sim("boundaries", base, "--set", "stopping.keep_best=[1]").stdout

    for words in ("effect, low", "if dropped", "least favourable", "familywise", "keep_best"):
        assert words in shown


def rows_of(rows: list[dict[str, Any]]) -> dict[Any, float]:
    return {
        (row["name"], row["analysis"], row["truth"], row.get("look")): row["estimate"]
        for row in rows
    }


def run_of(table: Table) -> dict[Any, float]:
    return rows_of([row.row() for row in simulate(scenario(table)).characteristics])


def test_a_store_and_another_rule_on_it_say_what_runs_say(base: Path) -> None:
    sweep = base.with_name("sweep.toml")
    sweep.write_text(
        'base = "base.toml"\n[axes.limit]\nkey = "stopping.futility.at_least"\nvalues = [[0.0]]\n',
        encoding="utf-8",
    )
    out = base.with_name("out")
    swept(sweep, out)

    stored = printed("results", out)
    rescored = rescore(
        out, None, ["test"], stopping="{ efficacy = { kind = 'pocock' }, keep_best = [1] }"
    )

    assert rows_of(stored) == pytest.approx(run_of(table()), nan_ok=True)
    stopping = {"efficacy": {"kind": "pocock"}, "keep_best": [1]}
    assert rows_of(rescored) == pytest.approx(run_of(table(stopping=stopping)), nan_ok=True)
    names = {row["name"] for row in rescored}
    assert {"dropped", "selected", "enrolled_in_arm", "enrolled_in_control"} <= names

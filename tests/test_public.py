"""The public names: their examples run, and what they return shows itself and becomes tables."""

import doctest
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.kept_prior import NAMES, keep
from support.small_sweeps import BASE, swept, write_sweep
from support.small_trials import design, one_endpoint, scenario

import phase2sim
from phase2sim import Result, Rows, Scenario, SweepResult
from phase2sim.core.errors import BadInput
from phase2sim.core.io.data_frames import dataset_of
from phase2sim.core.io.views import View, as_html, as_text, plus_minus

ROOT = Path(__file__).parents[1]
PUBLIC = dir(phase2sim)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    for name in ("scenarios", "priors"):
        (folder / name).symlink_to(ROOT / name)
    keep(folder / "cache")
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHASE2SIM_CACHE", str(place / "cache"))
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    folder = tmp_path_factory.mktemp("swept")
    return swept(write_sweep(folder), folder / "out")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    path = tmp_path_factory.mktemp("run") / "base.toml"
    path.write_text(BASE, encoding="utf-8")
    return phase2sim.simulate(phase2sim.load_scenario(path), trials=100)


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.usefixtures("here")
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    names = {public: getattr(phase2sim, public) for public in PUBLIC}
    finder = doctest.DocTestFinder()
    tests = finder.find(names[name], name, globs=names)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said: list[str] = []

    for test in tests:
        runner.run(test, out=said.append)

    assert runner.tries > 0
    assert "".join(said) == ""


def test_a_frame_holds_every_number_of_a_run(result: Result) -> None:
    frame = result.frame()

    assert len(frame) == len(result.characteristics)
    power = frame.query("name == 'power'").iloc[0]
    assert (power["estimate"], power["mcse"]) == (
        result.power["c_peptide"].estimate,
        result.power["c_peptide"].mcse,
    )
    assert set(frame["used"]) == {100}


def test_a_dataset_holds_each_number_at_its_place(found: SweepResult) -> None:
    dataset = found.dataset()

    assert dict(dataset.sizes) == {"name": 5, "truth": 2, "analysis": 1, "patients": 3, "effect": 2}
    for row in found.rows:
        at = {axis: row[axis] for axis in dataset.sizes}
        assert float(dataset.estimate.sel(at)) == pytest.approx(row["estimate"], nan_ok=True)
        assert float(dataset.mcse.sel(at)) == pytest.approx(row["mcse"], nan_ok=True)
    assert math.isnan(float(dataset.estimate.sel(name="power", truth="null").mean(skipna=False)))


def test_of_two_rows_at_one_place_that_of_more_trials_counts() -> None:
    rows = [{"n": 1, "x": "a", "estimate": 0.5, "trials": 10},
            {"n": 1, "x": "a", "estimate": 0.4, "trials": 20},
            {"n": 2, "x": "a", "estimate": 0.3, "trials": 10}]  # fmt: skip

    for given in (rows, rows[::-1]):
        dataset = dataset_of(given, ("n", "x"), ("estimate",))

        assert dataset.estimate.values.tolist() == [[0.4], [0.3]]


def test_what_is_said_of_a_look_has_a_place_of_its_own() -> None:
    table = one_endpoint(
        design=design(40, [0, 12], kind="group_sequential", months_to_decide=1,
                      looks=[{"share": 0.4, "month": 12}, {"share": 0.7, "month": 12}]),
        recruitment={"kind": "steady", "per_month": 5},
        stopping={"efficacy": {"kind": "obrien_fleming_spending"}},
    )  # fmt: skip
    result = phase2sim.simulate(scenario(table), trials=100)

    estimate = result.dataset().estimate.sel(truth="target")

    for row in result.characteristics:
        if row.truth == "target":
            at = estimate.sel(name=row.name, analysis=row.analysis, look=row.look or 0)
            assert float(at) == row.measured.estimate
    assert dict(estimate.sizes)["look"] == 3  # the trial as a whole, and two looks
    assert "Patients enrolled, on average: target " in repr(result)


def test_rows_are_a_sequence_of_rows(found: SweepResult) -> None:
    again = phase2sim.results(found.folder)

    assert isinstance(again, Rows)
    assert list(again) == list(found.rows)
    assert [row["name"] for row in again[:2]] == list(again.frame()["name"][:2])


def test_a_prior_is_a_frame_of_effects_and_a_dataset_of_draws(here: Path) -> None:
    prior = phase2sim.fit(*NAMES, beside=here)

    frame, dataset = prior.frame().set_index("endpoint"), prior.dataset()

    place = prior.endpoints.index("hba1c")
    assert frame.loc["hba1c", "mean"] == pytest.approx(prior.effect[:, place].mean())
    assert frame.loc["hba1c", "benefit"] == (prior.effect[:, place] < 0.0).mean()
    assert np.array_equal(dataset.effect.sel(endpoint="hba1c"), prior.effect[:, place])
    assert np.array_equal(dataset.history, prior.history)


@pytest.mark.usefixtures("here")
def test_what_shows_itself_does_so_as_text_and_as_html(result: Result, found: SweepResult) -> None:
    shown = (
        (result, f"{result.power['c_peptide'].estimate:.3f}"),
        (result.scenario, "One endpoint at two visits"),
        (found, "type I error"),
        (found.rows, "patients"),
        (phase2sim.size(result.scenario, power=0.5), "by the exact closed form"),
        (phase2sim.fit(*NAMES), "hba1c"),
    )
    for value, words in shown:
        assert words in repr(value) == str(value)
        html = value._repr_html_()
        assert words in html
        assert "<table>" in html
        assert max(map(len, repr(value).splitlines())) < 160


@pytest.mark.usefixtures("here")
def test_a_contest_shows_each_difference_beside_its_share() -> None:
    files = ("scenarios/hba1c-primary.toml", "scenarios/c-peptide-primary.toml")
    found = phase2sim.compare(*files, trials=100)

    frame = found.frame().query("truth == 'target'")

    first, second = frame.to_dict("records")
    assert np.isnan(first["difference"])
    assert second["difference"] == pytest.approx(second["estimate"] - first["estimate"])
    assert f"({second['difference']:+.3f} +- {second['difference_mcse']:.3f})" in repr(found)


def test_a_failure_and_an_interruption_show() -> None:
    scenario = Scenario.model_validate({
        "title": "t", "seed": 1, "trials": 100, "design": {"patients": 10}, "truth": {},
        "analysis": [{}], "decision": {},
    })  # fmt: skip
    result = Result(scenario, 40, (), {"too few": 7}, (), None, elicited=("stable",))

    assert "Interrupted: 100 trials were asked for." in repr(result)
    assert "7 analyses failed" in repr(result)
    assert "1 inputs are elicited" in repr(result)


def test_an_unfinished_sweep_says_so(found: SweepResult) -> None:
    stopped = replace(found, finished=False, refused=("too many failed",))

    assert "Stopped before its end." in repr(stopped)
    assert "Refused: too many failed" in stopped._repr_html_()


@pytest.mark.parametrize(
    ("estimate", "mcse", "said"),
    [
        (0.5, 0.005, "0.500 +- 0.005"),
        (0.9943, 0.0008, "0.9943 +- 0.0008"),
        (41.8, 0.0, "41.800 +- 0.000"),
        (41.8, 8e-9, "41.800 +- 0.000"),  # the spread of equal numbers, but for rounding
        (1e-9, 8e-9, "0.000000001 +- 0.000000008"),
        (float("nan"), 0.1, "none used"),
        (0.25, float("nan"), "0.250 +- unknown"),  # one trial
    ],
)
def test_a_number_has_the_digits_that_its_error_allows(
    estimate: float, mcse: float, said: str
) -> None:
    assert plus_minus(estimate, mcse) == said


def test_html_is_escaped_and_columns_stand_under_their_names() -> None:
    view = View("a < b", ("x", "long name"), (("1", "2"),), ("0.5 +- 0.1",))

    assert "a &lt; b" in as_html(view)
    assert "0.5 &plusmn; 0.1" in as_html(view)
    assert as_text(view).splitlines()[1:3] == ["  x  long name", "  1          2"]


@pytest.mark.usefixtures("here")
def test_a_report_to_another_kind_of_file_is_refused() -> None:
    scenario = phase2sim.load_scenario("scenarios/meld-atg.toml")

    with pytest.raises(BadInput, match=r"one \.html or \.docx file"):
        phase2sim.report(scenario, "report.pdf")


@pytest.mark.usefixtures("here")
def test_a_scenario_knows_whether_its_file_says_the_same() -> None:
    scenario = phase2sim.load_scenario("scenarios/meld-atg.toml")

    assert scenario.is_as_in_file
    assert not scenario.changed({"trials": 7}).is_as_in_file

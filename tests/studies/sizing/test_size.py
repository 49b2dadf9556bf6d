"""Sample size: right, at the stated confidence, whenever the search stops."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, stdtrit
from scipy.stats import nct
from support.agreement import se_of_share
from support.commands import phase2sim, printed
from support.small_sweeps import BASE
from support.small_trials import Table, design, one_endpoint, scenario

import phase2sim as phase2sim_package
from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.studies.sizing.anytime_bounds import lower_bound, upper_bound
from phase2sim.studies.sizing.search import Steps
from phase2sim.studies.sizing.size import find_size, smallest_effect
from phase2sim.studies.sizing.size_result import Search, SizeResult
from phase2sim.studies.sizing.size_tests import Question, StepCounts, StepTests, settle_steps

PUBLISHED = Path(__file__).parents[2] / "published" / "means.csv"


def test_bounds_hold_at_all_looks_together() -> None:
    error, runs = 0.1, 400
    rng = np.random.default_rng(1)
    for chance in (0.2, 0.8):
        successes = (rng.uniform(size=(runs, 4_000)) < chance).cumsum(axis=1)
        looks = np.unique(np.geomspace(1, 4_000, 120).astype(int))

        low = lower_bound(successes[:, looks - 1], looks, error)
        high = upper_bound(successes[:, looks - 1], looks, error)

        for missed in ((low > chance).any(axis=1), (high < chance).any(axis=1)):
            assert missed.mean() <= error + 4 * se_of_share(error, runs)


def test_bounds_close_in() -> None:
    widths = [
        float(upper_bound(n // 2, n, 0.01) - lower_bound(n // 2, n, 0.01)) for n in (100, 10_000)
    ]

    # sqrt(log(n / error^2) / n) apart from constants: the price of looking always is small.
    assert widths[1] < 0.05 < widths[0]
    assert float(lower_bound(0, 10, 0.01)) == 0.0
    assert float(lower_bound(0, 0, 0.01)) == 0.0


CHANCES = np.array([0.72, 0.74, 0.76, 0.78, 0.795, 0.803, 0.82, 0.84, 0.86])


def count_trials(
    rng: np.random.Generator, first: int, last: int, values: tuple[float, ...]
) -> StepCounts:
    # One uniform a trial for all steps: as dependent as trials of the same patients can be.
    uniform = rng.uniform(size=last - first)
    go = np.array([(uniform < CHANCES[int(value)]).sum() for value in values])
    return StepCounts(go, np.full(len(values), last - first))


def test_the_stated_confidence_is_kept_over_many_searches() -> None:
    question = Question(target=0.8, error=0.2, tolerance=0.02, most=40_000)
    runs, wrong = 300, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        ladder = StepTests(tuple(map(float, range(len(CHANCES)))))

        settle_steps(ladder, lambda *look, rng=rng: count_trials(rng, *look), question)

        enough_wrong = ladder.enough < len(CHANCES) and CHANCES[ladder.enough] < 0.8
        short_wrong = ladder.short >= 0 and CHANCES[ladder.short] >= 0.82
        wrong += enough_wrong or short_wrong

    assert wrong / runs <= 0.2 + 4 * se_of_share(0.2, runs)


def test_a_search_settles_or_says_that_it_did_not() -> None:
    rng = np.random.default_rng(5)
    ladder = StepTests(tuple(map(float, range(len(CHANCES)))))
    few = StepTests(ladder.values)

    settle_steps(
        ladder, lambda *look: count_trials(rng, *look), Question(0.8, 0.01, 0.01, 1_000_000)
    )
    settle_steps(few, lambda *look: count_trials(rng, *look), Question(0.8, 0.01, 0.01, 2_000))

    assert ladder.settled
    assert CHANCES[ladder.enough] >= 0.8 > CHANCES[ladder.enough - 1] - 0.01
    assert not few.settled
    assert few.trials == 2_000


def test_a_wide_tolerance_does_not_hide_that_a_step_is_enough() -> None:
    rng = np.random.default_rng(5)
    ladder = StepTests(tuple(map(float, range(len(CHANCES)))))

    settle_steps(
        ladder, lambda *look: count_trials(rng, *look), Question(0.85, 0.5, 0.2, 1_000_000)
    )

    assert ladder.settled
    assert ladder.enough < len(CHANCES)
    assert CHANCES[ladder.enough] >= 0.85


def test_steps_are_multiples_of_the_unit() -> None:
    steps = Steps(lowest=6.0, highest=300.0, unit=3.0)

    assert steps.between(30.0, 39.0, 16) == (30.0, 33.0, 36.0, 39.0)
    assert len(steps.between(6.0, 300.0, 16)) <= 16
    assert steps.between(6.0, 300.0, 16)[-1] >= 297.0
    assert steps.growing()[:3] == [6.0, 9.0, 12.0]
    assert steps.growing()[-1] == 300.0


@dataclass(frozen=True, slots=True)
class PublishedDesign:
    """A published two-arm design with normal outcomes and a one-sided t test."""

    name: str
    delta: float
    sd: float
    alpha: float
    ratio: int  # treated a control patient
    null: float

    def exact(self, control: int) -> float:
        """Power of so many control patients, by the noncentral t distribution."""
        treated = self.ratio * control
        df = treated + control - 2
        shift = (self.delta - self.null) / (self.sd * np.sqrt(1 / treated + 1 / control))
        return float(nct.sf(-stdtrit(df, self.alpha), df, shift))


def published() -> list[dict[str, str]]:
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if (row["test"] == "t" and row["sided"] == "1" and row["n_control"])
            or (row["quantity"] == "n_control_integer" and row["test"] == "t")]  # fmt: skip


def published_design(row: dict[str, str]) -> PublishedDesign:
    numbers = (float(row[name]) for name in ("delta", "sd", "alpha"))
    ratio = int(row["allocation_treat_per_control"])
    return PublishedDesign(row["case_id"], *numbers, ratio, float(row["thetaH0"]))


def size_of_design(design_: PublishedDesign, power: float) -> SizeResult:
    """Size a known design; its outcome is scaled to the SD of C-peptide here."""
    scale = 0.3 / design_.sd
    effect, null = scale * design_.delta, scale * design_.null
    table: Table = one_endpoint(
        design=design(4 * (1 + design_.ratio), [0, 12], allocation=[1, design_.ratio]),
        outcome={"c_peptide": {"control_mean": 1.0, "sd": 0.3, "correlation": 0.5}},
        truth={"target": {"c_peptide": {"effect": effect, "month": 12, "shape": "immediate"}}},
        analysis=[{"endpoint": "c_peptide", "month": 12, "method": "t_test", "null_effect": null}],
        decision={"kind": "significance", "one_sided_alpha": design_.alpha},
    )
    with backend() as pool:
        return find_size(scenario(table), Search(target=power), pool)


def is_right(design_row: PublishedDesign, result: SizeResult, power: float) -> bool:
    patients, step = (
        result.patients,
        result.answer and result.search_result and result.search_result.below,
    )
    assert patients is not None
    assert step is not None
    unit = 1 + design_row.ratio
    below = round(step.value)
    return (
        design_row.exact(patients // unit) >= power
        and design_row.exact(below // unit) < power
        and below == patients - unit
    )


# Those whose size another program found, and then all others, by name.
SIZED = {row["case_id"]: row for row in published() if row["quantity"] == "n_control_integer"}
DESIGNS = {
    published_design(row).name: published_design(row) for row in (*SIZED.values(), *published())
}


@pytest.mark.parametrize("name", list(SIZED))
def test_the_size_is_that_of_other_programs(name: str) -> None:
    power = float(SIZED[name]["target_power"])

    result = size_of_design(DESIGNS[name], power)

    assert is_right(DESIGNS[name], result, power)
    assert result.patients == (1 + DESIGNS[name].ratio) * int(float(SIZED[name]["value"]))
    assert result.is_exact
    assert result.theory is not None
    assert result.theory.power >= power > (result.theory.below or 0.0)


@pytest.mark.calibration
def test_of_thirty_designs_at_least_29_have_the_right_size() -> None:
    cases = [(design, power) for power in (0.8, 0.9, 0.7) for design in DESIGNS.values()][:30]

    right = [is_right(design, size_of_design(design, power), power) for design, power in cases]

    assert len(right) == 30
    assert sum(right) >= 29


def test_the_answer_does_not_depend_on_the_workers() -> None:
    table = one_endpoint()
    results = []
    for workers in (1, 2):
        with backend(workers) as pool:
            results.append(find_size(scenario(table), Search(target=0.8, tolerance=0.03), pool))

    assert repr(results[0].search_result) == repr(results[1].search_result)


def test_the_smallest_detectable_effect_has_the_power() -> None:
    planned = scenario(one_endpoint(design=design(60, [0, 12])))
    with backend() as pool:
        result = smallest_effect(planned, Search(target=0.8), pool)

    # ANCOVA's residual SD is 0.3 * sqrt(1 - 0.7^2); the normal approximation is close at 57 df.
    assert result.answer is not None
    assert result.effect == pytest.approx(0.2 * result.answer.value)
    se = 0.3 * np.sqrt(1 - 0.49) * np.sqrt(4 / 60)
    assert float(ndtr(result.effect / se - 1.96)) == pytest.approx(0.81, abs=0.02)
    assert result.theory is not None
    assert result.theory.step == result.answer.value


def test_no_effect_has_no_size() -> None:
    table = one_endpoint(
        truth={"target": {"c_peptide": {"effect": -0.1, "month": 12, "shape": "linear"}}}
    )
    with backend() as pool:
        with pytest.raises(BadInput, match="No number of patients shows it as benefit"):
            find_size(scenario(table), Search(), pool)
        with pytest.raises(BadInput, match=r"effect = -0\.1 is harm"):
            smallest_effect(scenario(table), Search(), pool)


def written(tmp_path: Path, text: str = BASE) -> Path:
    path = tmp_path / "base.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_prints_the_answer_and_theory_beside_it(tmp_path: Path) -> None:
    quick = ("--power", "0.8", "--tolerance", "0.05", "--confidence", "0.9")

    result: dict[str, Any] = printed("size", written(tmp_path), *quick, "--allocation", "1:2")
    screen = phase2sim("size", written(tmp_path), *quick)

    assert result["reached"]
    assert result["settled"]
    assert result["patients"] % 3 == 0
    assert result["closed_form"] == result["patients"]
    assert result["closed_form_is_exact"]
    assert result["closed_form_power"] >= 0.8
    assert "patients (" in screen.stdout
    assert "by the exact closed form" in screen.stdout


def test_python_gives_the_answer_of_the_command(tmp_path: Path) -> None:
    path = written(tmp_path)

    result = phase2sim_package.size(load_scenario(path), power=0.8)

    assert result.patients == printed("size", path, "--power", "0.8")["patients"]
    with pytest.raises(BadInput, match="one of power and assurance"):
        phase2sim_package.size(load_scenario(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "one of --power and --assurance"),
        (("--power", "0.8", "--assurance", "0.5"), "one of --power and --assurance"),
        (("--assurance", "0.5"), "truth.prior is missing"),
        (("--power", "0.8", "--verdict", "hba1c"), "one of c_peptide"),
        (("--power", "0.8", "--allocation", "2"), "write it as 1:1"),
        (("--power", "0.8", "--allocation", "1:9", "--at-most", "8"), "too few; at least 20"),
    ],
)
def test_what_cannot_be_sized_is_refused(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    process = phase2sim("size", written(tmp_path), *options)

    assert process.exit_code == 2
    assert message in process.stderr


def test_a_target_out_of_reach_is_said_with_exit_code_1(tmp_path: Path) -> None:
    weak = written(tmp_path, BASE.replace("effect = 0.2", "effect = 0.01"))

    process = phase2sim("size", weak, "--power", "0.9", "--at-most", "200", "--trials", "2000")

    assert process.exit_code == 1
    assert "Not reached: up to 200 patients" in process.stdout

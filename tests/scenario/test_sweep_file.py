"""Sweep files: axes become cells, and what makes none is refused by place."""

from pathlib import Path

import pytest
from support.small_sweeps import BASE, write_sweep

from phase2sim.core.errors import BadInput, BadScenario, BadSweep
from phase2sim.core.io.row_conditions import condition
from phase2sim.scenario.sweep_file import Sweep, load_sweep

PATIENTS = 'patients = { key = "design.patients", values = [12, 20] }'


def loaded(tmp_path: Path, axes: str, top: str = "") -> Sweep:
    return load_sweep(write_sweep(tmp_path, f'base = "base.toml"\n{top}\n[axes]\n{axes}\n'))


def labels(sweep: Sweep) -> list[tuple[object, ...]]:
    return [tuple(cell.labels.values()) for cell in sweep.cells]


def test_axes_are_crossed_in_their_order(tmp_path: Path) -> None:
    effect = 'effect = { key = "truth.target.c_peptide.effect", values = [0.1, 0.2] }'

    sweep = loaded(tmp_path, f"{PATIENTS}\n{effect}")

    assert labels(sweep) == [(12, 0.1), (12, 0.2), (20, 0.1), (20, 0.2)]
    assert [cell.scenario.design["patients"] for cell in sweep.cells] == [12, 12, 20, 20]
    target = sweep.cells[1].scenario.truth.target["c_peptide"]
    assert target.effect == 0.2


def test_a_range_includes_both_ends_without_rounding_errors(tmp_path: Path) -> None:
    share = 'dropout = { key = "missing.dropout.share", from = 0.1, to = 0.3, step = 0.1 }'
    patients = 'patients = { key = "design.patients", from = 10, to = 14, step = 2 }'

    assert labels(loaded(tmp_path, share)) == [(0.1,), (0.2,), (0.3,)]
    assert labels(loaded(tmp_path, patients)) == [(10,), (12,), (14,)]


@pytest.mark.parametrize("step", ["1e-300", "5e-324", "1e-9"])
def test_a_range_of_more_values_than_cells_is_refused(tmp_path: Path, step: str) -> None:
    axis = f'dropout = {{ key = "missing.dropout.share", from = 0.1, to = 0.3, step = {step} }}'

    with pytest.raises(BadSweep, match="values; at most 1,000,000"):
        loaded(tmp_path, axis)


def test_zipped_axes_walk_together(tmp_path: Path) -> None:
    effect = (
        'effect = { key = "truth.target.c_peptide.effect", values = [0.3, 0.2], zip = "patients" }'
    )

    assert labels(loaded(tmp_path, f"{PATIENTS}\n{effect}")) == [(12, 0.3), (20, 0.2)]


def test_variants_set_any_keys_and_one_value_can_set_several(tmp_path: Path) -> None:
    sweep = loaded(
        tmp_path,
        """
        method = { variants = { ancova = {}, welch = { "analysis.1.method" = "welch" } } }
        when = { keys = ["analysis.1.month", "truth.target.c_peptide.month"], values = [12.0] }
        """,
    )

    assert labels(sweep) == [("ancova", 12.0), ("welch", 12.0)]
    assert [cell.scenario.analysis[0]["method"] for cell in sweep.cells] == ["ancova", "welch"]


def test_constraints_leave_cells_out_and_set_changes_all(tmp_path: Path) -> None:
    share = 'dropout = { key = "missing.dropout.share", values = [0.1, 0.2] }'
    top = 'constraints = ["patients < 20 or dropout < 0.15"]\nset = { seed = 5 }'

    sweep = loaded(tmp_path, f"{PATIENTS}\n{share}", top)

    assert labels(sweep) == [(12, 0.1), (12, 0.2), (20, 0.1)]
    assert {cell.scenario.seed for cell in sweep.cells} == {5}


# Axes and top of a file -> what its refusal says.
REFUSED = {
    "no way": ("size = {}", "", "axes.size needs one of values"),
    "two ways": ('a = { key = "seed", values = [1], from = 1, to = 2, step = 1 }', "", "needs one"),
    "no key": ("a = { values = [1] }", "", "axes.a.key is missing"),
    "a key of variants": ('a = { key = "seed", variants = { x = {} } }', "", "leave out key"),
    "no values": ('a = { key = "seed", values = [] }', "", "has no values"),
    "a value twice": ('a = { key = "seed", values = [1, 1] }', "", "has 1 twice"),
    "an endless range": (
        'a = { key = "seed", from = 0, to = 1, step = 1e-9 }', "", "at most 1,000,000",
    ),
    "a reversed range": ('a = { key = "seed", from = 2, to = 1, step = 1 }', "", "from at most to"),
    "a name of a column": ('estimate = { key = "seed", values = [1] }', "", "Rename it"),
    "a misspelt key": ('a = { kee = "seed", values = [1] }', "", "axes.a.kee is not a known key"),
    "zipped to nothing": (f'{PATIENTS}\na = {{ key = "seed", values = [1, 2], zip = "patient" }}',
                          "", "Did you mean 'patients'?"),
    "zipped to another length": (
        f'{PATIENTS}\na = {{ key = "seed", values = [1], zip = "patients" }}', "", "need as many",
    ),
    "no cell": (PATIENTS, 'constraints = ["patients > 100"]', "leave no cell"),
    "a constraint on no axis": (PATIENTS, 'constraints = ["patient > 100"]', "names 'patient'"),
    "no condition": (PATIENTS, 'constraints = ["patients >"]', "is not a condition"),
    "code": (PATIENTS, "constraints = [\"__import__('os')\"]", "holds what a condition cannot"),
    "a reference elsewhere": (PATIENTS, "reference = { patients = 13 }", "must be one of 12, 20"),
    "a truth that is none": (PATIENTS, 'truths = ["hope"]', "truths[1] is 'hope'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_cells_is_refused(tmp_path: Path, case: str) -> None:
    axes, top, message = REFUSED[case]

    with pytest.raises(BadInput) as refusal:
        loaded(tmp_path, axes, top)

    assert message in str(refusal.value)
    assert str(refusal.value).startswith(str(tmp_path / "sweep.toml"))


def test_a_cell_that_is_no_scenario_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=r"cell with sd = -1: .*outcome.c_peptide.sd is -1"):
        loaded(tmp_path, 'sd = { key = "outcome.c_peptide.sd", values = [0.3, -1] }')


@pytest.mark.parametrize("base", ["none.toml", "", ".."])
def test_a_base_that_cannot_be_read_is_named_by_its_key(tmp_path: Path, base: str) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(f"base = '{base}'\n[axes]\n{PATIENTS}\n", encoding="utf-8")

    with pytest.raises(BadSweep, match=f"sweep.toml: base is '{base}': ") as refusal:
        load_sweep(path)

    assert refusal.value.exit_code == 2


def test_a_scenario_is_not_taken_for_a_sweep(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(BASE, encoding="utf-8")

    with pytest.raises(BadSweep, match="is a scenario, not a sweep"):
        load_sweep(path)


ROW = {"n": 40, "rate": 0.1, "method": "mmrm", "gap": None}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("n >= 40 and rate < 0.2", True),
        ("not (n == 40)", False),
        ("10 < n <= 40", True),
        ("n * rate == 4 or False", True),
        ("method == 'mmrm' and method in ['mmrm', 'ancova']", True),
        ("gap > 1", False),
        ("gap < 1", False),
        ("-n < 0", True),
    ],
)
def test_conditions_hold_or_not(text: str, *, holds: bool) -> None:
    assert condition(text, "--where").holds(ROW) is holds


@pytest.mark.parametrize("text", ["method < 3", "n / 0 > 1", "gap + 1 > 0"])
def test_conditions_that_cannot_be_asked_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--where"):
        condition(text, "--where").holds(ROW)

"""Good files with seeded damage: refused with file and line, or read as what they plainly say."""

import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from support.data_files import lines_of

from phase2sim.analyses.real_data.data_plan import DataPlan, Need
from phase2sim.analyses.real_data.trial_data import TrialData, read_trial
from phase2sim.core.errors import BadData

PLAN = DataPlan(
    ("control", "drug"), (0.0, 3.0, 6.0), (Need("hba1c (MMRM)", "hba1c", (6.0,), ("base",)),)
)
CELLS = (
    "", "NA", "nan", "inf", "999", "-1", "-0", "0", "1", "2", "6.1", "1_0", "8,7", "\u0667",
    "1e999", "0x10", "abc", '"', "=1+1", "7.0.0", " 8 ", "8%", "<7",
    "7;8", "drug", "None", "\x07", "1e-320",
)  # fmt: skip
GRIDS = 20
PER_GRID = 50
type Grid = list[list[str]]


def damaged(rng: random.Random) -> Grid:
    rows = [line.split(",") for line in lines_of("two-visits.csv")]
    for _ in range(rng.choice((1, 1, 2, 3))):
        row, column = rng.randrange(len(rows)), rng.randrange(5)
        match rng.randrange(7):
            case 0:
                del rows[row]
            case 1:
                rows.insert(row, list(rows[row]))
            case 2:
                rows[row] = rows[row][:column]
            case 3:
                rows[row] = [*rows[row], rng.choice(CELLS)]
            case 4:
                other = rng.randrange(len(rows))
                rows[row], rows[other] = rows[other], rows[row]
            case _:
                rows[row] = [*rows[row][:column], rng.choice(CELLS), *rows[row][column + 1 :]]
    return rows


def read(path: Path, rows: Grid) -> TrialData | str:
    path.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read_trial(path, PLAN)
        except BadData as refused:
            return str(refused)


def outcomes_of(rows: Grid) -> list[float]:
    """Outcomes after baseline as the cells plainly say them."""
    column, month = rows[0].index("y"), rows[0].index("months")
    cells = [row[column].strip() for row in rows[1:] if any(row) and float(row[month]) > 0.0]
    return sorted(float(cell) for cell in cells if re.fullmatch(r"\d+\.?\d*", cell))


@pytest.mark.parametrize("seed", range(GRIDS))
def test_a_damaged_file_is_refused_or_read_as_it_says(tmp_path: Path, seed: int) -> None:
    rng, path = random.Random(seed), tmp_path / "trial.csv"  # noqa: S311 - no secret

    for _ in range(PER_GRID):
        rows = damaged(rng)
        data = read(path, rows)
        if isinstance(data, str):
            assert data.startswith(f"{path}")
            assert re.search(r"line|column|row", data)
            continue
        reading = data.reading("hba1c", 1)
        seen = reading.value[~np.isnan(reading.value)]
        assert sorted(seen.tolist()) == outcomes_of(rows)
        assert ((seen >= 3.0) & (seen <= 20.0)).all()
        assert set(reading.visits_months) <= {3.0, 6.0}
        assert set(reading.arm.ravel().tolist()) == {0, 1}

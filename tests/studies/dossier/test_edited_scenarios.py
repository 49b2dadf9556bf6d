"""A report reads the cells of the scenario as it is now, and moves only to where one can be."""

from pathlib import Path

import pytest
from support.small_reports import SIZES_AND_NULLS
from support.small_sweeps import BASE

from phase2sim.core.backends import backend
from phase2sim.studies.dossier.dossier import Dossier, ReportOptions, dossier_of

SMALL = ReportOptions(trials=100, **SIZES_AND_NULLS | {"moves": True})
WITHOUT_DROPOUT = BASE.replace("[missing]\ndropout", "# dropout")


def dossier(folder: Path, text: str, store: str = "out", wish: ReportOptions = SMALL) -> Dossier:
    path = folder / "trial.toml"
    path.write_text(text, encoding="utf-8")
    with backend() as here:
        return dossier_of(path, folder / store, wish, here, ["test"])


def powers(report: Dossier) -> list[tuple[int, float]]:
    return [(row["patients"], row["estimate"]) for row in report.sized("power", "target")]


def moves(report: Dossier) -> list[str]:
    return [f"{move.value}: {move.change}" for move in report.sensitivities]


@pytest.mark.parametrize(
    "edited",
    [WITHOUT_DROPOUT.replace("sd = 0.3", "sd = 0.5"), BASE],
    ids=["another SD", "a dropout that was not there"],
)
def test_cells_of_the_scenario_before_an_edit_are_not_read(tmp_path: Path, edited: str) -> None:
    dossier(tmp_path, WITHOUT_DROPOUT)

    again, fresh = dossier(tmp_path, edited), dossier(tmp_path, edited, "fresh")

    assert powers(again) == powers(fresh)
    assert moves(again) == moves(fresh)
    assert again.fingerprints == fresh.fingerprints


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("effect = 0.2,", 'effect = 0.9, unit = "ln(nmol/L + 1)",'),
        ("sd = 0.3", "sd = 0.78"),
        ("share = 0.1", "share = 0.8"),
    ],
    ids=["effect", "SD", "dropout"],
)
def test_a_move_beyond_what_a_scenario_may_hold_is_left_out(
    tmp_path: Path, old: str, new: str
) -> None:
    """All three can be run as they are; 1.5 times the effect, 1.15 times the SD could not."""
    wish = ReportOptions(trials=20, examples=False, replicas=False)

    report = dossier(tmp_path, BASE.replace(old, new).replace("= 20\n", "= 60\n"), wish=wish)

    assert report.sized("power", "target")

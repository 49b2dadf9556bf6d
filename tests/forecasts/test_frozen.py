"""Frozen forecasts stay as they were written."""

import hashlib
import tomllib
from pathlib import Path

import freeze
import pytest
from forecast_tables import HERE, read_rows
from freeze import FROZEN, KEY, SUM, check, sealed

ROWS = list(read_rows(FROZEN.name)) if FROZEN.exists() else []
is_frozen = pytest.mark.skipif(not ROWS, reason="freeze.py was not run yet")
ROW = sealed({"name": "a trial", "registry": "none", "endpoint": "hba1c", "month": "6"})


def test_a_sealed_row_is_sealed_to_the_same() -> None:
    assert sealed(ROW) == ROW


def test_the_seal_of_a_row_is_the_sha256_of_its_cells() -> None:
    text = "name=a trial\nregistry=none\nendpoint=hba1c\nmonth=6"

    assert ROW["sha256"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("column", ["name", "month", "sha256"])
def test_a_changed_cell_is_refused(column: str) -> None:
    with pytest.raises(SystemExit, match="SHA-256"):
        check([{**ROW, column: "1"}])


def test_what_is_frozen_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run over the same trials fits nothing and leaves the file as it is."""
    waiting = tomllib.loads((HERE / "waiting.toml").read_text(encoding="utf-8"))["trial"]
    rows = [sealed({name: str(trial[name]) for name in KEY}) for trial in waiting]
    monkeypatch.setattr(freeze, "FROZEN", tmp_path / "frozen.csv")
    monkeypatch.setattr(freeze, "SUM", tmp_path / "frozen.sha256")
    freeze.write(rows)
    before = (tmp_path / "frozen.csv").read_bytes()
    monkeypatch.setattr(freeze, "load_or_fit", None)  # would fail if it were called

    freeze.main()

    assert (tmp_path / "frozen.csv").read_bytes() == before


@is_frozen
def test_the_file_has_the_digest_beside_it() -> None:
    digest, name = SUM.read_text(encoding="utf-8").split()

    assert name == FROZEN.name
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == digest


@is_frozen
def test_every_row_has_its_own_digest() -> None:
    check(ROWS)


@is_frozen
def test_at_least_six_trials_are_frozen_each_once() -> None:
    keys = [tuple(row[name] for name in KEY) for row in ROWS]

    assert len(set(keys)) == len(keys)
    assert len({row["name"] for row in ROWS}) >= 6


@is_frozen
def test_intervals_are_nested_and_chances_are_chances() -> None:
    for row in ROWS:
        for what in ("control", "difference"):
            ordered = [
                float(row[f"{what}_{part}"])
                for part in ("90_low", "50_low", "median", "50_high", "90_high")
            ]
            assert ordered == sorted(ordered)
        chances = [float(row[name]) for name in row if name.startswith("chance_")]
        assert all(0.0 <= chance <= 1.0 for chance in chances)

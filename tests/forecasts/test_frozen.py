"""Frozen forecasts stay as they were written."""

import hashlib

import pytest
from forecast_tables import read_rows
from freeze import FROZEN, KEY, SUM, check, sealed

ROWS = list(read_rows(FROZEN.name))


def test_the_file_has_the_digest_beside_it() -> None:
    digest, name = SUM.read_text(encoding="utf-8").split()

    assert name == FROZEN.name
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == digest


def test_every_row_has_its_own_digest() -> None:
    check(ROWS)


@pytest.mark.parametrize("column", ["control_median", "frozen_on", "evidence", "n_control"])
def test_a_changed_cell_is_refused(column: str) -> None:
    changed = {**ROWS[0], column: "1"}

    with pytest.raises(SystemExit, match="SHA-256"):
        check([changed])


def test_at_least_six_trials_are_frozen_each_once() -> None:
    keys = [tuple(row[name] for name in KEY) for row in ROWS]

    assert len(set(keys)) == len(keys)
    assert len({row["name"] for row in ROWS}) >= 6


def test_a_sealed_row_is_sealed_to_the_same() -> None:
    assert sealed(ROWS[0]) == ROWS[0]


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

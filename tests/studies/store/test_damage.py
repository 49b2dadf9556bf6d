"""Damage of every kind in a folder of results: mended and said, or refused with a cure."""

import json
import os
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.commands import phase2sim
from support.small_sweeps import files_of, swept, write_sweep

from phase2sim.core.io.digests import UNSEALED, is_intact, seal
from phase2sim.studies.api import results
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.sweep import SweepOptions

SWEEP = """
base = "base.toml"
reference = { effect = 0.2 }
[axes]
effect = { key = "truth.target.c_peptide.effect", values = [0.1, 0.2] }
"""
OTHER = """
base = "base.toml"
[axes]
method = { variants = { welch = { "analysis.1.method" = "welch" } } }
"""
TRIALS = SweepOptions(trials=100)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    swept(write_sweep(tmp_path, SWEEP), tmp_path / "out", TRIALS)
    return tmp_path / "out"


def printed_rows(out: Path) -> list[dict[str, object]]:
    result = phase2sim("results", out, "--json")
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, object]] = json.loads(result.stdout)
    return rows


def said(out: Path) -> str:
    result = phase2sim("results", out)
    assert result.exit_code == 0, result.output
    return result.stderr


def sweep_again(out: Path) -> str:
    result = phase2sim("sweep", out.parent / "sweep.toml", "--out", out, "--trials", 100)
    assert result.exit_code == 0, result.output
    return result.stdout


def damage(path: Path, kind: str) -> None:
    """Put something else where a file is."""
    content = path.read_bytes()
    path.unlink()
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "one bit":
            path.write_bytes(bytes([*content[:-99], content[-99] ^ 4, *content[-98:]]))
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "other format":
            path.write_bytes(b'{"cells": 3}')
        case "binary":
            path.write_bytes(bytes(range(256)))
        case "folder":
            path.mkdir()
            (path / "inside").write_text("x", encoding="utf-8")
        case "pipe":
            os.mkfifo(path)
        case "symlink to nothing":
            path.symlink_to("nowhere")


KINDS = (
    "one bit",
    "empty",
    "truncated",
    "other format",
    "binary",
    "folder",
    "pipe",
    "symlink to nothing",
)


@pytest.mark.parametrize("name", ["manifest.json", "characteristics.parquet", "decisions"])
@pytest.mark.parametrize("kind", [*KINDS, "gone"])
def test_a_derived_file_is_mended_whatever_its_damage(out: Path, name: str, kind: str) -> None:
    path = min(out.glob("decisions/*/*")) if name == "decisions" else out / name
    whole = printed_rows(out)

    damage(path, kind)
    first = said(out)

    assert (str(path) in first) == (kind != "gone" or name == "manifest.json")
    assert printed_rows(out) == whole
    assert said(out) == ""
    if kind != "gone" or name == "manifest.json":
        assert is_intact(path.read_bytes())


@pytest.mark.parametrize("name", ["manifest.json", "characteristics.parquet", "other"])
def test_a_whole_file_in_the_place_of_a_table_is_not_taken_for_it(out: Path, name: str) -> None:
    table, other = sorted(out.glob("decisions/*/*"))
    whole = printed_rows(out)

    shutil.copyfile(other if name == "other" else out / name, table)

    assert str(table) in said(out)
    assert printed_rows(out) == whole
    assert said(out) == ""


def test_characteristics_that_are_another_table_are_made_anew(out: Path) -> None:
    whole, path = printed_rows(out), out / "characteristics.parquet"

    shutil.copyfile(min(out.glob("decisions/*/*")), path)

    assert str(path) in said(out)
    assert printed_rows(out) == whole


def test_a_cell_whose_trials_are_lost_is_said(out: Path) -> None:
    assert said(out) == ""

    min(out.glob("trials/*/*")).unlink()

    assert f"{out}: 1 of 2 cells have no trials here" in said(out)


def test_a_manifest_without_its_tables_is_rebuilt_from_the_trials(out: Path) -> None:
    whole = printed_rows(out)
    damage(out / "manifest.json", "truncated")
    (out / "characteristics.parquet").unlink()
    shutil.rmtree(out / "decisions")

    assert "rebuilt" in said(out)
    rebuilt = {(row["cell"], row["name"], row["truth"]): row for row in printed_rows(out)}
    lost = {"difference", "difference_mcse"}  # what it is compared with is the sweep's
    for row in whole:
        again = rebuilt[row["cell"], row["name"], row["truth"]]
        assert {k: v for k, v in again.items() if k not in lost} == {
            k: v for k, v in row.items() if k not in lost
        }

    sweep_again(out)
    by_cell = sorted(printed_rows(out), key=lambda row: str(row["cell"]))
    assert by_cell == sorted(whole, key=lambda row: str(row["cell"]))


def test_closed_forms_survive_the_loss_of_the_characteristics(out: Path) -> None:
    exact = [row["exact"] for row in printed_rows(out)]
    assert any(value is not None for value in exact)

    damage(out / "characteristics.parquet", "truncated")
    shutil.rmtree(out / "decisions")

    assert [row["exact"] for row in printed_rows(out)] == exact


def test_a_sweep_makes_lost_verdicts_anew(out: Path) -> None:
    path = min(out.glob("decisions/*/*"))
    content = path.read_bytes()
    shutil.rmtree(out / "decisions")

    sweep_again(out)

    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", [*KINDS, "of other trials", "of another study"])
def test_damaged_trials_are_refused_until_the_sweep_is_run_again(out: Path, kind: str) -> None:
    whole, files = printed_rows(out), files_of(out)
    first, second = sorted(out.glob("trials/*/*.parquet"))
    match kind:
        case "of other trials":
            first.rename(first.with_name(first.name.replace("0-000000100", "0-000000200")))
        case "of another study":
            shutil.copy(first, second.parent)
            second.unlink()
        case _:
            damage(first, kind)
    (out / "characteristics.parquet").unlink()

    refused = phase2sim("results", out)

    assert refused.exit_code == 2
    assert "Run the sweep again" in refused.stderr
    sweep_again(out)
    assert files_of(out) == files
    assert printed_rows(out) == whole


def test_another_sweep_goes_on_beside_damaged_trials(out: Path) -> None:
    damage(min(out.glob("trials/*/*.parquet")), "truncated")
    damage(out / "characteristics.parquet", "truncated")
    other = out.parent / "other"
    other.mkdir()
    path = write_sweep(other, OTHER)

    result = phase2sim("sweep", path, "--out", out, "--trials", 50)

    assert result.exit_code == 0, result.output
    sweep_again(out)
    assert all(row["trials"] == 100 for row in printed_rows(out) if row["effect"] is not None)


def without_digests(out: Path) -> None:
    """Make the folder what an earlier version left: no headers and no digests."""
    table = json.loads((out / "manifest.json").read_bytes())
    del table["digest"]
    table["format"] = "phase2sim results 1"
    (out / "manifest.json").write_text(json.dumps(table), encoding="utf-8")
    for path in (out / "characteristics.parquet", *out.glob("decisions/*/*")):
        pq.write_table(pq.read_table(path, partitioning=None).replace_schema_metadata(None), path)


def test_a_folder_of_an_earlier_version_is_read_and_upgraded(out: Path) -> None:
    whole = printed_rows(out)
    without_digests(out)

    first = said(out)

    assert "carries no digest, as an earlier version wrote it" in first
    assert "and 2 files more" in first
    assert said(out) == ""
    assert printed_rows(out) == whole


def test_a_folder_of_a_later_version_is_refused(out: Path) -> None:
    later = {"format": "phase2sim results 3", "digest": UNSEALED.decode()}
    (out / "manifest.json").write_bytes(
        seal(json.dumps(later | {"cells": {}, "runs": []}).encode())
    )

    refused = phase2sim("results", out)

    assert refused.exit_code == 2
    assert "its format is 'phase2sim results 3'" in refused.stderr


@pytest.mark.parametrize("kind", ["folder", "pipe", "symlink to nothing"])
def test_a_lock_that_is_no_file_is_said(out: Path, kind: str) -> None:
    damage(out / ".lock", kind)

    refused = phase2sim("sweep", out.parent / "sweep.toml", "--out", out)

    assert refused.exit_code == 2
    assert f"{out / '.lock'}: is not a file" in refused.stderr
    if kind == "folder":
        shutil.rmtree(out / ".lock")
    else:
        (out / ".lock").unlink()
    sweep_again(out)


def test_a_lock_left_over_does_not_lock(out: Path) -> None:
    (out / ".lock").write_bytes(b"process 1 on nowhere \xff\xfe")

    sweep_again(out)


@pytest.mark.parametrize("name", ["trials", "decisions"])
def test_a_file_where_a_folder_is_to_be_is_put_aside(out: Path, name: str) -> None:
    whole = printed_rows(out)
    shutil.rmtree(out / name)
    (out / name).write_text("x", encoding="utf-8")

    sweep_again(out)

    assert (out / "damaged" / name).read_text(encoding="utf-8") == "x"
    assert printed_rows(out) == whole


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_simulated(
    tmp_path: Path,
) -> None:
    sweep = write_sweep(tmp_path, SWEEP)

    refused = phase2sim("sweep", sweep, "--out", sweep / "out")
    too_long = phase2sim("sweep", sweep, "--out", tmp_path / "new" / ("x" * 300))

    assert refused.exit_code == too_long.exit_code == 2
    assert re.search("cannot be written: not a directory.*another folder", refused.stderr)
    assert "cells x" not in refused.stderr + too_long.stderr  # the forecast simulates a few
    assert not (tmp_path / "new").exists()


def test_a_reader_mends_in_memory_what_it_cannot_write(out: Path) -> None:
    whole = printed_rows(out)
    damage(out / "characteristics.parquet", "truncated")
    damage(out / ".lock", "folder")

    first = said(out)

    assert "The folder was left as it is" in first
    assert printed_rows(out) == whole
    assert not is_intact((out / "characteristics.parquet").read_bytes())
    assert open_store(out).studies()


def test_a_file_that_cannot_be_put_aside_is_said_with_a_cure(out: Path) -> None:
    whole = printed_rows(out)
    trials = min(out.glob("trials/*/*.parquet"))
    damage(trials, "truncated")
    (out / "damaged").write_text("in the way", encoding="utf-8")

    refused = phase2sim("sweep", out.parent / "sweep.toml", "--out", out, "--trials", 100)

    assert refused.exit_code == 1
    assert f"{trials}: is damaged and cannot be moved to {out / 'damaged'}" in refused.stderr
    trials.unlink()  # "Remove both, and run the same command again"
    (out / "damaged").unlink()
    sweep_again(out)
    assert printed_rows(out) == whole


def test_python_is_warned_of_damage(out: Path) -> None:
    damage(out / "manifest.json", "truncated")

    with pytest.warns(UserWarning, match=r"manifest\.json: is damaged\. It was rebuilt"):
        results(out)


def test_score_says_damage_and_mends_it(out: Path) -> None:
    damage(out / "characteristics.parquet", "one bit")
    rule = "{ kind = 'significance', one_sided_alpha = 0.05 }"

    scored = phase2sim("score", out, "--decision", rule)

    assert scored.exit_code == 0, scored.output
    assert "characteristics.parquet: is damaged" in scored.stderr
    assert said(out) == ""

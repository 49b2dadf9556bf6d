"""Results on disk: bit for bit what was simulated, or nothing."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_sweeps import files_of, swept, trials_of, write_sweep

from phase2sim.core.contracts import Estimates, OwnTest
from phase2sim.core.errors import BadInput, NotWritten
from phase2sim.studies.store.batches import decode_batch, encode_batch
from phase2sim.studies.store.results_folder import (
    DamagedFile,
    Store,
    Stretch,
    missing_stretches,
    open_store,
    writing,
)
from phase2sim.studies.sweeps.sweep import SweepOptions
from phase2sim.trial.batch_results import BatchResults, concatenate_batches, cut

FIELDS = ("effect", "se", "df", "p", "reason")
STUDY = "0123456789abcdef"


def answers(first: int, trials: int, seed: int = 1) -> BatchResults:
    """Two analyses: a t test with failures, and one with its own test that fell back at times."""
    rng = np.random.default_rng(seed)
    reason = (rng.uniform(size=trials) < 0.2).astype(np.int8) * np.int8(5)
    numbers = [np.where(reason > 0, np.nan, rng.normal(size=trials)) for _ in range(8)]
    plain = Estimates(*numbers[:4], reason)
    test = replace(
        plain,
        test=OwnTest(*numbers[4:]),
        fallback=rng.integers(0, 3, trials).astype(np.int8),
    )
    return BatchResults(
        first=first,
        estimates=(plain, test),
        true_effect=rng.normal(size=(2, trials)),
        missing=rng.integers(0, 5, (2, trials)) / 20,
    )


def assert_same(first: BatchResults, second: BatchResults) -> None:
    assert first.first == second.first
    assert first.true_effect.tobytes() == second.true_effect.tobytes()
    assert first.missing.tobytes() == second.missing.tobytes()
    for estimates, other in zip(first.estimates, second.estimates, strict=True):
        for name in FIELDS:
            assert getattr(estimates, name).tobytes() == getattr(other, name).tobytes(), name
        assert (estimates.test is None) == (other.test is None)
        if estimates.test is not None and other.test is not None:
            for name in ("statistic", "p_two_sided", "lower", "upper"):
                assert (
                    getattr(estimates.test, name).tobytes() == getattr(other.test, name).tobytes()
                )
            assert estimates.fallback is not None
            assert other.fallback is not None
            assert (estimates.fallback == other.fallback).all()


def test_trials_come_back_bit_for_bit() -> None:
    written = {"target": answers(7, 50), "null": answers(7, 50, seed=2)}

    decoded = decode_batch(encode_batch(written, ("one", "two")))

    assert list(decoded) == ["target", "null"]
    for truth, results in written.items():
        assert_same(results, decoded[truth])


def test_stretches_join_and_are_cut() -> None:
    results = answers(0, 60)

    parts = [cut(results, first, last) for first, last in ((0, 10), (10, 11), (11, 60))]

    assert_same(concatenate_batches(parts), results)


def test_other_programs_read_names_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    path.write_bytes(encode_batch({"target": answers(0, 20)}, ("one", "two")))

    rows = pq.read_table(path).to_pylist()

    assert {row["analysis"] for row in rows} == {"one", "two"}
    assert {row["failure"] for row in rows} == {None, "the fit did not converge"}
    assert all(row["lower"] is None for row in rows if row["analysis"] == "one")
    assert rows[0]["trial"] == 0


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6),
    st.integers(0, 70),
    st.integers(1, 25),
)
def test_what_is_missing_fills_every_gap_once(
    lengths: list[tuple[int, int]], trials: int, block: int
) -> None:
    stretches = [Stretch(first, first + length, Path()) for first, length in sorted(lengths)]

    gaps = missing_stretches(stretches, trials, block)

    trials_there = {t for stretch in stretches for t in range(stretch.first, stretch.last)}
    filled = [t for first, last in gaps for t in range(first, last)]
    assert len(filled) == len(set(filled))
    assert set(filled) == set(range(trials)) - trials_there
    assert all(first // block == (last - 1) // block for first, last in gaps)


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "something else"])
def test_a_damaged_file_is_never_read(tmp_path: Path, damage: str) -> None:
    with writing(tmp_path) as store:
        store.add(STUDY, 0, 20, encode_batch({"target": answers(0, 20)}, ("one", "two")))
    (path,) = (tmp_path / "trials").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {
        "truncated": content[:-10],
        "one bit": content,
        "empty": b"",
        "something else": b"PAR1 and so on",
    }
    path.write_bytes(damaged[damage])

    store = Store(tmp_path)
    with pytest.raises(DamagedFile, match="is damaged"):
        store.batch_results(STUDY)
    (aside,) = store.put_aside_damaged(STUDY)

    assert aside.parent == tmp_path / "damaged"
    assert store.trials(STUDY) == 0


def test_damaged_trials_are_simulated_anew_and_the_same(tmp_path: Path) -> None:
    sweep, out = write_sweep(tmp_path), tmp_path / "out"
    swept(sweep, out)
    files_before = files_of(out)
    first, second, *_ = sorted((out / "trials").rglob("*.parquet"))
    first.write_bytes(first.read_bytes()[:-100])
    content = bytearray(second.read_bytes())
    content[300] ^= 4
    second.write_bytes(bytes(content))

    again = swept(sweep, out)

    assert len(again.damaged) == 2
    assert again.trials_done == 600
    assert files_of(out) == files_before


def test_two_writers_are_refused(tmp_path: Path) -> None:
    with (
        writing(tmp_path),
        pytest.raises(BadInput, match=f"process {os.getpid()} on .* is writing"),
        writing(tmp_path),
    ):
        pass


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine", encoding="utf-8")

    with pytest.raises(BadInput, match="holds other files"), writing(tmp_path):
        pass
    with pytest.raises(BadInput, match="holds no results"):
        open_store(tmp_path)


def test_half_written_files_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    sweep, out = write_sweep(tmp_path), tmp_path / "out"
    swept(sweep, out)
    (folder, *_) = (out / "trials").iterdir()
    (folder / ".000000000-000000300-ab.parquet.99.tmp").write_bytes(b"PAR1")

    swept(sweep, out)

    assert list(out.rglob(".*.tmp")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A place for 240 kB, if this process may make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=240k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("may not mount a small disk")
    return folder


def test_a_full_disk_leaves_what_was_there(small_disk: Path, tmp_path: Path) -> None:
    sweep, out = write_sweep(tmp_path), small_disk / "out"
    try:
        swept(sweep, out, SweepOptions(trials=500))
        with pytest.raises(NotWritten, match=r"no space left on device.*it goes on from here"):
            swept(sweep, out, SweepOptions(trials=100_000))
        trials_kept = trials_of(out)
        assert all(len(rows) >= 2 * 500 for rows in trials_kept.values())
        assert list(out.rglob(".*.tmp")) == []
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)  # noqa: S603, S607


LIMITED = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.small_sweeps import swept
from phase2sim.studies.sweeps.sweep import SweepOptions
from phase2sim.core.errors import Phase2simError
sweep, out = Path(sys.argv[2]), Path(sys.argv[3])
swept(sweep, out, SweepOptions(trials=100))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    swept(sweep, out, SweepOptions(trials=2_500))
except Phase2simError as error:
    print(error.exit_code, error)
"""


def test_a_file_that_cannot_be_written_is_said_and_loses_nothing(tmp_path: Path) -> None:
    sweep, out = write_sweep(tmp_path), tmp_path / "out"

    process = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", LIMITED, str(Path(__file__).parents[2]), str(sweep), str(out)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert process.stdout.startswith("1 ")
    assert os.strerror(errno.EFBIG).lower() in process.stdout
    resumed = swept(sweep, out)  # goes on, with the scenario's 300 trials
    assert resumed.trials_done == 6 * 200
    assert all(len(rows) == 2 * 300 for rows in trials_of(out).values())

"""Sweeps that are killed, interrupted, or lose a worker: nothing lost, no wrong number."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.commands import phase2sim
from support.small_sweeps import files_of, swept, write_sweep

from phase2sim.studies.store.results_folder import writing
from phase2sim.studies.sweeps.sweep import SweepOptions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

TRIALS = 10_000
FILES = 4 * 12
SWEEP = """
base = "base.toml"
[axes]
patients = { key = "design.patients", values = [40, 80] }
effect = { key = "truth.target.c_peptide.effect", values = [0.1, 0.15, 0.2] }
method = { variants = { ancova = {}, welch = { "analysis.1.method" = "welch" } } }
"""
PROGRAM = Path(sys.executable).with_name("phase2sim")


def begun(folder: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    words = [str(PROGRAM), "sweep", str(folder / "sweep.toml"), "--out", str(out)]
    words += ["--trials", str(TRIALS), "--yes", *options]
    return subprocess.Popen(  # noqa: S603 - our own command
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_files(out: Path, number: int) -> None:
    """Wait until so many files are there."""
    end = time.monotonic() + 120
    while len(list(out.rglob("trials/*/*.parquet"))) < number:
        assert time.monotonic() < end, "nothing is written"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    swept(write_sweep(folder, SWEEP), folder / "out", SweepOptions(trials=TRIALS))
    return files_of(folder / "out")


def killed_and_resumed(folder: Path, out: Path, times: int, *options: str) -> None:
    """Kill a sweep at random moments, so many times, and then let it end."""
    moments = random.Random(20261)  # noqa: S311 - any moments
    for number in range(times):
        running = begun(folder, out, *options)
        wait_for_files(out, 1 + (FILES - 8) * number // times)
        time.sleep(moments.uniform(0.0, 0.05))
        running.send_signal(signal.SIGKILL)
        running.communicate()
    last = begun(folder, out, *options)
    _, errors = last.communicate(timeout=300)
    assert last.returncode == 0, errors


def test_a_killed_sweep_goes_on_and_ends_as_if_never_killed(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    write_sweep(tmp_path, SWEEP)

    killed_and_resumed(tmp_path, tmp_path / "out", 1)

    assert files_of(tmp_path / "out") == uninterrupted


@pytest.mark.calibration
@pytest.mark.parametrize("workers", ["1", "2", "4"])
def test_twenty_kills_leave_no_trace(
    tmp_path: Path, uninterrupted: dict[str, str], workers: str
) -> None:
    write_sweep(tmp_path, SWEEP)

    killed_and_resumed(tmp_path, tmp_path / "out", 20, "--workers", workers)

    assert files_of(tmp_path / "out") == uninterrupted


def test_an_interrupt_finishes_what_was_begun_and_says_how_to_go_on(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    write_sweep(tmp_path, SWEEP)
    running = begun(tmp_path, tmp_path / "out")
    wait_for_files(tmp_path / "out", 5)

    running.send_signal(signal.SIGINT)
    printed, errors = running.communicate(timeout=60)

    assert running.returncode == 1, errors
    assert "The same command goes on from here" in printed
    assert 5 <= len(files_of(tmp_path / "out")) < len(uninterrupted)
    assert files_of(tmp_path / "out").items() <= uninterrupted.items()
    rest = swept(tmp_path / "sweep.toml", tmp_path / "out", SweepOptions(trials=TRIALS))
    assert rest.finished
    assert files_of(tmp_path / "out") == uninterrupted


def test_a_second_sweep_into_the_folder_is_refused(tmp_path: Path) -> None:
    sweep, out = write_sweep(tmp_path), tmp_path / "out"

    with writing(out):
        second = phase2sim("sweep", sweep, "--out", out, "--look")

    assert second.exit_code == 2
    assert f"process {os.getpid()}" in second.stderr
    assert "is writing results here" in second.stderr


@pytest.mark.calibration
def test_a_local_cluster_whose_worker_is_killed_finds_the_same(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    pytest.importorskip("distributed")
    write_sweep(tmp_path, SWEEP)
    running = begun(tmp_path, tmp_path / "out", "--dask", "local", "--workers", "2")
    wait_for_files(tmp_path / "out", 10)

    os.kill(_a_worker_of(running.pid), signal.SIGKILL)
    _, errors = running.communicate(timeout=300)

    assert running.returncode == 0, errors
    assert files_of(tmp_path / "out") == uninterrupted


def _a_worker_of(pid: int) -> int:
    """Process of a Dask worker below ours."""
    below = Path("/proc", str(pid), "task").glob("*/children")  # of each of its threads
    for child in " ".join(path.read_text(encoding="utf-8") for path in below).split():
        if "spawn_main" in Path("/proc", child, "cmdline").read_text(encoding="utf-8"):
            return int(child)
    raise AssertionError("no worker")


@contextmanager
def scheduler_and_workers(folder: Path) -> Iterator[str]:
    """Start a scheduler and two workers as a user would, by the commands of the guide."""
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    log = (folder / "scheduler.log").open("w", encoding="utf-8")
    started = [
        subprocess.Popen([*dask, "--port", "0", "--no-dashboard"], stderr=log, stdout=log)  # noqa: S603
    ]
    try:
        address = _address(folder / "scheduler.log")
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address]
        started += [
            subprocess.Popen([*worker, "--nthreads", "1", "--no-dashboard"], stderr=log, stdout=log)  # noqa: S603
            for _ in range(2)
        ]
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)
        log.close()


def _address(log: Path) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if match := re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text(encoding="utf-8")):
            return match[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.mark.calibration
def test_a_cluster_started_by_hand_finds_the_same(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    pytest.importorskip("distributed")
    write_sweep(tmp_path, SWEEP)

    with scheduler_and_workers(tmp_path) as address:
        running = begun(tmp_path, tmp_path / "out", "--dask", address)
        _, errors = running.communicate(timeout=300)

    assert running.returncode == 0, errors
    assert files_of(tmp_path / "out") == uninterrupted


def test_a_scheduler_that_does_not_answer_is_said(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    sweep = write_sweep(tmp_path)

    process = phase2sim("sweep", sweep, "--out", tmp_path / "out", "--dask", "nonsense://nowhere")

    assert process.exit_code == 2
    assert "no scheduler answers there" in process.stderr

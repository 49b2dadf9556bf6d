"""The command as a process: streams that fail, interrupts, and arguments that are not text."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "phase2sim"]
needs_posix = pytest.mark.skipif(os.name != "posix", reason="the streams of a POSIX shell")


def ended(
    shell: str, encoding: str = "utf-8", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which `phase2sim` is this command; pipes end with the first failure."""
    line = shell.replace("phase2sim", " ".join(COMMAND))
    return subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", f"set -o pipefail; {line}"],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True,
        encoding=encoding, errors="surrogateescape", check=False, timeout=100,
    )  # fmt: skip


@needs_posix
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("phase2sim list > /dev/full", 1),
        ("phase2sim --help > /dev/full", 1),
        ("phase2sim schema scenario > /dev/full", 1),
        ("phase2sim list >&-", 0),
        ("phase2sim list 2>&-", 0),
        ("phase2sim run missing.toml >&-", 2),
        ("phase2sim run missing.toml 2>&-", 2),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_traceback(line: str, code: int) -> None:
    done = ended(line)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
    assert ("no space left" in done.stderr) == ("/dev/full" in line)


@needs_posix
def test_a_reader_that_has_read_enough_is_no_mistake() -> None:
    done = ended("phase2sim schema scenario | head -1")

    assert done.returncode in {0, 1}
    assert (done.stdout, done.stderr) == ("{\n", "")


@needs_posix
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_code_page_without_a_character_prints_a_question_mark(encoding: str) -> None:
    done = ended(
        "phase2sim run scenarios/meld-atg.toml --trials 20 --set title='Größe \u2295 \u2500'",
        encoding, PYTHONUTF8="0", PYTHONIOENCODING=encoding,
    )  # fmt: skip

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert ("Größe ? ?" if encoding == "cp1252" else "Gr??e ? ?") in done.stdout


@needs_posix
def test_an_argument_that_is_not_text_is_refused() -> None:
    done = ended("phase2sim run scenarios/meld-atg.toml --set title=$'\\xff'")

    assert done.returncode == 2
    assert done.stderr == "Error: the argument 'title=?' is not UTF-8 text. Type it as UTF-8.\n"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes hear Ctrl-C also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@needs_posix
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("seconds", [0.15, 0.5, 1.0, 2.0, 4.0])
def test_an_interrupt_while_modules_load_or_kernels_compile_is_no_traceback(
    seconds: float, tmp_path: Path
) -> None:
    process = subprocess.Popen(  # noqa: S603
        [*COMMAND, "run", "scenarios/meld-atg.toml", "--trials", "10000000"],
        cwd=ROOT, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=100)

    assert process.returncode == 1
    assert "Aborted!" in said or "Interrupted: " in printed  # with what its trials so far say
    assert "Traceback" not in said

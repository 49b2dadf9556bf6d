"""Run cases by hand: ``PYTHONPATH=tests python -m fuzz KIND [FIRST [END]]``; ``all`` is every kind.

One case alone is shown, with its files.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from fuzz.judge import complaints, run
from fuzz.kinds import KINDS, case_of, compile_kernels, keep_fits


def judge(kind: str, first: int, end: int, folder: Path) -> None:
    """Print what is wrong with each case."""
    began, wrong = time.monotonic(), 0
    for number in range(first, end):
        case = case_of(kind, number)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for what in complaints(case, Path(place)):
                wrong += 1
                print(f"{kind} {number}: {' '.join(case.arguments)[:300]}\n    {case.said[:300]}")
                print(f"    {what}")
    print(f"{kind}: {end - first} cases, {wrong} complaints, {time.monotonic() - began:.0f} s")


def show(kind: str, number: int, folder: Path) -> None:
    """Print a case: what was done to its files, what they hold, and what the command prints."""
    case = case_of(kind, number)
    print(case.said)
    for name, content in case.files.items():
        print(f"--- {name}\n{content[:4000].decode('utf-8', 'backslashreplace')}")
    place = folder / "shown"
    place.mkdir()
    result = run(case, place)
    print(f"--- phase2sim {' '.join(case.arguments)}\n{result.output[:4000]}\n{result.exit_code}")


def main(kind: str, first: int = 0, end: int | None = None) -> None:
    """Judge a range of cases, or show one."""
    warnings.filterwarnings("error", category=RuntimeWarning, module="phase2sim")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PHASE2SIM_CACHE"] = str(keep_fits(Path(folder) / "fits"))
        if end is None:
            show(kind, first, Path(folder))
            return
        compile_kernels(Path(folder) / "sound")
        for name in KINDS if kind == "all" else [kind]:
            judge(name, first, end, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))

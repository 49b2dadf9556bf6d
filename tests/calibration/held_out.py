"""Leave each study out in turn: is what it reported where a fit to the others expects it?

Run as a script it writes docs/methods/held-out.md: a minute to compile, then about ten seconds a
study on one core. What is done of the same evidence and models is kept, so that a run that was
stopped goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # modules that tests share

from calibration.all_but_one import AllButOne  # noqa: E402
from calibration.held_out_page import page  # noqa: E402
from calibration.left_out import kept, leave_out, read_kept, studies_of  # noqa: E402
from calibration.scores import normal_score  # noqa: E402

from phase2sim.evidence.load import load_evidence  # noqa: E402
from phase2sim.evidence.reported import Evidence  # noqa: E402

PAGE = ROOT / "docs" / "methods" / "held-out.md"
EVIDENCE = ROOT / "priors" / "t1d-natural-history.toml"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write docs/methods/held-out.md.")
    parser.add_argument("--workers", type=int, default=1, help="processes that fit (default 1)")
    parser.add_argument("--again", action="store_true", help="fit again what is kept")
    chosen = parser.parse_args()
    evidence = load_evidence([EVIDENCE])
    studies = studies_of(evidence)
    jobs = [(study, chosen.again) for study in studies]
    with get_context("spawn").Pool(chosen.workers) as pool:
        for line in pool.imap_unordered(_leave_out, jobs):
            print(line, flush=True)
    numbers = {study: read_kept(evidence, study) for study in studies}
    fits = _quality([kept(evidence, study) for study in studies])
    PAGE.write_text(page(evidence, numbers, fits), encoding="utf-8")


def _leave_out(job: tuple[str, bool]) -> str:
    study, again = job
    numbers = leave_out(_evidence(), study, _compiled, again=again)
    scores = (f"{normal_score(one.reported, one.simulated):+.2f}" for one in numbers)
    return f"{study}: z {', '.join(scores)}"


@cache
def _evidence() -> Evidence:
    return load_evidence([EVIDENCE])


@cache
def _compiled() -> AllButOne:
    """The model of all studies, compiled once in each process."""
    return AllButOne.of(_evidence())


def _quality(found: Iterable[Mapping[str, Any]]) -> str:
    """Worst diagnostics of all fits, in words."""
    checks = [one["diagnostics"] for one in found]
    return (
        f"R-hat at most {max(of['rhat'] for of in checks):.3f}, bulk ESS at least"
        f" {min(of['ess_bulk'] for of in checks):.0f}, {sum(of['divergences'] for of in checks)}"
        f" divergent transitions in {len(checks)} fits"
    )


if __name__ == "__main__":
    main()

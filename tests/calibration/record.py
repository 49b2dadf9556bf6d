"""Run what has not been calibrated of these models, and write docs/methods/calibration.md.

`uv run python tests/calibration/record.py` uses one core, `record.py 2` two; `record.py 0` runs
nothing, and the page names what has not been run. Each case is kept as soon as it is done: a run
that was cut goes on where it was.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # modules that tests share

from calibration.cases_of_trials import CASES  # noqa: E402
from calibration.kept import (  # noqa: E402
    CROSS_CHECK,
    calibrated,
    cross_checked,
    digest,
    is_kept,
    kept,
    kept_cross_check,
)
from calibration.reduced import PARTICLES, Compared  # noqa: E402
from calibration.simulated import AGAIN, REPLICATIONS, Calibration  # noqa: E402

PAGE = ROOT / "docs" / "methods" / "calibration.md"
WORDS = f"""# Calibration of the fit

Simulation-based calibration (Talts et al. 2018): draw the parameters from the prior, simulate the
report of a paper with ten to forty patients (`phase2sim/prior/replicates`, which shares no code
with the likelihoods), fit the model, and rank the true value among 63 posterior draws. Ranks are
uniform and intervals have their nominal coverage only if every likelihood is the distribution of
its summary.

- Priors: those of the fit, narrowed where they include patients that no paper reports
  (`REALISTIC` and `RARE` in `tests/calibration/`). Each simulated paper has new study effects.
  Arms enrol at diagnosis; those of an entry over 12 months are named so, and GXIPC1's is one.
- The mean age of an arm is unknown but where it is said to be printed.
- Ranked quantities: the mean and SD at the visit, the SDs between studies, effects, and the
  distance of a reported number from its expectation under a draw. The last is needed because
  ranks of parameters alone cannot detect a fit that ignores its data (Modrák et al. 2023).
- {REPLICATIONS} simulated papers per case. The tests are chi-square over 16 bins and the
  simultaneous band of the ranks' distribution function (Säilynoja, Bürkner and Vehtari 2022),
  each at level 0.01 over the quantities of a case (Bonferroni). The coverage of 50 % and 90 %
  intervals must be within 3 binomial standard errors. By chance, about one calibrated case in
  thirty fails one of these tests. It is then repeated with {AGAIN} new papers and must pass (the
  table shows the number of papers).
- Individual data are not included: their density is exact, and tested separately
  (`tests/prior/models/likelihoods/test_individual_data.py`).

`uv run python tests/calibration/record.py` runs what has not been run of these models, and writes
this page; if it is cut, it goes on where it was. `uv run pytest -m calibration` runs all of it.
"""
READING = """
## Which errors this can detect

A fit whose 90 % intervals have 85 % coverage fails. Errors of two or three percentage points are
not detected. The approximations cause errors of this size (raw means and SDs of skewed values by
their first two moments, shifts of raw means by studies to first order). With 1280 papers, the
50 % and 90 % intervals covered 53 and 93 % for the SD of raw C-peptide, 46 and 89 % for the SD
between studies, and 53 and 91 %, 46 and 88 % for insulin.

Calibration has led to six corrections of the model. Earlier, SDs of skewed values were read as
lognormal about the model's SD; their ranks were biased (chi-square p below 0.002 on every scale).
SDs of the same patients at two visits were independent; their 50 % intervals covered 40 %. The SD
reported with a change was treated as known; its 90 % interval covered 85 %. The count below the
own baseline was independent of the median at that visit; the fit without a likelihood revealed
this (0.16 SD apart). Beside a mean at entry, of an arm that enters over months while the curve
falls, the same count had a negative variance where patients keep their deviations: such fits
diverged. Correlations were read by Fisher's z, whose mean was taken as that of rho: the share of
the variance that is permanent was biased over four studies (p 0.0018).
"""


def main() -> None:
    """Run what has not been run of these models, and write the page."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if workers:
        _run_missing(workers)
    done = [kept(name) for name in CASES if is_kept(name)]
    taken, compared = kept_cross_check()
    minutes = (taken + sum(seconds for seconds, _ in done)) / 60
    found = [one for _, one in done]
    not_run = [name for name in CASES if not is_kept(name)]
    page = "\n".join(_page(found, compared, minutes, not_run)) + "\n" + READING
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written; all cases took {minutes:.0f} minutes of a core.")
    if any(one.complaints for one in found):
        sys.exit("Not calibrated; the page says what is not.")


def _run_missing(workers: int) -> None:
    """Run each case that is not kept, and say how long it took and how many there are."""
    names = (*CASES, CROSS_CHECK)
    missing = [name for name in names if not is_kept(name)]
    done, started = len(names) - len(missing), time.monotonic()
    print(f"{done} of {len(names)} are kept of these models.", flush=True)
    # A fresh process now and then: compiled models stay in memory.
    with get_context("spawn").Pool(workers, maxtasksperchild=4) as pool:
        for name in pool.imap_unordered(_run, missing):
            done += 1
            so_far = (time.monotonic() - started) / 60
            words = f"{done} of {len(names)}, {so_far:.1f} min: {name}, {_found_of(name)}"
            print(words, flush=True)


def _run(name: str) -> str:
    if name == CROSS_CHECK:
        cross_checked()
    else:
        calibrated(name)
    return name


def _found_of(name: str) -> str:
    """Seconds that a case took, and what does not look calibrated."""
    if name == CROSS_CHECK:
        return f"{kept_cross_check()[0]:.0f} s"
    seconds, found = kept(name)
    return f"{seconds:.0f} s, {'; '.join(found.complaints) or 'calibrated'}"


def _page(
    found: Sequence[Calibration],
    compared: Sequence[Compared],
    minutes: float,
    not_run: Sequence[str],
) -> Iterable[str]:
    day = datetime.now(UTC).date().isoformat()
    yield WORDS
    yield f"Run on {day} in {minutes:.0f} minutes of one core. SHA-256 of"
    yield "`phase2sim/prior/models`, `phase2sim/prior/replicates` and the two files that both use:"
    yield f"`{digest()}`.\n"
    head = ("summary", "papers", "quantities", "least p, chi-square")
    yield _row(*head, "least p, ECDF", "50 % covers", "90 % covers", "")
    yield _row(*["---"] * 8)
    for one in found:
        yield _case_row(one)
    if not_run:
        yield f"\nNot run of these models yet: {'; '.join(not_run)}."
    yield "\n## Without any likelihood\n"
    yield "GXIPC1's HbA1c summaries fitted twice, with natural history fixed at a normal"
    yield "approximation of its posterior: by NUTS with the likelihood, and by `pm.Simulator` and"
    yield f"`sample_smc` from simulated patients ({2 * PARTICLES} particles), whose reports are"
    yield "compared with the published one.\n"
    yield _row("effect on HbA1c, %", "likelihood", "simulation", "means apart", "ratio of SDs")
    yield _row(*["---"] * 5)
    for effect in compared:
        both = (f"{mean:+.3f} (SD {sd:.3f})" for mean, sd in (effect.likelihood, effect.simulation))
        apart = f"{effect.means_apart:+.2f} SD (at most 0.15)"
        yield _row(
            f"month {effect.month:g}", *both, apart, f"{effect.ratio_of_sds:.2f} (0.8 to 1.2)"
        )


def _case_row(one: Calibration) -> str:
    verdicts = one.verdicts.values()
    covers = list(zip(*(verdict.coverage for verdict in verdicts), strict=True))
    return _row(
        one.name,
        one.replications,
        len(one.verdicts),
        f"{min(verdict.chi_square for verdict in verdicts):.2g}",
        f"{min(verdict.ecdf for verdict in verdicts):.2g}",
        *(f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %" for shares in covers),
        "; ".join(one.complaints) or "calibrated",
    )


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()

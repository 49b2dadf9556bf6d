"""Write docs/methods/calibration.md from what `pytest -m calibration` found; run what it lacks."""

import sys
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
WORKERS = 2
WORDS = f"""# Calibration of the fit

Simulation-based calibration (Talts et al. 2018): draw the unknowns from the prior, simulate
what ten patients' paper would report (`phase2sim/prior/replicates`, which knows no likelihood),
fit, and rank the truth among 63 draws. Ranks are uniform, and intervals cover as often as they say,
only if every likelihood is the distribution of the summary it reads.

- Priors: those of the fit, narrowed where they reach patients of whom no paper reports
  (`REALISTIC` and `RARE` in `tests/calibration/`). Studies are drawn anew each time. An arm
  enrols at diagnosis; GXIPC1's enrols over 12 months.
- Ranked are the mean and SD at the visit, how studies differ, effects, and the distance of a
  reported number from what a draw expects: ranks of parameters alone cannot see a fit that
  ignores its data (Modrák et al. 2023).
- {REPLICATIONS} simulated papers a case. Chi-square over 16 bins, and the simultaneous band of
  the ranks' distribution function (Säilynoja, Bürkner and Vehtari 2022), each at 0.01 over the
  quantities of a case (Bonferroni); 50 % and 90 % intervals cover within 3 binomial standard
  errors. About one calibrated case in thirty fails one of so many tests by chance: it is asked
  again, of {AGAIN} fresh papers, and must then pass (their number is in the table).
- Own patients' data are not here: their density is exact, and tested as such
  (`tests/prior/models/likelihoods/test_individual_data.py`).

`uv run pytest -m calibration` runs it; `uv run python tests/calibration/record.py` writes this
page of what that found.
"""
READING = """
## What these sizes can and cannot see

A fit whose 90 % intervals cover 85 % fails. Errors of two or three points do not show: they are
what the approximations leave (raw means and SDs of skewed values by their first two moments,
studies' shifts of raw means to first order). With 1280 papers, the 50 % and 90 % intervals
covered 53 and 93 % for the SD of raw C-peptide, 46 and 89 % for the spread of studies behind
it, and 53 and 91 %, 46 and 88 % for insulin.

What calibration has changed: SDs of skewed values had been read as lognormal about the model's,
whose ranks were biased (chi-square p below 0.002 on every scale); SDs of the same patients at
two visits as independent, whose 50 % intervals covered 40 %; the SD beside a change as known,
whose 90 % interval covered 85 %; and the count below the own baseline as independent of that
visit's median, which the fit without a likelihood found (0.16 SD apart).
"""


def main() -> None:
    """Run what has not been run of these models, and write the page."""
    missing = [name for name in (CROSS_CHECK, *CASES) if not is_kept(name)]
    # A fresh process now and then: compiled models stay in memory.
    with get_context("spawn").Pool(WORKERS, maxtasksperchild=4) as pool:
        for name in pool.imap_unordered(_run, missing):
            print(name, flush=True)
    done = [kept(name) for name in CASES]
    taken, compared = kept_cross_check()
    minutes = (taken + sum(seconds for seconds, _ in done)) / WORKERS / 60
    found = [one for _, one in done]
    page = "\n".join(_page(found, compared, minutes)) + "\n" + READING
    PAGE.write_text(page, encoding="utf-8")
    if any(one.complaints for one in found):
        sys.exit("Not calibrated; the page says what is not.")


def _run(name: str) -> str:
    if name == CROSS_CHECK:
        cross_checked()
    else:
        calibrated(name)
    return name


def _page(
    found: Sequence[Calibration], compared: Sequence[Compared], minutes: float
) -> Iterable[str]:
    day = datetime.now(UTC).date().isoformat()
    yield WORDS
    yield f"Run on {day} in {minutes:.0f} minutes on two cores. SHA-256 of"
    yield f"`phase2sim/prior/models` and `phase2sim/prior/replicates`: `{digest()}`.\n"
    head = ("summary of 10 patients", "papers", "quantities", "least p, chi-square")
    yield _row(*head, "least p, ECDF", "50 % covers", "90 % covers", "")
    yield _row(*["---"] * 8)
    for one in found:
        yield _case_row(one)
    yield "\n## Without any likelihood\n"
    yield "GXIPC1's HbA1c summaries again, natural history held at a normal approximation of its"
    yield "posterior: by NUTS on the likelihood, and by `pm.Simulator` and `sample_smc` on"
    yield f"simulated patients ({2 * PARTICLES} particles), comparing simulated reports with the"
    yield "real one.\n"
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

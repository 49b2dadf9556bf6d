"""A small report for tests: one sweep of a moment, gathered once."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from small_sweeps import BASE

from phase2sim.backends import backend
from phase2sim.dossier.dossier import Dossier, Wish, gather, simulate_for
from phase2sim.reporting.full_report import write_report
from phase2sim.scenario import load_scenario

TRIALS = 200


@cache
def small_dossier() -> Dossier:
    """Gather one endpoint at two visits, 200 trials; the folder lives as long as the tests."""
    folder = Path(mkdtemp(prefix="phase2sim-report-"))
    path = folder / "base.toml"
    path.write_text(BASE, encoding="utf-8")
    wish = Wish(trials=TRIALS)
    with backend() as here:
        main = simulate_for(load_scenario(path), folder / "out", wish, here, ["test"])
    return gather(folder / "out", "test", wish, main)


@cache
def small_page() -> Path:
    """Write its report as a page, once."""
    path = small_dossier().folder.parent / "report.html"
    write_report(small_dossier(), path)
    return path

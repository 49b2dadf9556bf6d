"""Write a report in Python, as `phase2sim report` does."""

from pathlib import Path

from phase2sim.core.backends import backend
from phase2sim.reporting.report.full_report import check_place, write_report
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.studies.dossier.dossier import ReportOptions, dossier_of

_AS_IT_WAS_RUN = Path("configuration-as-it-was-run.toml")  # section 11 of the report, saved


def report(
    source: Scenario | Path | str,
    out: Path | str = "report.html",
    *,
    trials: int | None = None,
    store: Path | str | None = None,
    workers: int = 1,
) -> Path:
    """Write the simulation report of a scenario, or of a folder that a sweep wrote.

    ``out`` is a ``.html`` or ``.docx`` file, returned. What is simulated is kept in ``store``,
    ``results/<scenario>-report`` if not said. Raises ``BadInput`` for what does not fit.

    >>> report("scenarios/meld-atg.toml", "report.pdf")
    Traceback (most recent call last):
    phase2sim.core.errors.BadInput: --out is report.pdf; a report is one .html or .docx file. ...
    """
    out = Path(out)
    check_place(out)
    taken = source if isinstance(source, Scenario) else Path(source)
    file = taken.path if isinstance(taken, Scenario) else taken
    if isinstance(taken, Scenario) and not taken.is_as_in_file:
        file = _AS_IT_WAS_RUN
    command = ["phase2sim", "report", str(file), "--out", str(out)]
    command += ["--trials", str(trials)] if trials else []
    command += ["--store", str(store)] if store else []
    wish = ReportOptions(trials=trials)
    with backend(workers) as at:
        kept = Path(store) if store else None
        write_report(dossier_of(taken, kept, wish, at, command), out)
    return out

"""Write a report in Python, as `phase2sim report` does."""

from pathlib import Path

from phase2sim.core.backends import backend
from phase2sim.reporting.report.full_report import check_output_file, write_report
from phase2sim.reporting.report.lint import check_texts
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.studies.dossier.dossier import ReportOptions, dossier_of

_AS_IT_WAS_RUN = Path("configuration-as-it-was-run.toml")  # section 12 of the report, saved


def report(
    source: Scenario | Path | str,
    out: Path | str = "report.html",
    *,
    trials: int | None = None,
    store: Path | str | None = None,
    workers: int = 1,
) -> Path:
    """Write the simulation report of a scenario or of a folder that ``sweep`` wrote.

    Parameters
    ----------
    source : Scenario, Path or str
        Scenario, scenario file or results folder.
    out : Path or str, default "report.html"
        File to write, ``.html`` or ``.docx``.
    trials : int, optional
        Number of trials per cell, at least 20; not for a folder. Default: the scenario's.
    store : Path or str, optional
        Folder of the simulated trials; not for a folder. Default: ``results/<scenario>-report``.
    workers : int, default 1
        Number of threads.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BadInput
        If ``out`` has another suffix, the source is not valid, or python-docx is not installed.
    Unfit
        If the report has a fault, such as a simulated number without its standard error.

    Examples
    --------
    >>> report("scenarios/meld-atg.toml", "report.pdf")
    Traceback (most recent call last):
    phase2sim.core.errors.BadInput: --out is report.pdf; a report is one .html or .docx file. ...
    """
    out = Path(out)
    check_output_file(out)
    scenario_or_folder = source if isinstance(source, Scenario) else Path(source)
    file = (
        scenario_or_folder.path if isinstance(scenario_or_folder, Scenario) else scenario_or_folder
    )
    if isinstance(scenario_or_folder, Scenario):
        check_texts(scenario_or_folder)
    elif not scenario_or_folder.is_dir():
        check_texts(load_scenario(scenario_or_folder))
    if isinstance(scenario_or_folder, Scenario) and not scenario_or_folder.is_as_in_file:
        file = _AS_IT_WAS_RUN
    command = ["phase2sim", "report", str(file), "--out", str(out)]
    command += ["--trials", str(trials)] if trials else []
    command += ["--store", str(store)] if store else []
    options = ReportOptions(trials=trials)
    with backend(workers) as workforce:
        store_folder = Path(store) if store else None
        write_report(dossier_of(scenario_or_folder, store_folder, options, workforce, command), out)
    return out

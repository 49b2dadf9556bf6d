"""Sweeps, sizes and reports in Python: one call each, as the commands do it."""

from pathlib import Path
from warnings import warn

from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.compare import ScenarioComparison, compare_scenarios
from phase2sim.studies.sizing.size import find_size, smallest_effect
from phase2sim.studies.sizing.size_result import Search, SizeResult
from phase2sim.studies.store.results_folder import try_results_folder
from phase2sim.studies.sweeps.result_rows import Rows
from phase2sim.studies.sweeps.results import matching_rows
from phase2sim.studies.sweeps.stored_results import read_results
from phase2sim.studies.sweeps.sweep import SweepOptions, SweepResult, prepare_sweep, run_sweep


def size(
    scenario: Scenario,
    *,
    power: float | None = None,
    assurance: float | None = None,
    verdict: str | None = None,
    detectable: bool = False,
    confidence: float = 0.99,
    tolerance: float = 0.01,
    workers: int = 1,
) -> SizeResult:
    """Find the smallest number of patients that reaches a power or an assurance.

    With the stated confidence the answer reaches the target, and the next smaller size is less than
    ``tolerance`` above it.

    Parameters
    ----------
    scenario : Scenario
        Scenario to size; its number of patients is ignored unless ``detectable``.
    power : float, optional
        Required power under the target effect, between 0 and 1. Give either power or assurance.
    assurance : float, optional
        Required assurance, between 0 and 1: power averaged over the fitted prior.
    verdict : str, optional
        Name of an analysis. Default: the overall verdict.
    detectable : bool, default False
        Find the smallest effect that the scenario's number of patients detects with this power.
    confidence : float, default 0.99
        Monte Carlo confidence of the answer, between 0 and 1.
    tolerance : float, default 0.01
        How far the next smaller size may exceed the target, on the scale of the target.
    workers : int, default 1
        Number of threads.

    Returns
    -------
    SizeResult
        ``patients``, or ``effect`` if ``detectable``; both are None if no size reaches the target.

    Raises
    ------
    BadInput
        If not exactly one of power and assurance is given, or the scenario cannot be sized.

    References
    ----------
    Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of
    Mathematical Statistics 41:1397-1409: bounds that hold at all looks of the search together.

    Examples
    --------
    The sample size is a multiple of the sum of the allocation ratio. The closed form of ANCOVA is
    exact here, so that the answer is its own, and the simulation checks it:

    >>> scenario = load_scenario("scenarios/meld-atg.toml")
    >>> result = size(scenario, power=0.8)
    >>> result.patients % sum(scenario.design["allocation"])
    0
    >>> result.patients == result.theory.step
    True
    >>> size(scenario, power=0.8, detectable=True).effect > 0
    True
    """
    if (power is None) == (assurance is None):
        raise BadInput("size needs one of power and assurance.")
    search = Search(
        criterion="assurance" if power is None else "power",
        target=power if power is not None else assurance or 0.0,
        confidence=confidence,
        tolerance=tolerance,
        verdict=verdict,
    )
    with backend(workers) as workforce:
        return (smallest_effect if detectable else find_size)(scenario, search, workforce)


def compare(
    *scenarios: Scenario | Path | str, trials: int | None = None, seed: int | None = None
) -> ScenarioComparison:
    """Compare scenarios with the first one, on the same simulated patients.

    Parameters
    ----------
    *scenarios : Scenario, Path or str
        At least two scenarios or scenario files.
    trials : int, optional
        Number of trials per truth. Default: that of the first scenario.
    seed : int, optional
        Seed of all scenarios. Default: that of the first scenario.

    Returns
    -------
    ScenarioComparison
        Probability of go of each scenario by truth, and paired differences from the first scenario.

    Raises
    ------
    BadInput
        If there are fewer than two scenarios, or a file is not valid.

    References
    ----------
    Glasserman and Yao (1992), Some guidelines and guarantees for common random numbers, Management
    Science 38:884-908.

    Examples
    --------
    >>> comparison = compare("scenarios/hba1c-primary.toml", "scenarios/two-to-one.toml", trials=20)
    >>> comparison.differences[0].measured.used
    20
    """
    loaded = [
        scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        for scenario in scenarios
    ]
    return compare_scenarios(loaded, trials=trials, seed=seed)


def sweep(
    path: Path | str,
    out: Path | str,
    *,
    trials: int | None = None,
    mcse: float | None = None,
    workers: int = 1,
) -> SweepResult:
    """Run every cell of a sweep file that is not yet in the results folder.

    Parameters
    ----------
    path : Path or str
        Sweep file, TOML.
    out : Path or str
        Folder of the results; it is created if needed.
    trials : int, optional
        Number of trials per cell. Default: that of the base scenario.
    mcse : float, optional
        Simulate until the Monte Carlo standard error of every probability of go is at most this, on
        the scale of a probability; ``trials`` is then the largest number of trials.
    workers : int, default 1
        Number of threads.

    Returns
    -------
    SweepResult
        ``rows`` has the numbers of the sweep's cells, as ``results`` returns them.

    Raises
    ------
    BadInput
        If the sweep file or an option is not valid.
    NotWritten
        If the results cannot be written.

    Examples
    --------
    The sweep has 45 cells, so 10 trials per cell are 450. A second call simulates nothing:

    >>> sweep("scenarios/sweeps/meld-atg-sizes.toml", "results/meld", trials=10).trials_done
    450
    >>> sweep("scenarios/sweeps/meld-atg-sizes.toml", "results/meld", trials=10).trials_done
    0
    """
    options = SweepOptions(trials=trials, mcse=mcse)
    loaded = load_sweep(path)
    try_results_folder(Path(out))
    prepared = prepare_sweep(loaded, Path(out), options, workers, lambda _line: None)
    with backend(workers) as workforce:
        return run_sweep(
            prepared, Path(out), workforce, ["phase2sim.sweep", str(path)], lambda _status: None
        )


def results(folder: Path | str, where: str | None = None) -> Rows:
    """Return the rows of a results folder that satisfy a condition, one row per number.

    Parameters
    ----------
    folder : Path or str
        Folder that ``sweep`` wrote.
    where : str, optional
        Condition on the columns, such as ``"name == 'power' and patients <= 60"``, with ``and``,
        ``or``, ``not``, ``in`` and comparisons. Default: all rows.

    Returns
    -------
    Rows
        Rows with their columns; ``frame`` and ``dataset`` convert them.

    Raises
    ------
    BadInput
        If the folder has no results, or the condition is not valid.

    Examples
    --------
    >>> result = sweep("scenarios/sweeps/meld-atg-sizes.toml", "out", trials=10)
    >>> sizes = {row["patients"] for row in results("out", "name == 'power' and patients <= 60")}
    >>> sorted(sizes)
    [40, 60]
    """
    rows = read_results(Path(folder), warn).rows
    return Rows(tuple(dict(row) for row in matching_rows(rows, where)))

"""Sweeps, sizes and reports in Python: one call each, as the commands do it."""

from pathlib import Path

from phase2sim.core.backends import backend
from phase2sim.core.errors import BadInput
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.scenario.sweep_file import load_sweep
from phase2sim.studies.compare import ScenarioComparison, compare_scenarios
from phase2sim.studies.sizing.size import find_size, smallest_effect
from phase2sim.studies.sizing.size_result import Search, SizeResult
from phase2sim.studies.store.folder import open_store
from phase2sim.studies.store.manifest import read_manifest
from phase2sim.studies.sweeps.result_rows import Rows
from phase2sim.studies.sweeps.results import Results, matching_rows
from phase2sim.studies.sweeps.sweep import SweepOptions, SweepResult, prepare_sweep, run_sweep


def size(  # noqa: PLR0913 - options by name
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
    """Find the fewest patients that reach a power or an assurance; ``None`` if there are none.

    With ``detectable`` the smallest effect that the scenario's own patients show with that power.
    With ``confidence`` the answer reaches the target, and the next smaller size has less than
    ``tolerance`` more. Raises ``BadInput`` for what does not fit.

    >>> scenario = load_scenario("scenarios/meld-atg.toml")
    >>> found = size(scenario, power=0.8)
    >>> found.patients % sum(scenario.design["allocation"])
    0
    >>> size(scenario, power=0.8, detectable=True).effect > 0
    True
    """
    if (power is None) == (assurance is None):
        raise BadInput("size needs one of power and assurance.")
    search = Search(
        of="assurance" if power is None else "power",
        target=power if power is not None else assurance or 0.0,
        confidence=confidence,
        tolerance=tolerance,
        verdict=verdict,
    )
    with backend(workers) as at:
        return (smallest_effect if detectable else find_size)(scenario, search, at)


def compare(
    *scenarios: Scenario | Path | str, trials: int | None = None, seed: int | None = None
) -> ScenarioComparison:
    """Compare scenarios, or their files, with the first on the same patients.

    All use the seed and the number of trials of the first, unless others are given. Raises
    ``BadInput`` for fewer than two scenarios.

    >>> both = compare("scenarios/hba1c-primary.toml", "scenarios/two-to-one.toml", trials=20)
    >>> both.differences[0].measured.used
    20
    """
    loaded = [one if isinstance(one, Scenario) else load_scenario(one) for one in scenarios]
    return compare_scenarios(loaded, trials=trials, seed=seed)


def sweep(
    path: Path | str,
    out: Path | str,
    *,
    trials: int | None = None,
    mcse: float | None = None,
    workers: int = 1,
) -> SweepResult:
    """Run every cell of a sweep file that the folder ``out`` does not hold yet.

    ``SweepResult.rows`` are those of ``results``. Raises ``BadInput`` and ``NotWritten``.

    >>> sweep("scenarios/sweeps/meld-atg-sizes.toml", "results/meld", trials=10).trials_done
    450
    >>> sweep("scenarios/sweeps/meld-atg-sizes.toml", "results/meld", trials=10).trials_done
    0
    """
    asked = SweepOptions(trials=trials, mcse=mcse)
    ready = prepare_sweep(load_sweep(path), Path(out), asked, workers, lambda _line: None)
    with backend(workers) as at:
        return run_sweep(ready, Path(out), at, ["phase2sim.sweep", str(path)], lambda _status: None)


def results(folder: Path | str, where: str | None = None) -> Rows:
    """Rows of a folder of results that meet a condition: one a number.

    Raises ``BadInput`` for a folder without results, or what is no condition.

    >>> done = sweep("scenarios/sweeps/meld-atg-sizes.toml", "out", trials=10)
    >>> {row["patients"] for row in results("out", "name == 'power' and patients <= 60")}
    {40, 60}
    """
    store = open_store(Path(folder))
    rows = Results(store, read_manifest(store)).rows()
    return Rows(tuple(dict(row) for row in matching_rows(rows, where)))

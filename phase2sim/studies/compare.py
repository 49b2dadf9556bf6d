"""Scenarios side by side on the same patients: differences with paired standard errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from phase2sim.core.arrays import Arms
from phase2sim.core.contracts import CONSIDER, GO, UNDECIDED
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.io.data_frames import frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Progress, Report
from phase2sim.operating.characteristics import measured_row
from phase2sim.operating.simulation import Ready, prepare_scenario
from phase2sim.scenario.assembly.assemble import Assembled, build_scenario
from phase2sim.scenario.assembly.plan import widen_plan
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.engine import simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame


_LISTED = 5  # discordant trials of each kind
_TRUTHS = ("target", "null", "prior", "sceptical")


@dataclass(frozen=True, slots=True)
class ComparedScenario:
    """One scenario in a comparison, by its main verdict."""

    scenario: Scenario
    verdict: str  # the verdict on all analyses together, or of the first analysis
    patients: int
    go: dict[str, Measured]  # by truth: power, type I error, assurance
    shares_patients: bool  # with the first scenario: their values, not only their numbers
    consider: dict[str, Measured] = field(default_factory=dict)  # by truth; {}: none


@dataclass(frozen=True, slots=True)
class Difference:
    """Chance of a go of one scenario minus that of the first, under one truth.

    ``only_here`` and ``only_first`` are trials, the first few, in which only one of them went.
    """

    scenario: int  # place among the entries
    truth: str
    measured: Measured
    only_here: tuple[int, ...]
    only_first: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ScenarioComparison(Viewed):
    """Scenarios compared on the same simulated patients, as ``compare`` returns them.

    Attributes
    ----------
    entries : tuple of ComparedScenario
        One entry per scenario, in the order of the call: its main verdict, number of patients, and
        probability of go by truth.
    differences : tuple of Difference
        For every scenario but the first, by truth: its probability of go minus that of the first,
        with the Monte Carlo standard error of the paired difference.
    seed : int
        Seed of all scenarios.
    trials : int
        Number of trials per truth.

    References
    ----------
    Glasserman and Yao (1992), Some guidelines and guarantees for common random numbers, Management
    Science 38:884-908.

    Examples
    --------
    >>> import phase2sim
    >>> files = ["scenarios/hba1c-primary.toml", "scenarios/c-peptide-primary.toml"]
    >>> comparison = phase2sim.compare(*files, trials=20)
    >>> comparison.frame().query("truth == 'target'").verdict.tolist()
    ['hba1c', 'c_peptide']
    """

    entries: tuple[ComparedScenario, ...]
    differences: tuple[Difference, ...]
    seed: int
    trials: int

    def frame(self) -> "DataFrame":
        """A line a scenario and truth, with its paired difference to the first scenario."""
        return frame_of([
            {
                "scenario": entry.scenario.title, "file": str(entry.scenario.path),
                "verdict": entry.verdict, "patients": entry.patients, "truth": truth,
                **measured_row(go),
                "difference": against.estimate if against else None,
                "difference_mcse": against.mcse if against else None,
            }
            for place, entry in enumerate(self.entries)
            for truth, go in entry.go.items()
            for against in [self._difference(place, truth)]
        ])  # fmt: skip

    def view(self) -> View:
        """A line a scenario: its share of go under each truth, and the difference to the first."""
        truths = [truth for truth in _TRUTHS if any(truth in one.go for one in self.entries)]
        return View(
            f"{self.trials:,} trials, seed {self.seed}, the same patients in all",
            ("scenario", "verdict", "patients", *truths),
            tuple(
                (one.scenario.title, one.verdict, str(one.patients),
                 *(self._shown(place, truth) for truth in truths))
                for place, one in enumerate(self.entries)
            ),
            (f"{MONTE_CARLO} In brackets: the difference to the first, on the same trials.",),
            words=2,
        )  # fmt: skip

    def _shown(self, place: int, truth: str) -> str:
        go = self.entries[place].go.get(truth)
        if go is None:
            return "-"
        against = self._difference(place, truth)
        share = plus_minus(go.estimate, go.mcse)
        if against is None:
            return share
        sign = "+" if against.estimate >= 0 else ""
        return f"{share} ({sign}{plus_minus(against.estimate, against.mcse)})"

    def _difference(self, place: int, truth: str) -> Measured | None:
        asked = place, truth
        found = (one.measured for one in self.differences if (one.scenario, one.truth) == asked)
        return next(found, None)

    def replay(self, place: int, trial: int, truth: str) -> str:
        """The command that shows one trial of one scenario again."""
        scenario = self.entries[place].scenario
        shared = scenario.shared
        also = ""
        if shared.endpoints or shared.months:
            endpoints = ", ".join(f"'{name}'" for name in shared.endpoints)
            months = ", ".join(f"{month:g}" for month in shared.months)
            also = f' --set "shared={{ endpoints = [{endpoints}], months = [{months}] }}"'
        return (
            f"phase2sim replay {scenario.path} --trial {trial} --truth {truth}"
            f" --set seed={self.seed}{also}"
        )


def compare_scenarios(
    scenarios: Sequence[Scenario],
    *,
    trials: int | None = None,
    seed: int | None = None,
    report: Report = lambda _line: None,
    progress: Progress = lambda _done, _requested: None,
) -> ScenarioComparison:
    """Compare scenarios with the first on the same patients.

    All use the seed and the number of trials of the first, unless others are given. Raises
    ``BadInput`` for fewer than two scenarios.
    """
    if len(scenarios) < 2:  # noqa: PLR2004 - nothing to compare
        raise BadInput("compare needs two scenario files or more. Name another.")
    seed = scenarios[0].seed if seed is None else seed
    trials = scenarios[0].trials if trials is None else trials
    alike = [one.changed({"seed": seed, "trials": trials}) for one in scenarios]
    ready = [prepare_scenario(one, report) for one in _with_shared_patients(alike)]
    goes = _goes(ready, trials, progress)
    entries = tuple(
        _entry(one, ready[0], verdicts, trials) for one, verdicts in zip(ready, goes, strict=True)
    )
    return ScenarioComparison(entries, tuple(_differences(goes, trials)), seed, trials)


def _with_shared_patients(scenarios: Sequence[Scenario]) -> Iterator[Scenario]:
    """Each scenario drawing what all of them draw, where it can."""
    plans = [
        widen_plan(built.scenario, built.study.plan) or built.study.plan
        for built in map(build_scenario, scenarios)
    ]
    endpoints = [name for name in ENDPOINTS if any(name in plan.endpoints for plan in plans)]
    months = sorted({month for plan in plans for month in plan.visits_months})
    for scenario, plan in zip(scenarios, plans, strict=True):
        can = [name for name in endpoints if scenario.evidence or name in scenario.outcome]
        when = months if _any_month(scenario) else []
        if set(can) <= set(plan.endpoints) and set(when) <= set(plan.visits_months):
            yield scenario
        else:
            yield scenario.changed({"shared": {"endpoints": can, "months": when}})


def _any_month(scenario: Scenario) -> bool:
    """Whether the scenario says how patients vary at months without a visit of its own."""
    given = [outcome.correlation for outcome in scenario.outcome.values()]
    return not any(isinstance(correlation, tuple) for correlation in given)


def _goes(ready: Sequence[Ready], trials: int, progress: Progress) -> list[dict[str, Arms]]:
    """Main verdict of every trial, (trial,), by truth, of each scenario."""
    found = []
    for place, one in enumerate(ready):
        study, main = one.assembled.study, _main(one.assembled)
        verdicts: dict[str, list[Arms]] = {source.label: [] for source in one.assembled.sources}
        for first in range(0, trials, study.batch):
            size = min(study.batch, trials - first)
            for source in one.assembled.sources:
                outcomes = simulate_batch(study, source, first, size)
                verdicts[source.label].append(outcomes.verdict[:, main])
            progress(place * trials + first + size, len(ready) * trials)
        found.append({label: np.concatenate(batches) for label, batches in verdicts.items()})
    return found


def _main(assembled: Assembled) -> int:
    """Which verdict stands for the trial: that on all analyses together, else the first."""
    verdicts, alone = assembled.study.verdicts, len(assembled.study.analyses)
    return alone if len(verdicts) > alone else 0


def _entry(ready: Ready, first: Ready, verdicts: dict[str, Arms], trials: int) -> ComparedScenario:
    study, plan = ready.assembled.study, ready.assembled.study.drawn
    other = first.assembled.study.drawn
    return ComparedScenario(
        scenario=ready.assembled.built.scenario,
        verdict=study.verdicts[_main(ready.assembled)],
        patients=plan.patients,
        go={truth: _share(verdict, trials, GO) for truth, verdict in verdicts.items()},
        shares_patients=(plan.endpoints, plan.visits_months)
        == (other.endpoints, other.visits_months),
        consider={truth: _share(verdict, trials, CONSIDER) for truth, verdict in verdicts.items()}
        if study.decision.considers
        else {},
    )


def _share(verdict: Arms, trials: int, end: int) -> Measured:
    used = int((verdict != UNDECIDED).sum())
    return proportion(int((verdict == end).sum()), used, trials)


def _differences(goes: Sequence[dict[str, Arms]], trials: int) -> Iterator[Difference]:
    for place, one in enumerate(goes[1:], start=1):
        for truth in _TRUTHS:
            if truth in one and truth in goes[0]:
                yield _difference(place, truth, one[truth], goes[0][truth], trials)


def _difference(place: int, truth: str, here: Arms, first: Arms, trials: int) -> Difference:
    """Paired difference over the trials that both could decide."""
    both = (here != UNDECIDED) & (first != UNDECIDED)
    only_here, only_first = (
        np.flatnonzero(both & (one == GO) & (other != GO))
        for one, other in ((here, first), (first, here))
    )
    used = int(both.sum())
    failed = trials - used
    gained, lost = only_here.size, only_first.size
    if used == 0:
        return Difference(place, truth, Measured(np.nan, np.nan, trials, 0, failed), (), ())
    difference = (gained - lost) / used
    # Half a discordant trial of each kind, where there is none, as for a share of 0.
    at_least = max(gained + lost, 1) / used
    mcse = float(np.sqrt((at_least - difference**2) / used))
    measured = Measured(difference, mcse, trials, used, failed)
    listed = (tuple(map(int, which[:_LISTED])) for which in (only_here, only_first))
    return Difference(place, truth, measured, *listed)

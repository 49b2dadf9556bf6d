"""Scenarios side by side on the same patients: differences with paired standard errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from phase2sim.core.arrays import Arms
from phase2sim.core.contracts import CONSIDER, GO, UNDECIDED
from phase2sim.core.draws_error import Picks, paired_with_draws, with_draws_of_trials
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadInput
from phase2sim.core.io.data_frames import frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.core.measured import Measured, measured_row, share_of_trials
from phase2sim.core.progress import Progress, Report
from phase2sim.operating.simulation import PreparedScenario, prepare_scenario
from phase2sim.scenario.assembly.assemble import AssembledScenario, build_scenario
from phase2sim.scenario.assembly.plan import widen_plan
from phase2sim.scenario.assembly.unread_keys import refuse_unread_by_all
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.trial.engine import simulate_batch

if TYPE_CHECKING:
    from pandas import DataFrame


_MOST_LISTED = 5  # discordant trials of each kind
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
    """Share of go of one scenario minus that of the first, under one truth.

    ``only_here`` and ``only_first`` list the first few trials with a go in one of the two only.
    """

    scenario: int  # index in the comparison's entries
    truth: str
    measured: Measured
    only_here: tuple[int, ...]
    only_first: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ScenarioComparison(Viewed):
    """Scenarios compared on the same simulated patients, as ``compare`` returns them.

    Parameters
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
        """One row per scenario and truth, with its paired difference to the first scenario."""
        return frame_of([
            {
                "scenario": entry.scenario.title, "file": str(entry.scenario.path),
                "verdict": entry.verdict, "patients": entry.patients, "truth": truth,
                **measured_row(go),
                "difference": difference.estimate if difference else None,
                "difference_mcse": difference.mcse if difference else None,
            }
            for number, entry in enumerate(self.entries)
            for truth, go in entry.go.items()
            for difference in [self._difference(number, truth)]
        ])  # fmt: skip

    def view(self) -> View:
        """Share of go under each truth, one row per scenario, with differences to the first."""
        truths = [truth for truth in _TRUTHS if any(truth in entry.go for entry in self.entries)]
        return View(
            f"{self.trials:,} trials, seed {self.seed}, the same patients in all",
            ("scenario", "verdict", "patients", *truths),
            tuple(
                (entry.scenario.title, entry.verdict, str(entry.patients),
                 *(self._share_text(number, truth) for truth in truths))
                for number, entry in enumerate(self.entries)
            ),
            (f"{MONTE_CARLO} In brackets: the difference to the first, on the same trials.",),
            words=2,
        )  # fmt: skip

    def _share_text(self, number: int, truth: str) -> str:
        go = self.entries[number].go.get(truth)
        if go is None:
            return "-"
        against = self._difference(number, truth)
        share = plus_minus(go.estimate, go.mcse)
        if against is None:
            return share
        sign = "+" if against.estimate >= 0 else ""
        return f"{share} ({sign}{plus_minus(against.estimate, against.mcse)})"

    def _difference(self, number: int, truth: str) -> Measured | None:
        key = number, truth
        matches = (
            difference.measured
            for difference in self.differences
            if (difference.scenario, difference.truth) == key
        )
        return next(matches, None)

    def replay(self, number: int, trial: int, truth: str) -> str:
        """Command that replays one trial of one scenario."""
        scenario = self.entries[number].scenario
        shared = scenario.shared
        setting = ""
        if shared.endpoints or shared.months:
            endpoints = ", ".join(f"'{name}'" for name in shared.endpoints)
            months = ", ".join(f"{month:g}" for month in shared.months)
            setting = f' --set "shared={{ endpoints = [{endpoints}], months = [{months}] }}"'
        return (
            f"phase2sim replay {scenario.path} --trial {trial} --truth {truth}"
            f" --set seed={self.seed}{setting}"
        )


def compare_scenarios(
    scenarios: Sequence[Scenario],
    *,
    trials: int | None = None,
    seed: int | None = None,
    report: Report = lambda _line: None,
    progress: Progress = lambda _trials, _total: None,
) -> ScenarioComparison:
    """Compare scenarios with the first on the same patients.

    All use the seed and the number of trials of the first, unless others are given. Raises
    ``BadInput`` for fewer than two scenarios.
    """
    if len(scenarios) < 2:  # noqa: PLR2004 - nothing to compare
        raise BadInput("compare needs two scenario files or more. Name another.")
    seed = scenarios[0].seed if seed is None else seed
    trials = scenarios[0].trials if trials is None else trials
    aligned = [scenario.changed({"seed": seed, "trials": trials}) for scenario in scenarios]
    prepared = [
        prepare_scenario(scenario, report, every_key_read=False)
        for scenario in _with_shared_patients(aligned)
    ]
    files = ", ".join(dict.fromkeys(str(scenario.path) for scenario in scenarios))
    refuse_unread_by_all((scenario.assembled.built for scenario in prepared), files)
    verdicts_by_scenario = _simulate_verdicts(prepared, trials, progress)
    picks = [
        {source.label: source.picks(0, trials) for source in scenario.assembled.sources}
        for scenario in prepared
    ]
    entries = tuple(
        _entry(entry, prepared[0], verdicts, picks_of_scenario)
        for entry, verdicts, picks_of_scenario in zip(
            prepared, verdicts_by_scenario, picks, strict=True
        )
    )
    return ScenarioComparison(
        entries, tuple(_differences(verdicts_by_scenario, picks)), seed, trials
    )


def _with_shared_patients(scenarios: Sequence[Scenario]) -> Iterator[Scenario]:
    """Yield each scenario, drawing the endpoints and months of all scenarios where it can."""
    plans = [
        widen_plan(built.scenario, built.study.plan) or built.study.plan
        for built in map(build_scenario, scenarios)
    ]
    endpoints = [name for name in ENDPOINTS if any(name in plan.endpoints for plan in plans)]
    months = sorted({month for plan in plans for month in plan.visits_months})
    for scenario, plan in zip(scenarios, plans, strict=True):
        drawable = [name for name in endpoints if scenario.evidence or name in scenario.outcome]
        shared_months = months if _allows_any_month(scenario) else []
        if set(drawable) <= set(plan.endpoints) and set(shared_months) <= set(plan.visits_months):
            yield scenario
        else:
            yield scenario.changed({"shared": {"endpoints": drawable, "months": shared_months}})


def _allows_any_month(scenario: Scenario) -> bool:
    """Whether the correlation is a model that also holds at months without a visit."""
    correlations = [outcome.correlation for outcome in scenario.outcome.values()]
    return not any(isinstance(correlation, tuple) for correlation in correlations)


def _simulate_verdicts(
    scenarios: Sequence[PreparedScenario], trials: int, progress: Progress
) -> list[dict[str, Arms]]:
    """Main verdict of every trial, (trial,), by truth; one dictionary per scenario."""
    verdicts_by_scenario = []
    for number, prepared in enumerate(scenarios):
        study, main = prepared.assembled.study, _main_verdict(prepared.assembled)
        verdicts: dict[str, list[Arms]] = {
            source.label: [] for source in prepared.assembled.sources
        }
        for first in range(0, trials, study.batch):
            size = min(study.batch, trials - first)
            for source in prepared.assembled.sources:
                outcomes = simulate_batch(study, source, first, size)
                verdicts[source.label].append(outcomes.verdict[:, main])
            progress(number * trials + first + size, len(scenarios) * trials)
        verdicts_by_scenario.append(
            {label: np.concatenate(batches) for label, batches in verdicts.items()}
        )
    return verdicts_by_scenario


def _main_verdict(assembled: AssembledScenario) -> int:
    """Index of the main verdict: that on all analyses together, else the first."""
    verdicts, analyses = assembled.study.verdicts, len(assembled.study.analyses)
    return analyses if len(verdicts) > analyses else 0


def _entry(
    prepared: PreparedScenario,
    first: PreparedScenario,
    verdicts: Mapping[str, Arms],
    picks: Mapping[str, Picks | None],
) -> ComparedScenario:
    study, plan = prepared.assembled.study, prepared.assembled.study.drawn
    first_plan = first.assembled.study.drawn
    return ComparedScenario(
        scenario=prepared.assembled.built.scenario,
        verdict=study.verdicts[_main_verdict(prepared.assembled)],
        patients=plan.patients,
        go={truth: _share(verdict, GO, picks[truth]) for truth, verdict in verdicts.items()},
        shares_patients=(plan.endpoints, plan.visits_months)
        == (first_plan.endpoints, first_plan.visits_months),
        consider={truth: _share(ends, CONSIDER, picks[truth]) for truth, ends in verdicts.items()}
        if study.decision.considers
        else {},
    )


def _share(verdict: Arms, ending: int, picks: Picks | None) -> Measured:
    failed, is_end = int((verdict == UNDECIDED).sum()), verdict == ending
    share = share_of_trials(int(is_end.sum()), failed, verdict.size)
    return with_draws_of_trials(share, is_end, picks)


def _differences(
    verdicts_by_scenario: Sequence[Mapping[str, Arms]],
    picks_by_scenario: Sequence[Mapping[str, Picks | None]],
) -> Iterator[Difference]:
    first_verdicts, first_picks = verdicts_by_scenario[0], picks_by_scenario[0]
    for number, verdicts in enumerate(verdicts_by_scenario[1:], start=1):
        for truth in _TRUTHS:
            if truth in verdicts and truth in first_verdicts:
                picks = picks_by_scenario[number][truth], first_picks[truth]
                yield _difference(number, truth, verdicts[truth], first_verdicts[truth], picks)


def _difference(
    number: int,
    truth: str,
    verdicts: Arms,
    first_verdicts: Arms,
    picks: tuple[Picks | None, Picks | None],
) -> Difference:
    """Paired difference in the share of go over all trials; a failed one is no go."""
    trials = verdicts.size
    only_here, only_first = (
        np.flatnonzero((winner == GO) & (loser != GO))
        for winner, loser in ((verdicts, first_verdicts), (first_verdicts, verdicts))
    )
    failed = int(((verdicts == UNDECIDED) | (first_verdicts == UNDECIDED)).sum())
    gained, lost = only_here.size, only_first.size
    difference = (gained - lost) / trials
    # Half a discordant trial of each kind, where there is none, as for a share of 0.
    at_least = max(gained + lost, 1) / trials
    mcse = float(np.sqrt((at_least - difference**2) / trials))
    measured = paired_with_draws(
        Measured(difference, mcse, trials, trials, failed),
        verdicts == GO,
        first_verdicts == GO,
        picks,
    )
    listed = (tuple(map(int, numbers[:_MOST_LISTED])) for numbers in (only_here, only_first))
    return Difference(number, truth, measured, *listed)

"""Run a scenario under each of its truths and measure its operating characteristics."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import islice
from operator import add
from threading import Timer
from typing import TYPE_CHECKING

from phase2sim.core.contracts import FAILURES, RESULTS_VERSION
from phase2sim.core.errors import TooManyFailures
from phase2sim.core.interrupts import swallowed_interrupts_raised
from phase2sim.core.io.data_frames import dataset_of, frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.core.kernels import at_first_compilation
from phase2sim.core.measured import Measured
from phase2sim.core.progress import Progress, Report
from phase2sim.evidence.elicited import ElicitedInput
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.analysis_failures import FallbackShare, failed_too_often, fallbacks
from phase2sim.operating.background import Background, background
from phase2sim.operating.batch_sums import tally_batch
from phase2sim.operating.characteristics import (
    COLUMNS,
    SHARE_NAMES,
    SHARE_TITLES,
    Characteristic,
    closed_forms,
    identify_rows,
    operating_characteristics,
    truth_errors,
)
from phase2sim.operating.judgements import elicited_of
from phase2sim.operating.measures import TrialSums
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.assembly.cautions import notes_on
from phase2sim.scenario.assembly.true_effects import with_known_values
from phase2sim.scenario.assembly.unread_keys import refuse_unread
from phase2sim.scenario.scenario_file import Scenario

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset


_SLOW_SECONDS = 0.2  # of one trial under all truths
_SILENT_SECONDS = 1.5
_BATCHES_AHEAD = 2  # a worker, so that none waits and memory stays bounded


_AVERAGES = {
    "enrolled": "Patients enrolled, on average",
    "duration": "Months, on average",
    "stopped_for_harm": "Stopped for harm",
}


@dataclass(frozen=True, slots=True, repr=False)
class Result(Viewed):
    """Operating characteristics of one scenario, as ``simulate`` returns them.

    It prints its probabilities of go; ``frame`` and ``dataset`` hold every number.

    Parameters
    ----------
    scenario : Scenario
        Scenario as it was simulated, with the trials and seed of the call.
    trials : int
        Number of trials simulated per truth; fewer than requested if the run was interrupted.
    characteristics : tuple of Characteristic
        Every operating characteristic: its name, truth, analysis, look and ``Measured`` value, with
        the closed form where there is one.
    failures : mapping of str to int
        Number of failed analyses by reason, over all truths.
    background : tuple of Background
        Target, fitted effect and estimand of each analysis.
    prior : mapping or None
        Provenance and number of draws of the fitted prior; None without evidence.
    fallbacks : tuple of FallbackShare
        Shares of trials that a simpler model, or another test, answered.
    elicited : tuple of ElicitedInput
        Elicited inputs on which the prior relies, each with its value and the reason for it.
    results_version : int
        Version of the numerical results; equal versions give equal numbers.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Assurance in clinical trial design, Pharmaceutical
    Statistics 4:187-201.

    Examples
    --------
    >>> result = simulate(load_scenario("scenarios/meld-atg.toml"), trials=50)
    >>> result.power["c_peptide"]
    Measured(0... +- 0..., used 50, failed 0)
    >>> result.frame().query("name == 'type_i_error'")[["estimate", "mcse", "used"]].shape
    (1, 3)
    >>> list(result.dataset().sizes)
    ['name', 'truth', 'analysis']
    """

    scenario: Scenario
    trials: int  # simulated; fewer than requested if interrupted
    characteristics: tuple[Characteristic, ...]
    failures: Mapping[str, int]  # reason -> analyses that failed for it, over all truths
    background: tuple[Background, ...]
    prior: Mapping[str, object] | None  # the fit's provenance and number of draws
    fallbacks: tuple[FallbackShare, ...] = ()  # simpler models that were used
    elicited: tuple[ElicitedInput, ...] = ()
    results_version: int = RESULTS_VERSION

    @property
    def interrupted(self) -> bool:
        """Whether the run was stopped before its last trial."""
        return self.trials < self.scenario.trials

    @property
    def power(self) -> dict[str, Measured]:
        """Power at the target, by analysis or verdict."""
        return self._by_analysis("power", "target")

    @property
    def type_i_error(self) -> dict[str, Measured]:
        """One-sided type I error with no effect on anything, by analysis or verdict."""
        return self._by_analysis("type_i_error", "null")

    @property
    def assurance(self) -> dict[str, Measured]:
        """Assurance under the fitted prior, by analysis or verdict."""
        return self._by_analysis("assurance", "prior")

    def frame(self) -> "DataFrame":
        """Every number as a pandas data frame, with its Monte Carlo error and its trials."""
        return frame_of([row.row() for row in self.characteristics])

    def dataset(self) -> "Dataset":
        """The same as an xarray dataset over name, truth, analysis and, if it has any, look."""
        rows, places = identify_rows([row.row() for row in self.characteristics])
        return dataset_of(rows, places, COLUMNS)

    def view(self) -> View:
        """Shares of go, by truth and verdict."""
        rows = [row for row in self.characteristics if row.name == SHARE_NAMES[row.truth]]
        verdicts = tuple(dict.fromkeys(row.analysis for row in rows))
        shares = {(row.truth, row.analysis): row.measured for row in rows}
        size, trials = f"{self.scenario.design['patients']} patients", f"{self.trials:,} trials"
        return View(
            f"{self.scenario.title}: {size}, {trials}, seed {self.scenario.seed}",
            ("share of go", "truth", *verdicts),
            tuple(
                (SHARE_TITLES[SHARE_NAMES[truth]], truth, *cells)
                for truth in dict.fromkeys(row.truth for row in rows)
                for cells in [[_share_text(shares.get((truth, verdict))) for verdict in verdicts]]
            ),
            tuple(self._notes()),
            words=2,
        )  # fmt: skip

    def _notes(self) -> Iterator[str]:
        yield MONTE_CARLO
        for name, words in _AVERAGES.items():
            rows = [row for row in self.characteristics if row.name == name]
            if rows:
                values = (f"{row.truth} {_share_text(row.measured)}" for row in rows)
                yield f"{words}: {', '.join(values)}."
        if self.failures:
            yield f"{sum(self.failures.values()):,} analyses failed; counted, not dropped."
        if self.elicited:
            yield f"{len(self.elicited)} inputs are elicited: our judgement, not published."
        if self.interrupted:
            yield f"Interrupted: {self.scenario.trials:,} trials were asked for."

    def _by_analysis(self, name: str, truth: str) -> dict[str, Measured]:
        rows = self.characteristics
        return {r.analysis: r.measured for r in rows if (r.name, r.truth) == (name, truth)}


def _share_text(measured: Measured | None) -> str:
    return "-" if measured is None else plus_minus(measured.estimate, measured.mcse)


def simulate(
    scenario: Scenario,
    *,
    trials: int | None = None,
    seed: int | None = None,
    workers: int = 1,
    report: Report = lambda _line: None,
    progress: Progress = lambda _trials, _total: None,
) -> Result:
    """Simulate a scenario: power, type I error and assurance.

    Evidence without a stored fit is fitted first. The result depends on the scenario, its prior
    and its seed, not on ``workers``. An interrupt (Ctrl-C) returns the results of the trials
    simulated so far.

    Parameters
    ----------
    scenario : Scenario
        Scenario to simulate, from ``load_scenario``.
    trials : int, optional
        Number of trials per truth, at least 1. Default: the scenario's.
    seed : int, optional
        Seed of the random streams, from 0 to 2**64 - 1. Default: the scenario's.
    workers : int, default 1
        Number of threads.
    report : callable, optional
        Receives each message, a str.
    progress : callable, optional
        Receives the number of trials done and the number requested, after each batch.

    Returns
    -------
    Result
        Power under the target effect, type I error under no effect, and assurance under the fitted
        and the sceptical prior, with Monte Carlo standard errors.

    Raises
    ------
    BadInput
        If a key of the scenario, or its evidence, is not valid.
    PriorNotTrusted
        If the diagnostics of the fit fail.
    TooManyFailures
        If more analyses fail than ``failures_allowed``.

    References
    ----------
    O'Hagan, Stevens and Campbell (2005), Assurance in clinical trial design, Pharmaceutical
    Statistics 4:187-201. Morris, White and Crowther (2019), Using simulation studies to evaluate
    statistical methods, Statistics in Medicine 38:2074-2102.

    Examples
    --------
    The type I error of an exact test agrees with its one-sided level of 0.025:

    >>> scenario = load_scenario("scenarios/meld-atg.toml", ["design.patients=128"])
    >>> error = simulate(scenario, trials=500).type_i_error["c_peptide"]
    >>> error.used
    500
    >>> abs(error.estimate - 0.025) < 4 * error.mcse
    True
    """
    overrides = {"trials": trials, "seed": seed}
    scenario = scenario.changed({k: v for k, v in overrides.items() if v is not None})
    prepared = prepare_scenario(scenario, report)
    _compile(prepared, report)
    _say_how_long(prepared, scenario.trials, workers, report)
    sums, trials_done = _run(prepared, scenario.trials, workers, progress)
    by_truth = dict(zip((source.label for source in prepared.assembled.sources), sums, strict=True))
    for _, why in failed_too_often(prepared.assembled.built, by_truth):
        raise TooManyFailures(why)
    return _result(prepared, scenario, by_truth, trials_done)


def _result(
    prepared: "PreparedScenario", scenario: Scenario, by_truth: Mapping[str, TrialSums], trials: int
) -> Result:
    assembled, prior = prepared.assembled, prepared.prior
    built, requested = assembled.built, scenario.trials
    forms, errors = closed_forms(assembled), truth_errors(assembled)
    reasons = reduce(add, (truth_sums.reasons.sum(axis=0) for truth_sums in by_truth.values()))
    provenance = None if prior is None else {**prior.provenance, "draws": len(prior.effect)}
    return Result(
        scenario=scenario,
        trials=trials,
        characteristics=tuple(operating_characteristics(built, by_truth, requested, forms, errors)),
        failures={
            reason: int(count)
            for reason, count in zip(FAILURES[1:], reasons[1:], strict=True)
            if count
        },
        background=background(assembled, prepared.evidence, prior),
        prior=provenance,
        fallbacks=tuple(fallbacks(built, by_truth, requested)),
        elicited=elicited_of(scenario, prepared.evidence),
    )


@dataclass(frozen=True, slots=True)
class PreparedScenario:
    """A scenario assembled with its evidence and the prior fitted to it, if it names any."""

    assembled: AssembledScenario
    evidence: Evidence | None = None
    prior: PriorDraws | None = None


def prepare_scenario(
    scenario: Scenario, report: Report, *, every_key_read: bool = True
) -> PreparedScenario:
    """Check a scenario, fit or load its prior, and assemble both.

    With ``every_key_read`` a key that changes no output is refused; a cell of a sweep may have one
    that other cells read.
    """
    built = build_scenario(scenario)
    evidence = prior = None
    if scenario.evidence:
        evidence = read_evidence(scenario.evidence, beside=scenario.path)
        prior = load_or_fit(evidence, report=report)
    assembled = assemble(built, prior)
    if every_key_read:
        refuse_unread(built)
    for line in notes_on(assembled):
        report(line)
    return PreparedScenario(with_known_values(assembled), evidence, prior)


def _compile(prepared: PreparedScenario, report: Report) -> None:
    """Simulate one trial, so that compiling is announced and not part of the time per trial."""
    words = "Compiling the kernels (first time only, up to half a minute) ..."
    timer = Timer(_SILENT_SECONDS, report, [words])
    try:
        with swallowed_interrupts_raised(), at_first_compilation(timer.start):
            tally_batch(prepared.assembled, 1, 0)
    finally:
        timer.cancel()


def _say_how_long(prepared: PreparedScenario, requested: int, workers: int, report: Report) -> None:
    """Time one trial, and say how long all will take if a trial is slow."""
    start = time.perf_counter()
    tally_batch(prepared.assembled, 1, 0)
    seconds = time.perf_counter() - start
    if seconds > _SLOW_SECONDS:
        minutes = seconds * requested / workers / 60.0
        report(
            f"One trial takes {seconds:.2g} s, {requested:,} trials about {minutes:,.0f} min;"
            " --trials sets how many."
        )


def _run(
    prepared: PreparedScenario, requested: int, workers: int, progress: Progress
) -> tuple[tuple[TrialSums, ...], int]:
    """Sums over all trials, one per truth, and the number of trials simulated."""
    batch = prepared.assembled.study.batch
    firsts = range(0, requested, batch)
    work = partial(tally_batch, prepared.assembled, requested)
    sums: tuple[TrialSums, ...] = ()
    trials = 0
    results = map(work, firsts) if workers == 1 else _in_threads(work, firsts, workers)
    try:
        for tallies in results:
            sums = tuple(map(add, sums, tallies)) if sums else tallies
            trials = sums[0].trials
            progress(trials, requested)
    except KeyboardInterrupt:
        if not sums:
            raise
    return sums, trials


def _in_threads(
    work: Callable[[int], tuple[TrialSums, ...]], firsts: Sequence[int], workers: int
) -> Iterator[tuple[TrialSums, ...]]:
    """Results in order of ``firsts``; kernels hold no interpreter lock, so threads suffice."""
    remaining = iter(firsts)
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[tuple[TrialSums, ...]]] = [
            pool.submit(work, first) for first in islice(remaining, workers * _BATCHES_AHEAD)
        ]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(work, first) for first in islice(remaining, 1)]
        finally:
            pool.shutdown(cancel_futures=True)

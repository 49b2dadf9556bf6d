"""Influence of each reported number on the prior: leave-one-out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import GO
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadEvidence, BadInput, BadScenario, PriorNotTrusted
from phase2sim.core.io.validation import nearest
from phase2sim.core.progress import Report
from phase2sim.evidence.load import digest_of
from phase2sim.evidence.reported import LOCATIONS, Evidence, ReportedNumber
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit
from phase2sim.prior.models.prior_moments import effect_before
from phase2sim.prior.reweighting import (
    Change,
    TrialOutcomes,
    mean_and_sd,
    refit_mean_change,
    refit_share_change,
    reweight_mean,
    reweight_share,
)
from phase2sim.prior.truth_sources import fitted_prior
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.trial.engine import simulate_batch

_BELOW_BASELINE = "below_baseline"
LARGEST_K = 0.7  # above it the weights of the draws say too little, and the model is fitted again


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The prior without one reported number.

    ``refused`` gives the reason why the refit cannot be used; the numbers are then missing.
    """

    entry: ReportedNumber
    pareto_k: float
    refitted: bool
    effect_mean: Mapping[str, Change]  # by endpoint, at the month of its assumption
    effect_sd: Mapping[str, Change]
    assurance: Mapping[str, Change]  # by verdict; empty without a scenario
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Influence:
    """The prior with every number, and without each in turn."""

    evidence: Evidence
    prior: PriorDraws
    effect_mean: Mapping[str, Change]
    effect_sd: Mapping[str, Change]
    assurance: Mapping[str, Change]
    left_out: tuple[LeaveOneOut, ...]
    scenario: str = ""
    trials: int = 0

    @property
    def refused(self) -> bool:
        """Whether the influence of some number is unknown."""
        return any(entry.refused for entry in self.left_out)


@dataclass(frozen=True, slots=True)
class EntryWeights:
    """Leave-one-out importance weights (draw, entry) and their Pareto k."""

    entries: tuple[ReportedNumber, ...]
    weights: Floats
    pareto_k: Floats  # (entry,)

    def select_file(self, name: str, endpoint: str | None = None) -> "EntryWeights":
        """Weights of the entries of one evidence file, by name, and perhaps of one endpoint.

        Raises ``BadInput`` if there are none.
        """
        indices = [
            index
            for index, entry in enumerate(self.entries)
            if PurePosixPath(entry.file).stem == name and endpoint in {None, entry.endpoint}
        ]
        if not indices:
            files = sorted({PurePosixPath(entry.file).stem for entry in self.entries})
            raise BadInput(
                f"--only is {name!r}; the fit reads no such file. {nearest(name, files)}"
            )
        entries = tuple(self.entries[index] for index in indices)
        return replace(self, entries=entries, weights=self.weights[:, indices],
                       pareto_k=self.pareto_k[indices])  # fmt: skip

    def needs_refit(self, index: int) -> bool:
        """Whether the model must be fitted again without the entry.

        True if its weights are unreliable, or would drop other numbers read jointly with it.
        """
        is_reliable = self.pareto_k[index] <= LARGEST_K
        return not is_reliable or _is_fitted_jointly(self.entries, self.entries[index])


def influence(
    evidence: Evidence, scenario: Path | None, only: str | None, report: Report
) -> Influence:
    """Leave out each number that the fit reads, or each of one file, ``only``.

    ``scenario`` is the trial whose assurance is recomputed.

    Draws are reweighted; where the weights are unreliable the model is fitted again. Such fits are
    kept, so that an interrupted call resumes. Raises ``BadInput`` and ``PriorNotTrusted``.
    """
    built = None if scenario is None else build_scenario(load_scenario(scenario))
    if built is not None:
        check_assurance(built)
    prior = load_or_fit(evidence, report=report)
    weights = leave_one_out_weights(evidence, prior, report)
    weights = weights if only is None else weights.select_file(only)
    return measure_influence(evidence, prior, weights, built, report)


def check_assurance(built: BuiltScenario) -> None:
    """Refuse a scenario without an assurance."""
    if built.scenario.truth.prior is None:
        raise BadScenario(
            f"{built.path}: truth.prior is missing, so there is no assurance. Add it, for example"
            " [truth.prior] with robust_weight = 0.8."
        )


def leave_one_out_weights(
    evidence: Evidence, prior: PriorDraws, report: Report = lambda _line: None
) -> EntryWeights:
    """Weights of the draws without each entry that the fit reads."""
    # PyMC takes seconds to import, and no other command on a kept prior needs it.
    from phase2sim.prior.models.importance import leave_one_out  # noqa: PLC0415
    from phase2sim.prior.models.pointwise import pointwise  # noqa: PLC0415
    from phase2sim.prior.models.unknowns.evidence_arrays import read_entries  # noqa: PLC0415

    entries = read_entries(evidence)
    log_density = pointwise(evidence, prior, report)
    # Counted events have unknowns of their own: no effect and no assurance depends on them.
    log_density[:, [entry.endpoint in EVENTS for entry in entries]] = 0.0
    return EntryWeights(entries, *leave_one_out(log_density))


def measure_influence(
    evidence: Evidence,
    prior: PriorDraws,
    weights: EntryWeights,
    built: BuiltScenario | None = None,
    report: Report = lambda _line: None,
) -> Influence:
    """As ``influence``, given the fit, the weights and the scenario's parts, if any."""
    outcomes = {} if built is None else simulate_outcomes(built, prior, report)
    base = _Base(evidence, prior, built, outcomes)
    numbers = range(len(weights.entries))
    to_refit = [index for index in numbers if weights.needs_refit(index)]
    if to_refit:
        report(
            f"{len(to_refit)} of {len(numbers)} numbers cannot be left out by reweighting the"
            " draws: each is left out in a fit of its own"
        )
    refits = _refit_entries(base, weights, to_refit, report)
    effects = {name: mean_and_sd(_effect(prior, name)) for name in prior.effects}
    equal_weights = np.full(len(prior.effect), 1.0 / len(prior.effect))
    return Influence(
        evidence=evidence,
        prior=prior,
        effect_mean={name: mean for name, (mean, _) in effects.items()},
        effect_sd={name: sd for name, (_, sd) in effects.items()},
        assurance={
            name: reweight_share(trials, equal_weights) for name, trials in outcomes.items()
        },
        left_out=tuple(
            refits[index] if index in refits else _reweight(base, weights, index)
            for index in numbers
        ),
        scenario="" if built is None else str(built.path),
        trials=0 if built is None else built.scenario.trials,
    )


def leave_entry_out(evidence: Evidence, entry: ReportedNumber) -> Evidence:
    """Evidence with one of its entries set aside.

    Its digest is that of files with the entry marked ``unused``, so that their fits are one.
    """
    reported = tuple(
        replace(other, unused="left out to see its influence") if other is entry else other
        for other in evidence.reported
    )
    remaining = replace(evidence, reported=reported)
    return replace(remaining, digest=digest_of(remaining))


def simulate_outcomes(
    built: BuiltScenario, prior: PriorDraws, report: Report
) -> dict[str, TrialOutcomes]:
    """Simulate the scenario's trials under the prior: which ended with a go, by verdict."""
    assembled = assemble(built, prior)
    trials = built.scenario.trials
    report(f"simulating {trials:,} trials for the assurance")
    verdicts, draws = _simulate_verdicts(assembled, trials)
    numbers = np.arange(trials)
    outcomes = {}
    for column, name in enumerate(assembled.study.verdicts):
        outcomes[name] = TrialOutcomes(verdicts[:, column] == GO, draws, numbers)
    return outcomes


def _simulate_verdicts(assembled: AssembledScenario, trials: int) -> tuple[NDArray[np.int8], Ints]:
    """Verdicts (trial, verdict), and the number of the prior draw behind each trial."""
    study = assembled.study
    source = fitted_prior(assembled.sources)
    if source is None:
        raise BadInput(f"{assembled.built.path}: truth.prior is missing. Add it.")
    verdicts = []
    for first in range(0, trials, study.batch):
        size = min(study.batch, trials - first)
        verdicts.append(simulate_batch(study, source, first, size).verdict)
    return np.concatenate(verdicts), source.draws(0, trials)


@dataclass(frozen=True, slots=True)
class _Base:
    """The prior with every number, and the trials simulated under it."""

    evidence: Evidence
    prior: PriorDraws
    built: BuiltScenario | None
    outcomes: Mapping[str, TrialOutcomes]


def _reweight(base: _Base, weights: EntryWeights, index: int) -> LeaveOneOut:
    prior, draw_weights = base.prior, weights.weights[:, index]
    effects = {name: reweight_mean(_effect(prior, name), draw_weights) for name in prior.effects}
    return LeaveOneOut(
        entry=weights.entries[index],
        pareto_k=float(weights.pareto_k[index]),
        refitted=False,
        effect_mean={name: mean for name, (mean, _) in effects.items()},
        effect_sd={name: sd for name, (_, sd) in effects.items()},
        assurance={
            name: reweight_share(outcomes, draw_weights) for name, outcomes in base.outcomes.items()
        },
    )


def _refit_entries(
    base: _Base, weights: EntryWeights, to_refit: Sequence[int], report: Report
) -> dict[int, LeaveOneOut]:
    """Fit without each entry in turn, treated patients' first; an interrupt ends it early."""
    treated = {(arm.study, arm.arm) for arm in base.evidence.arms if arm.treated}

    def urgency(index: int) -> tuple[bool, float]:
        entry = weights.entries[index]
        return (entry.study, entry.arm) not in treated, -float(weights.pareto_k[index])

    started = time.monotonic()
    refits: dict[int, LeaveOneOut] = {}
    try:
        for index in sorted(to_refit, key=urgency):
            report(_progress_line(weights.entries[index], len(refits), len(to_refit), started))
            refits[index] = _refit(base, weights, index, report)
    except KeyboardInterrupt:
        report("interrupted: what is fitted so far is kept")
    for index in to_refit:
        if index not in refits:
            refits[index] = _refuse_entry(weights, index, "interrupted before its fit; call again")
    return refits


def _refuse_entry(weights: EntryWeights, index: int, reason: str) -> LeaveOneOut:
    return LeaveOneOut(
        entry=weights.entries[index],
        pareto_k=float(weights.pareto_k[index]),
        refitted=True,
        effect_mean={},
        effect_sd={},
        assurance={},
        refused=reason,
    )


def _refit(base: _Base, weights: EntryWeights, index: int, report: Report) -> LeaveOneOut:
    entry, k = weights.entries[index], float(weights.pareto_k[index])
    try:
        refit = load_or_fit(
            leave_entry_out(base.evidence, entry), report=lambda line: report(f"  {line}")
        )
    except (PriorNotTrusted, BadEvidence) as error:
        return _refuse_entry(weights, index, str(error))
    effects = {name: _effect_change(base, refit, name) for name in base.prior.effects}
    return LeaveOneOut(
        entry=entry,
        pareto_k=k,
        refitted=True,
        effect_mean={name: mean for name, (mean, _) in effects.items()},
        effect_sd={name: sd for name, (_, sd) in effects.items()},
        assurance=_assurance_change(base, refit, report),
    )


def _effect_change(base: _Base, refit: PriorDraws, endpoint: str) -> tuple[Change, Change]:
    """Change of the effect under a refit; the prior before any evidence if none is left."""
    effect = _effect(base.prior, endpoint)
    if endpoint in refit.effects:
        return refit_mean_change(_effect(refit, endpoint), effect)
    prior_effect = effect_before(base.evidence, base.prior.effects[endpoint])
    mean, sd = mean_and_sd(effect)
    return (
        Change(float(prior_effect.mean), 0.0, float(prior_effect.mean) - mean.value, mean.mcse),
        Change(float(prior_effect.sd), 0.0, float(prior_effect.sd) - sd.value, sd.mcse),
    )


def _assurance_change(base: _Base, refit: PriorDraws, report: Report) -> dict[str, Change]:
    """Change of the assurance under a refit; empty if the refit lacks one of the endpoints."""
    if base.built is None or not set(base.built.study.plan.endpoints) <= set(refit.effects):
        return {}
    outcomes = simulate_outcomes(base.built, refit, report)
    draws = len(base.prior.effect)
    return {
        name: refit_share_change(outcomes[name], base.outcomes[name], draws) for name in outcomes
    }


def _is_fitted_jointly(entries: Sequence[ReportedNumber], entry: ReportedNumber) -> bool:
    """Whether one likelihood reads the entry with others of the same patients and visit.

    Then its weights leave these out too: a median also drops the count and the quantiles beside
    it, quartiles the range, and a mean or a median the count of patients below their own baseline.
    (The densities of those are given the location, and are left out alone.)
    """
    statistics = {"median": ("count", "quartiles", "range"), "quartiles": ("range",),
             "range": ("quartiles",)}.get(entry.statistic, ())  # fmt: skip
    same_visit = [other for other in entries if _visit(other) == _visit(entry)]
    declines = [
        below for below in entries if below.beyond == _BELOW_BASELINE and _arm(below) == _arm(entry)
    ]
    return any(
        other.statistic in statistics for other in same_visit if other.beyond != _BELOW_BASELINE
    ) or (
        entry.statistic in LOCATIONS
        and any(entry.months[0] in _months(decline) for decline in declines)
    )


def _months(decline: ReportedNumber) -> tuple[float, ...]:
    """Both visits that a count below baseline compares; the first is baseline by default."""
    return (0.0, *decline.months) if len(decline.months) == 1 else decline.months


def _arm(entry: ReportedNumber) -> tuple[object, ...]:
    return entry.study, entry.arm, entry.endpoint, entry.clock


def _visit(entry: ReportedNumber) -> tuple[object, ...]:
    return *_arm(entry), entry.months


def _effect(prior: PriorDraws, endpoint: str) -> Floats:
    return np.asarray(prior.effect[:, prior.endpoints.index(endpoint)])


def _progress_line(entry: ReportedNumber, finished: int, total: int, started: float) -> str:
    seconds = time.monotonic() - started
    remaining = f", about {seconds / finished * (total - finished):.0f} s left" if finished else ""
    return f"fitting without {entry.where} ({finished + 1} of {total}{remaining})"

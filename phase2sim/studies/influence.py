"""What each reported number does to the prior: left out one by one."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats, Ints
from phase2sim.core.contracts import GO, UNDECIDED
from phase2sim.core.endpoints import EVENTS
from phase2sim.core.errors import BadEvidence, BadInput, BadScenario, PriorNotTrusted
from phase2sim.core.io.toml_files import nearest
from phase2sim.core.progress import Report
from phase2sim.evidence.load import digest_of
from phase2sim.evidence.reported import LOCATIONS, Evidence, Reported
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
from phase2sim.scenario.assembly.assemble import Assembled, assemble, build_scenario
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.trial.engine import simulate_batch

_FALL = "below_baseline"
LARGEST_K = 0.7  # above it the weights of the draws say too little, and the model is fitted again


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The prior without one reported number.

    ``refused`` says why the fit without it cannot be used; the numbers are then missing.
    """

    entry: Reported
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
    left_out: tuple[LeftOut, ...]
    scenario: str = ""
    trials: int = 0

    @property
    def refused(self) -> bool:
        """Whether some number's influence is not known."""
        return any(one.refused for one in self.left_out)


@dataclass(frozen=True, slots=True)
class Weighted:
    """Draws without each entry: weights (draw, entry), and how far they can be trusted."""

    entries: tuple[Reported, ...]
    weights: Floats
    pareto_k: Floats  # (entry,)

    def only(self, name: str, endpoint: str | None = None) -> "Weighted":
        """Of the entries of one evidence file, by name, and perhaps of one endpoint.

        Raises ``BadInput`` if there are none.
        """
        kept = [
            place
            for place, one in enumerate(self.entries)
            if PurePosixPath(one.file).stem == name and endpoint in {None, one.endpoint}
        ]
        if not kept:
            files = sorted({PurePosixPath(one.file).stem for one in self.entries})
            raise BadInput(
                f"--only is {name!r}; the fit reads no such file. {nearest(name, files)}"
            )
        entries = tuple(self.entries[place] for place in kept)
        return replace(self, entries=entries, weights=self.weights[:, kept],
                       pareto_k=self.pareto_k[kept])  # fmt: skip

    def says_too_little(self, place: int) -> bool:
        """Whether only a fit without the entry tells what it does.

        Its weights are not to be trusted, or they take what is read jointly with it along.
        """
        trusted = self.pareto_k[place] <= LARGEST_K
        return not trusted or _is_read_jointly(self.entries, self.entries[place])


def influence(
    evidence: Evidence, scenario: Path | None, only: str | None, report: Report
) -> Influence:
    """Leave out each number that the fit reads, or each of one file, ``only``.

    ``scenario`` is the trial whose assurance moves.

    Draws are reweighted; where that says too little the model is fitted again. Such fits are kept,
    so that an interrupted call goes on where it was. Raises ``BadInput`` and ``PriorNotTrusted``.
    """
    built = None if scenario is None else build_scenario(load_scenario(scenario))
    if built is not None:
        check_assurance(built)
    prior = load_or_fit(evidence, report=report)
    weighted = without_each(evidence, prior, report)
    weighted = weighted if only is None else weighted.only(only)
    return moved_by(evidence, prior, weighted, built, report)


def check_assurance(built: BuiltScenario) -> None:
    """Refuse a scenario without an assurance."""
    if built.scenario.truth.prior is None:
        raise BadScenario(
            f"{built.path}: truth.prior is missing, so there is no assurance. Add it, for example"
            " [truth.prior] with robust_weight = 0.8."
        )


def without_each(
    evidence: Evidence, prior: PriorDraws, report: Report = lambda _line: None
) -> Weighted:
    """Weights of the draws without each entry that the fit reads."""
    # PyMC takes seconds to import, and no other command on a kept prior needs it.
    from phase2sim.prior.models.importance import leave_one_out  # noqa: PLC0415
    from phase2sim.prior.models.pointwise import pointwise  # noqa: PLC0415
    from phase2sim.prior.models.unknowns.evidence_arrays import read_entries  # noqa: PLC0415

    entries = read_entries(evidence)
    log_density = pointwise(evidence, prior, report)
    # Counted events have unknowns of their own: no effect and no assurance depends on them.
    log_density[:, [one.endpoint in EVENTS for one in entries]] = 0.0
    return Weighted(entries, *leave_one_out(log_density))


def moved_by(
    evidence: Evidence,
    prior: PriorDraws,
    weighted: Weighted,
    built: BuiltScenario | None = None,
    report: Report = lambda _line: None,
) -> Influence:
    """As ``influence``, given the fit, the weights and the scenario's parts, if any."""
    goes = {} if built is None else trials_of(built, prior, report)
    base = _Base(evidence, prior, built, goes)
    numbers = range(len(weighted.entries))
    again = [place for place in numbers if weighted.says_too_little(place)]
    if again:
        report(
            f"{len(again)} of {len(numbers)} numbers cannot be left out by reweighting the draws:"
            " each is left out in a fit of its own"
        )
    refits = _refits(base, weighted, again, report)
    effects = {name: mean_and_sd(_effect(prior, name)) for name in prior.effects}
    even = np.full(len(prior.effect), 1.0 / len(prior.effect))
    return Influence(
        evidence=evidence,
        prior=prior,
        effect_mean={name: mean for name, (mean, _) in effects.items()},
        effect_sd={name: sd for name, (_, sd) in effects.items()},
        assurance={name: reweight_share(trials, even) for name, trials in goes.items()},
        left_out=tuple(
            refits[place] if place in refits else _reweighted(base, weighted, place)
            for place in numbers
        ),
        scenario="" if built is None else str(built.path),
        trials=0 if built is None else built.scenario.trials,
    )


def without(evidence: Evidence, entry: Reported) -> Evidence:
    """Evidence with one of its entries set aside.

    Its digest is that of files with the entry marked ``unused``, so that their fits are one.
    """
    reported = tuple(
        replace(one, unused="left out to see its influence") if one is entry else one
        for one in evidence.reported
    )
    left = replace(evidence, reported=reported)
    return replace(left, digest=digest_of(left))


def trials_of(built: BuiltScenario, prior: PriorDraws, report: Report) -> dict[str, TrialOutcomes]:
    """Simulate the scenario's trials under the prior: which ended with a go, by verdict."""
    assembled = assemble(built, prior)
    trials = built.scenario.trials
    report(f"simulating {trials:,} trials for the assurance")
    verdicts, draws = _simulated(assembled, trials)
    numbers = np.arange(trials)
    found = {}
    for column, name in enumerate(assembled.study.verdicts):
        used = verdicts[:, column] != UNDECIDED
        found[name] = TrialOutcomes(verdicts[used, column] == GO, draws[used], numbers[used])
    return found


def _simulated(assembled: Assembled, trials: int) -> tuple[NDArray[np.int8], Ints]:
    """Verdicts (trial, verdict), and the prior's draw that was true in each trial."""
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
    goes: Mapping[str, TrialOutcomes]


def _reweighted(base: _Base, weighted: Weighted, place: int) -> LeftOut:
    prior, weights = base.prior, weighted.weights[:, place]
    moved = {name: reweight_mean(_effect(prior, name), weights) for name in prior.effects}
    return LeftOut(
        entry=weighted.entries[place],
        pareto_k=float(weighted.pareto_k[place]),
        refitted=False,
        effect_mean={name: mean for name, (mean, _) in moved.items()},
        effect_sd={name: sd for name, (_, sd) in moved.items()},
        assurance={name: reweight_share(goes, weights) for name, goes in base.goes.items()},
    )


def _refits(
    base: _Base, weighted: Weighted, again: Sequence[int], report: Report
) -> dict[int, LeftOut]:
    """Fit without each entry in turn, treated patients' first; an interrupt ends it early."""
    treated = {(arm.study, arm.arm) for arm in base.evidence.arms if arm.treated}

    def urgency(place: int) -> tuple[bool, float]:
        entry = weighted.entries[place]
        return (entry.study, entry.arm) not in treated, -float(weighted.pareto_k[place])

    started = time.monotonic()
    refits: dict[int, LeftOut] = {}
    try:
        for place in sorted(again, key=urgency):
            report(_progress(weighted.entries[place], len(refits), len(again), started))
            refits[place] = _refit(base, weighted, place, report)
    except KeyboardInterrupt:
        report("interrupted: what is fitted so far is kept")
    for place in again:
        if place not in refits:
            refits[place] = _unknown(weighted, place, "interrupted before its fit; call again")
    return refits


def _unknown(weighted: Weighted, place: int, refused: str) -> LeftOut:
    return LeftOut(
        entry=weighted.entries[place],
        pareto_k=float(weighted.pareto_k[place]),
        refitted=True,
        effect_mean={},
        effect_sd={},
        assurance={},
        refused=refused,
    )


def _refit(base: _Base, weighted: Weighted, place: int, report: Report) -> LeftOut:
    entry, k = weighted.entries[place], float(weighted.pareto_k[place])
    try:
        other = load_or_fit(without(base.evidence, entry), report=lambda line: report(f"  {line}"))
    except (PriorNotTrusted, BadEvidence) as error:
        return _unknown(weighted, place, str(error))
    effects = {name: _effect_moved(base, other, name) for name in base.prior.effects}
    return LeftOut(
        entry=entry,
        pareto_k=k,
        refitted=True,
        effect_mean={name: mean for name, (mean, _) in effects.items()},
        effect_sd={name: sd for name, (_, sd) in effects.items()},
        assurance=_assurance_moved(base, other, report),
    )


def _effect_moved(base: _Base, other: PriorDraws, endpoint: str) -> tuple[Change, Change]:
    """Effect under another fit; what it was before any evidence if nothing else is about it."""
    own = _effect(base.prior, endpoint)
    if endpoint in other.effects:
        return refit_mean_change(_effect(other, endpoint), own)
    before = effect_before(base.evidence, base.prior.effects[endpoint])
    mean, sd = mean_and_sd(own)
    return (
        Change(float(before.mean), 0.0, float(before.mean) - mean.value, mean.mcse),
        Change(float(before.sd), 0.0, float(before.sd) - sd.value, sd.mcse),
    )


def _assurance_moved(base: _Base, other: PriorDraws, report: Report) -> dict[str, Change]:
    """Assurance under another fit; none if that fit lost an endpoint of the scenario."""
    if base.built is None or not set(base.built.study.plan.endpoints) <= set(other.effects):
        return {}
    goes = trials_of(base.built, other, report)
    draws = len(base.prior.effect)
    return {name: refit_share_change(goes[name], base.goes[name], draws) for name in goes}


def _is_read_jointly(entries: Sequence[Reported], entry: Reported) -> bool:
    """Whether one likelihood reads the entry with others of the same patients and visit.

    Then its weights leave these out too: a median takes the count and the quantiles beside it
    along, quartiles the range, and a mean or a median the patients below their own baseline. (The
    densities of those are given the location, and go alone.)
    """
    taken = {"median": ("count", "quartiles", "range"), "quartiles": ("range",),
             "range": ("quartiles",)}.get(entry.statistic, ())  # fmt: skip
    beside = [other for other in entries if _visit(other) == _visit(entry)]
    falls = [one for one in entries if one.beyond == _FALL and _arm(one) == _arm(entry)]
    return any(one.statistic in taken for one in beside if one.beyond != _FALL) or (
        entry.statistic in LOCATIONS and any(entry.months[0] in _months(one) for one in falls)
    )


def _months(fall: Reported) -> tuple[float, ...]:
    """Both visits of a count below the own baseline, which is at entry if nothing is said."""
    return (0.0, *fall.months) if len(fall.months) == 1 else fall.months


def _arm(entry: Reported) -> tuple[object, ...]:
    return entry.study, entry.arm, entry.endpoint, entry.clock


def _visit(entry: Reported) -> tuple[object, ...]:
    return *_arm(entry), entry.months


def _effect(prior: PriorDraws, endpoint: str) -> Floats:
    return np.asarray(prior.effect[:, prior.endpoints.index(endpoint)])


def _progress(entry: Reported, done: int, total: int, started: float) -> str:
    seconds = time.monotonic() - started
    left = f", about {seconds / done * (total - done):.0f} s left" if done else ""
    return f"fitting without {entry.where} ({done + 1} of {total}{left})"

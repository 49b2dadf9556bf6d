"""Effect and assurance with each elicited input moved: reweighted, or fitted again."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadScenario
from phase2sim.core.progress import Report
from phase2sim.evidence.elicited import ElicitedInput
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.judgements import elicited_of
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.prior.knobs import Move, moves_of
from phase2sim.prior.prior_density import log_prior_density
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.scenario_file import Scenario, load_scenario
from phase2sim.studies.influence import LARGEST_K, check_assurance
from phase2sim.studies.knob_runs import AnalysedEffect, KnobRuns, MovedKnob, MoveWeights

_INTERRUPTED = "interrupted before its fit; call again"


@dataclass(frozen=True, slots=True)
class KnobSensitivity:
    """Effects and assurances as stated, and with each elicited input moved in turn."""

    scenario: Scenario
    evidence: Evidence
    trials: int
    analyses: Mapping[str, AnalysedEffect]
    elicited: tuple[ElicitedInput, ...]
    stated: MovedKnob
    moved: tuple[MovedKnob, ...]

    @property
    def refused(self) -> bool:
        """Whether what some move does is unknown."""
        return any(row.refused for row in self.moved)


def knob_sensitivity(
    scenario: Path, report: Report = lambda _line: None, trials: int | None = None
) -> KnobSensitivity:
    """Move each elicited input of a scenario's prior, one at a time.

    Draws are reweighted; where the weights are unreliable the model is fitted again. Such fits are
    kept, so that an interrupted call resumes. Raises ``BadInput`` and ``PriorNotTrusted``.
    """
    loaded = load_scenario(scenario)
    built = build_scenario(loaded)
    check_assurance(built)
    evidence = read_evidence(loaded.evidence, beside=loaded.path)
    prior = load_or_fit(evidence, report=report)
    runs = KnobRuns.of(assemble(built, prior), evidence, prior, trials or loaded.trials, report)
    mixed = loaded.truth.prior
    moves = moves_of(evidence, 1.0 if mixed is None else mixed.robust_weight)
    weighed = _weigh(evidence, prior, moves, report)
    return _measure(runs, moves, weighed, refit=True)


def quick_sensitivity(
    assembled: AssembledScenario, evidence: Evidence, prior: PriorDraws, trials: int
) -> KnobSensitivity:
    """As ``knob_sensitivity``, for the moves that need neither a likelihood nor a new fit.

    Of the others, those whose fit is kept from before are in it; the rest are refused.
    """
    built = assembled.built
    mixed = built.scenario.truth.prior
    if mixed is None:
        raise BadScenario(f"{built.path}: truth.prior is missing. Add it.")
    runs = KnobRuns.of(assembled, evidence, prior, trials, lambda _line: None)
    moves = moves_of(evidence, mixed.robust_weight)
    return _measure(runs, moves, _weigh(evidence, prior, moves, None), refit=False)


def _weigh(
    evidence: Evidence, prior: PriorDraws, moves: Sequence[Move], report: Report | None
) -> list[MoveWeights]:
    """Weights of the draws under each move; without ``report``, of changed priors only."""
    # SciPy's and ArviZ's import takes a second, and only these weights need it.
    from phase2sim.prior.models.importance import importance_weights  # noqa: PLC0415

    base = log_prior_density(evidence, prior)
    read = [move for move in moves if move.in_likelihood]
    likelihoods: dict[str, Floats] = {}
    if report is not None and read:
        # PyMC takes seconds to import, and moves of the prior alone do not need it.
        from phase2sim.prior.models.likelihood_ratio import log_likelihood_ratios  # noqa: PLC0415

        ratios = log_likelihood_ratios(evidence, [m.evidence for m in read], prior, report)
        likelihoods = {move.title: ratios[:, row] for row, move in enumerate(read)}
    weighed = []
    for move in moves:
        moved = log_prior_density(move.evidence, prior)
        if base is None or moved is None or (move.in_likelihood and move.title not in likelihoods):
            weighed.append(MoveWeights(None, None))
            continue
        ratio = moved - base + likelihoods.get(move.title, 0.0)
        weights, pareto_k = importance_weights(ratio[:, None])
        weighed.append(MoveWeights(weights[:, 0], float(pareto_k[0])))
    return weighed


def _measure(
    runs: KnobRuns, moves: Sequence[Move], weighed: Sequence[MoveWeights], *, refit: bool
) -> KnobSensitivity:
    rows: dict[int, MovedKnob] = {}
    to_refit = []
    for number, (move, weights) in enumerate(zip(moves, weighed, strict=True)):
        if weights.weights is not None and (weights.pareto_k or 0.0) <= LARGEST_K:
            rows[number] = runs.reweight(move, weights)
        else:
            to_refit.append((number, move, weights.pareto_k))
    rows |= _refit(runs, to_refit) if refit else _kept_fits(runs, to_refit)
    return KnobSensitivity(
        scenario=runs.built.scenario,
        evidence=runs.evidence,
        trials=runs.trials,
        analyses=runs.analyses,
        elicited=elicited_of(runs.built.scenario, runs.evidence),
        stated=runs.stated(),
        moved=tuple(rows[number] for number in range(len(moves))),
    )


type _ToRefit = Sequence[tuple[int, Move, float | None]]  # position, move, Pareto k


def _kept_fits(runs: KnobRuns, moves: _ToRefit) -> dict[int, MovedKnob]:
    return {number: runs.read_kept_fit(move, k) for number, move, k in moves}


def _refit(runs: KnobRuns, moves: _ToRefit) -> dict[int, MovedKnob]:
    """Fit under each move in turn; an interrupt ends it early, and fits done are kept."""
    if moves:
        runs.report(f"{len(moves)} moves cannot be reweighted: each needs a fit of its own")
    started = time.monotonic()
    rows: dict[int, MovedKnob] = {}
    try:
        for fitted, (number, move, pareto_k) in enumerate(moves):
            left = ""
            if fitted:
                seconds = (time.monotonic() - started) / fitted * (len(moves) - fitted)
                left = f", about {seconds:.0f} s left"
            runs.report(f"fitting with {move.title} ({fitted + 1} of {len(moves)}{left})")
            rows[number] = runs.refit(move, pareto_k)
    except KeyboardInterrupt:
        runs.report("interrupted: what is fitted so far is kept")
    return rows | {
        number: runs.refuse(move, pareto_k, _INTERRUPTED)
        for number, move, pareto_k in moves
        if number not in rows
    }

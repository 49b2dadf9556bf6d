"""Trials of a scenario with one elicited input moved, on the same patients as with it as stated."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadEvidence, BadScenario, PriorNotTrusted
from phase2sim.core.progress import Report
from phase2sim.evidence.assumed_effects import assumptions
from phase2sim.evidence.reported import Evidence
from phase2sim.operating.background import effect_draws
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import kept_draws, load_or_fit
from phase2sim.prior.knobs import Move
from phase2sim.prior.reweighting import (
    Change,
    MixturePart,
    TrialOutcomes,
    mixed_share,
    refit_mean_change,
    reweight_mean,
)
from phase2sim.prior.truth_sources import TruthFromPrior, fitted_prior, prior_truth
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble
from phase2sim.scenario.assembly.parts import BuiltScenario
from phase2sim.trial.engine import simulate_batch

AS_STATED, MIXED_ANEW, REWEIGHTED, REFITTED = "as stated", "mixed anew", "reweighted", "refitted"
NEEDS_FIT = "needs a fit of its own"
_LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class KnobEffect:
    """Fitted effect on one analysed endpoint: mean with its change, and 95 % limits."""

    mean: Change  # model scale
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MovedKnob:
    """Effects and assurances with one elicited input moved.

    ``refused`` gives the reason why there are no numbers.
    """

    move: Move | None  # None for all as stated
    method: str
    pareto_k: float | None
    effect: Mapping[str, KnobEffect]  # by analysis
    assurance: Mapping[str, Change]  # of the mixture, by verdict
    fitted: Mapping[str, Change]  # of its fitted part alone
    sceptical: Mapping[str, Change]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class AnalysedEffect:
    """An analysed endpoint that has an effect, and its unit."""

    endpoint: str
    when: str
    untreated: float  # mean of untreated patients at that month, model scale

    @property
    def title(self) -> str:
        """``C-peptide, month 12``."""
        return f"{ENDPOINTS[self.endpoint].label}, {self.when}"

    @property
    def unit(self) -> str:
        """Clinical unit of ``difference``."""
        return ENDPOINTS[self.endpoint].unit

    def difference(self, effect: float) -> float:
        """Effect on a typical patient, in the clinical unit."""
        measure = ENDPOINTS[self.endpoint]
        return measure.from_model(self.untreated + effect) - measure.from_model(self.untreated)


@dataclass(frozen=True, slots=True)
class MoveWeights:
    """Weights (draw,) of one move; None if only a fit can say what it does."""

    weights: Floats | None
    pareto_k: float | None


type _Goes = Mapping[str, TrialOutcomes]  # by verdict


@dataclass(frozen=True, slots=True)
class _Parts:
    """Trials under both parts of a mixture."""

    fitted: _Goes
    sceptical: _Goes
    weights: Floats | None = None  # of the draws behind the fitted part


@dataclass(frozen=True, slots=True)
class KnobRuns:
    """A scenario as stated, its trials, and what is moved from there."""

    built: BuiltScenario
    evidence: Evidence
    prior: PriorDraws
    trials: int
    report: Report
    assembled: AssembledScenario
    source: TruthFromPrior
    base: _Parts
    analyses: Mapping[str, AnalysedEffect] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        assembled: AssembledScenario,
        evidence: Evidence,
        prior: PriorDraws,
        trials: int,
        report: Report,
    ) -> "KnobRuns":
        """Simulate the scenario as stated."""
        source = _source_of(assembled)
        report(f"simulating {trials:,} trials for the assurance")
        base = _Parts(_goes(assembled, source, 1.0, trials), _goes(assembled, source, 0.0, trials))
        analyses = _analyses(assembled, source)
        return cls(
            assembled.built, evidence, prior, trials, report, assembled, source, base, analyses
        )

    @property
    def weight(self) -> float:
        """Robust weight as stated."""
        return self.source.robust_weight

    def stated(self) -> MovedKnob:
        """The row with everything as stated."""
        return self._row(None, AS_STATED, None, self.base, self._reweighted(self.source, None))

    def reweight(self, move: Move, weights: MoveWeights) -> MovedKnob:
        """Numbers under a move, from the draws of the fit as stated."""
        source = self._moved_source(move)
        is_mixture = move.evidence is self.evidence
        drawn = None if is_mixture else weights.weights
        parts = _Parts(*self._simulated(source), drawn)
        method = MIXED_ANEW if is_mixture else REWEIGHTED
        k = None if is_mixture else weights.pareto_k
        return self._row(move, method, k, parts, self._reweighted(source, drawn))

    def refit(self, move: Move, pareto_k: float | None) -> MovedKnob:
        """Numbers under a move, from a fit of its own."""
        try:
            prior = load_or_fit(move.evidence, report=lambda line: self.report(f"  {line}"))
        except (PriorNotTrusted, BadEvidence) as error:
            return self.refuse(move, pareto_k, str(error))
        return self._refitted(move, pareto_k, prior)

    def read_kept_fit(self, move: Move, pareto_k: float | None) -> MovedKnob:
        """Numbers under a move, if its fit is kept from before."""
        prior = kept_draws(move.evidence)
        if prior is None:
            return self.refuse(move, pareto_k, NEEDS_FIT)
        return self._refitted(move, pareto_k, prior)

    def _refitted(self, move: Move, pareto_k: float | None, prior: PriorDraws) -> MovedKnob:
        assembled = assemble(self.built, prior)
        source = _source_of(assembled)
        parts = _Parts(
            _goes(assembled, source, 1.0, self.trials), _goes(assembled, source, 0.0, self.trials)
        )
        effects = {}
        for name, (draws, base) in self._effects(assembled, source).items():
            mean, _ = refit_mean_change(draws, base)
            low, high = np.quantile(draws, _LIMITS)
            effects[name] = KnobEffect(mean, float(low), float(high))
        return self._row(move, REFITTED, pareto_k, parts, effects)

    def refuse(self, move: Move, pareto_k: float | None, reason: str) -> MovedKnob:
        """The row of a move without numbers."""
        return MovedKnob(move, REFITTED, pareto_k, {}, {}, {}, {}, reason)

    def _moved_source(self, move: Move) -> TruthFromPrior:
        """Truth with the moved assumptions in the mixture and over time, and the same draws."""
        effects = assumptions(move.evidence, self.prior.endpoints)
        prior = replace(self.prior, effects=effects)
        plan = self.assembled.study.drawn
        moved = prior_truth("prior", plan, self.source.control, prior, move.robust_weight)
        return replace(
            self.source,
            growth=moved.growth,
            sceptical_sd=moved.sceptical_sd,
            shared=moved.shared,
            robust_weight=move.robust_weight,
        )

    def _simulated(self, source: TruthFromPrior) -> tuple[_Goes, _Goes]:
        """Trials of both parts, simulated anew where their truths differ from those as stated."""
        grows = np.array_equal(source.growth, self.source.growth)
        same_sceptic = grows and np.array_equal(source.sceptical_sd, self.source.sceptical_sd)
        same_sceptic = same_sceptic and np.array_equal(source.shared, self.source.shared)
        fitted = self.base.fitted if grows else _goes(self.assembled, source, 1.0, self.trials)
        if same_sceptic:
            return fitted, self.base.sceptical
        return fitted, _goes(self.assembled, source, 0.0, self.trials)

    def _reweighted(self, source: TruthFromPrior, weights: Floats | None) -> dict[str, KnobEffect]:
        effects = {}
        equal = np.full(len(self.prior.effect), 1.0 / len(self.prior.effect))
        by_draw = equal if weights is None else weights
        for name, (draws, base) in self._effects(self.assembled, source).items():
            mean, _ = reweight_mean(base, by_draw)
            if not np.array_equal(draws, base):  # the share at the analysed month has moved
                moved, _ = reweight_mean(draws, by_draw)
                start, _ = reweight_mean(base, equal)
                mean = replace(moved, difference=moved.value - start.value)
            effects[name] = KnobEffect(mean, *_weighted_limits(draws, by_draw))
        return effects

    def _effects(
        self, assembled: AssembledScenario, source: TruthFromPrior
    ) -> dict[str, tuple[Floats, Floats]]:
        """Draws of each analysed effect, moved and as stated."""
        by_analysis = {}
        for number, name in enumerate(assembled.study.names):
            draws = effect_draws(assembled, source, number)
            base = effect_draws(self.assembled, self.source, number)
            if draws is not None and base is not None:
                by_analysis[name] = (draws, base)
        return by_analysis

    def _row(
        self,
        move: Move | None,
        method: str,
        pareto_k: float | None,
        parts: _Parts,
        effects: Mapping[str, KnobEffect],
    ) -> MovedKnob:
        weight = self.weight if move is None else move.robust_weight
        draws = len(self.prior.effect)

        def mixture(weight: float, of: _Parts, name: str) -> list[MixturePart]:
            fitted = MixturePart(weight, of.fitted[name], of.weights)
            return [fitted, MixturePart(1.0 - weight, of.sceptical[name])]

        def all_shares(moved: float, base: float) -> dict[str, Change]:
            return {
                name: mixed_share(
                    mixture(moved, parts, name), mixture(base, self.base, name), draws
                )
                for name in self.base.fitted
            }

        return MovedKnob(
            move=move,
            method=method,
            pareto_k=pareto_k,
            effect=effects,
            assurance=all_shares(weight, self.weight),
            fitted=all_shares(1.0, 1.0),
            sceptical=all_shares(0.0, 0.0),
        )


def _source_of(assembled: AssembledScenario) -> TruthFromPrior:
    source = fitted_prior(assembled.sources)
    if source is None:
        raise BadScenario(f"{assembled.built.path}: truth.prior is missing. Add it.")
    return source


def _goes(
    assembled: AssembledScenario, source: TruthFromPrior, weight: float, trials: int
) -> dict[str, TrialOutcomes]:
    """Go decisions by verdict, under one part of the mixture alone."""
    study, alone = assembled.study, replace(source, robust_weight=weight)
    verdicts = []
    for first in range(0, trials, study.batch):
        size = min(study.batch, trials - first)
        verdicts.append(simulate_batch(study, alone, first, size).verdict)
    verdict, draws = np.concatenate(verdicts), alone.draws(0, trials)
    labels = study.decision.labels(study.names)
    return {
        name: TrialOutcomes(verdict[:, column] == GO, draws, np.arange(trials))
        for column, name in enumerate(labels)
    }


def _analyses(assembled: AssembledScenario, source: TruthFromPrior) -> dict[str, AnalysedEffect]:
    by_analysis = {}
    plan = assembled.study.drawn
    for number, analysis in enumerate(assembled.study.analyses):
        if effect_draws(assembled, source, number) is None:
            continue
        first = analysis.averaged_from
        months = f"{analysis.month:g}" if first is None else f"{first:g} to {analysis.month:g}"
        e = plan.endpoints.index(analysis.endpoint)
        by_analysis[assembled.study.names[number]] = AnalysedEffect(
            endpoint=analysis.endpoint,
            when=f"month{'s' * (first is not None)} {months}",
            untreated=assembled.control.mean_at(plan, e, analysis.month),
        )
    return by_analysis


def _weighted_limits(draws: Floats, weights: Floats) -> tuple[float, float]:
    """Limits of the central 95 % of weighted draws."""
    order = np.argsort(draws)
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    low, high = np.interp(_LIMITS, reached, draws[order])
    return float(low), float(high)

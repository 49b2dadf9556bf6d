"""Comparison of the priors that several sets of evidence give the same trial."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.entry_times import EntryTime
from phase2sim.core.errors import BadInput
from phase2sim.core.measured import Measured, proportion
from phase2sim.core.progress import Report
from phase2sim.evidence.reported import Evidence
from phase2sim.prior.analysis_priors import analysis_prior, control_mean_at, effect_at, trial_entry
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.fitting import load_or_fit, read_evidence
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior

_USUAL_MONTH = 12.0
_LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Belief:
    """Distribution of one quantity, model scale; ``prior`` is its mixture approximation."""

    mean: float
    sd: float
    lower: float
    upper: float
    prior: AnalysisPrior
    benefit: Measured | None = None  # probability of benefit, for an effect


@dataclass(frozen=True, slots=True)
class Side:
    """Priors of one endpoint given one set of evidence; None if the evidence has no data on it."""

    evidence: tuple[str, ...]
    effect: Belief | None
    control: Belief | None


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """Priors of one endpoint at one month of the trial, given each set of evidence."""

    endpoint: str
    month: float
    entry: EntryTime  # when after diagnosis patients enter
    sides: tuple[Side, ...]


def compare_evidence(sets: Sequence[str], report: Report) -> tuple[ComparisonRow, ...]:
    """Compare sets of evidence; each set is its file names separated by spaces.

    All effects and control means are for the same trial: at the month and in the enrolment window
    of the first set with an effect on the endpoint. Raises ``BadInput`` for fewer than two sets.
    """
    name_sets = [tuple(names.split()) for names in sets]
    if len(name_sets) < 2 or not all(name_sets):  # noqa: PLR2004 - nothing to compare
        raise BadInput(
            "prior compare needs two sets of evidence or more, each in quotes, such as"
            ' "gxipc1 t1d-natural-history" "t1d-natural-history". Name another.'
        )
    evidence = [read_evidence(names) for names in name_sets]
    priors = []
    for evidence_set in evidence:
        report(f"evidence: {' '.join(evidence_set.names)}")
        priors.append(load_or_fit(evidence_set, report=report))
    return compare_fitted(evidence, priors)


def compare_fitted(
    evidence: Sequence[Evidence], priors: Sequence[PriorDraws]
) -> tuple[ComparisonRow, ...]:
    """Compare sets of evidence that are already read and fitted; see ``compare_evidence``."""
    return tuple(_rows(evidence, priors))


def _rows(evidence: Sequence[Evidence], priors: Sequence[PriorDraws]) -> Iterator[ComparisonRow]:
    for endpoint in ENDPOINTS:
        if not any(endpoint in prior.endpoints for prior in priors):
            continue
        treating = [
            (evidence_set, prior)
            for evidence_set, prior in zip(evidence, priors, strict=True)
            if endpoint in prior.effects
        ]
        first, month = (evidence[0], priors[0]), _USUAL_MONTH
        if treating:
            first = treating[0]
            month = first[1].effects[endpoint].month
        entry = trial_entry(*first)
        yield ComparisonRow(
            endpoint=endpoint,
            month=month,
            entry=entry,
            sides=tuple(
                _side(evidence_set, prior, endpoint, month, entry)
                for evidence_set, prior in zip(evidence, priors, strict=True)
            ),
        )


def _side(
    evidence: Evidence,
    prior: PriorDraws,
    endpoint: str,
    month: float,
    entry: EntryTime,
) -> Side:
    effect = control = None
    if endpoint in prior.effects:
        draws = effect_at(prior, endpoint, month)
        mixture = analysis_prior(prior, "effect", endpoint, month, entry)
        effect = _belief(draws, mixture, ENDPOINTS[endpoint].benefit_sign)
    if endpoint in prior.endpoints:
        mixture = analysis_prior(prior, "control", endpoint, month, entry)
        control = _belief(control_mean_at(prior, endpoint, month, entry), mixture)
    return Side(evidence.names, effect, control)


def _belief(draws: Floats, prior: AnalysisPrior, benefit_sign: int = 0) -> Belief:
    lower, upper = np.quantile(draws, _LIMITS)
    benefits = int((draws * benefit_sign > 0).sum())
    return Belief(
        mean=float(draws.mean()),
        sd=float(draws.std(ddof=1)),
        lower=float(lower),
        upper=float(upper),
        prior=prior,
        benefit=proportion(benefits, draws.size, draws.size) if benefit_sign else None,
    )

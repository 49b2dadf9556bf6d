"""What rules with reference values share: posterior probabilities, and the class of a truth."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import CONSIDER, GO, STOP, UNDECIDED
from phase2sim.core.decision import AT_TARGET, BELOW, BETWEEN, UNKNOWN, AnalysisResults, Hypothesis
from phase2sim.core.errors import BadValue
from phase2sim.decisions.familywise import ANY
from phase2sim.theory.mixtures import AnalysisMixture

type Together = Literal["all", "any"]
type _Priors = Mapping[str, AnalysisMixture]

ALL = "all_analyses"
_ROUNDING = 1e-9  # a truth that is a reference value but for the last digits is at it


def chance_beyond(results: AnalysisResults, limits: Sequence[float], priors: _Priors) -> Floats:
    """Posterior probability (trial, analysis) of an effect beyond each limit, towards benefit.

    Without a prior the posterior is the t distribution of a flat one (normal for infinite degrees
    of freedom), so that at the null effect it is 1 - p of a t test. With a mixture of normals as
    prior the estimate counts as normal with a known standard error. Without a standard error, as
    where an arm has no event, it is 1 - p at the null effect, and else unknown.
    """
    columns = [
        _chance(results, number, limit, priors.get(results.hypotheses[number].name))
        for number, limit in enumerate(limits)
    ]
    return np.stack(columns, axis=1)


def _chance(
    results: AnalysisResults, number: int, limit: float, prior: AnalysisMixture | None
) -> Floats:
    effect, se, df = (part[:, number] for part in (results.effect, results.se, results.df))
    sign = results.hypotheses[number].benefit_sign
    if prior is not None:
        known = np.isfinite(effect) & np.isfinite(se) & (se > 0.0)
        posterior = prior.mixture().posterior(effect, np.where(known, se, np.nan))
        at = np.full(effect.shape, limit)
        return posterior.above(at) if sign > 0 else posterior.cdf(at)
    with np.errstate(divide="ignore", invalid="ignore"):  # no standard error: 0, or infinite
        t = sign * (effect - limit) / se
    chance = np.where(np.isinf(df), ndtr(t), stdtr(np.where(np.isinf(df), 1.0, df), t))
    at_null = limit == results.hypotheses[number].null_effect
    return np.where(np.isnan(t) & at_null, 1.0 - results.p[:, number], chance)


def labels(analyses: tuple[str, ...], together: Together) -> tuple[str, ...]:
    """Return the analyses' names and, if there are several, that of the verdict on all of them."""
    if len(analyses) == 1:
        return analyses
    return (*analyses, ALL if together == "all" else ANY)


def with_overall(alone: NDArray[np.int8], together: Together) -> NDArray[np.int8]:
    """Verdicts (trial, analysis) and, of several, that on all of them.

    Of ``all`` the least good verdict counts, of ``any`` the best. A failed analysis leaves the
    trial UNDECIDED where its verdict could have changed that.
    """
    if alone.shape[1] == 1:
        return alone
    first, last = (STOP, GO) if together == "all" else (GO, STOP)
    settled, failed = (alone == first).any(axis=1), (alone == UNDECIDED).any(axis=1)
    overall = np.select(
        [settled, failed, (alone == CONSIDER).any(axis=1)], [first, UNDECIDED, CONSIDER], last
    )
    return np.column_stack([alone, overall]).astype(np.int8)


def truth_classes(
    true_effect: Floats,
    hypotheses: tuple[Hypothesis, ...],
    together: Together,
    *,
    reference: Sequence[float],
    target: Sequence[float],
) -> NDArray[np.int8]:
    """Class of each truth, (trial, verdict): not beyond the reference, between, at the target.

    ``true_effect`` is (trial, analysis). The class of all analyses together is that of the worst
    of them, or of the best for ``any``.
    """
    sign = np.array([hypothesis.benefit_sign for hypothesis in hypotheses])
    benefit = sign * true_effect
    alone = np.select(
        [
            np.isnan(benefit),
            benefit <= sign * reference + _ROUNDING,
            benefit >= sign * target - _ROUNDING,
        ],
        [UNKNOWN, BELOW, AT_TARGET],
        BETWEEN,
    )
    if alone.shape[1] == 1:
        return alone.astype(np.int8)
    overall = alone.min(axis=1) if together == "all" else alone.max(axis=1)
    overall = np.where((alone == UNKNOWN).any(axis=1), UNKNOWN, overall)
    return np.column_stack([alone, overall]).astype(np.int8)


def reference_limits(
    values: Mapping[str, float], hypotheses: tuple[Hypothesis, ...]
) -> tuple[float, ...]:
    """Return the limit of each analysis; its null effect where none is given."""
    return tuple(values.get(hypothesis.name, hypothesis.null_effect) for hypothesis in hypotheses)


def check_names(key: str, named: Mapping[str, object], hypotheses: tuple[Hypothesis, ...]) -> None:
    """Raise ``ValueError`` where a key names no analysis."""
    names = [hypothesis.name for hypothesis in hypotheses]
    for name in named:
        if name not in names:
            raise BadValue(
                f"{key}.{name}", f"names no analysis; there are {', '.join(names)}. Correct it"
            )


def check_all_named(
    key: str, named: Mapping[str, float], hypotheses: tuple[Hypothesis, ...]
) -> None:
    """Raise ``ValueError`` unless a key has a value for every analysis, and for no other."""
    check_names(key, named, hypotheses)
    for hypothesis in hypotheses:
        if hypothesis.name not in named:
            raise BadValue(
                f"{key}.{hypothesis.name}", "is missing; each analysis needs one. Add it"
            )


def check_sizes(key: str, values: Mapping[str, float], hypotheses: tuple[Hypothesis, ...]) -> None:
    """Raise ``ValueError`` for a limit that no treatment reaches: most often a wrong scale."""
    for hypothesis in hypotheses:
        value = values.get(hypothesis.name, 0.0)
        if not abs(value) <= hypothesis.largest_effect:  # nan too
            raise BadValue(
                f"{key}.{hypothesis.name}",
                f"is {value:g}; on the analysis's scale an effect lies between"
                f" -{hypothesis.largest_effect:g} and {hypothesis.largest_effect:g}",
            )


def check_priors(priors: _Priors, hypotheses: tuple[Hypothesis, ...]) -> None:
    """Raise ``ValueError`` for a prior of no analysis, or an analysis that has its own."""
    check_names("prior", priors, hypotheses)
    for hypothesis in hypotheses:
        if hypothesis.has_prior:
            raise BadValue(
                "kind",
                f"reads estimates without a prior, but analysis {hypothesis.name!r} has its own."
                f" Use"
                " kind = 'significance' with one_sided_alpha = 1 - the probability, or an analysis"
                " without a prior and decision.prior",
            )


def check_probability(key: str, value: float) -> None:
    """Raise ``ValueError`` unless a probability is strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise BadValue(key, f"is {value:g}; it must lie between 0 and 1")

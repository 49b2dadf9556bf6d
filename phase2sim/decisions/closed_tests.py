"""P-values adjusted for several hypotheses, so that the familywise error is kept.

Each rule takes ``p`` (trial, hypothesis) and returns adjusted p-values of the same shape: rejecting
what is at most alpha keeps the familywise error at alpha, whichever of the hypotheses are true.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats

MOST_HYPOTHESES = 8  # a closed test looks at 2**m intersections


def closed_test(p: Floats, weights: Floats, transitions: Floats, *, simes: bool = False) -> Floats:
    """Adjust by a graph of weights: Bretz, Maurer, Brannath and Posch, Stat Med 2009.

    ``weights`` (hypothesis,) share out alpha; ``transitions[i, j]`` is the share of hypothesis i's
    level that goes to j once i is rejected. An intersection is tested by weighted Bonferroni, or
    by weighted Simes (Bretz, Posch, Glimm, Klinglmueller, Maurer and Rohmeyer, Biom J 2011).
    """
    adjusted = np.zeros_like(p)
    for members in product((False, True), repeat=p.shape[1]):
        inside = np.array(members)
        if inside.any():
            share = remaining_weights(weights, transitions, inside)
            test = _simes if simes else _bonferroni
            together = test(p[:, inside], share[inside])
            adjusted[:, inside] = np.maximum(adjusted[:, inside], together[:, None])
    return np.minimum(adjusted, 1.0)


def remaining_weights(weights: Floats, transitions: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Weights once every hypothesis outside has handed its level on; the order is no matter."""
    weights, transitions = weights.copy(), transitions.copy()
    for gone in np.flatnonzero(~inside):
        weights = weights + weights[gone] * transitions[gone]
        into, out = transitions[:, gone], transitions[gone]
        there_and_back = (into * out)[:, None]
        passed = transitions + np.outer(into, out)
        transitions = np.divide(
            passed, 1 - there_and_back, out=np.zeros_like(passed), where=there_and_back < 1
        )
        np.fill_diagonal(transitions, 0.0)
        transitions[gone], transitions[:, gone], weights[gone] = 0.0, 0.0, 0.0
    return weights


def _bonferroni(p: Floats, share: Floats) -> Floats:
    return _over(p, np.broadcast_to(share, p.shape)).min(axis=1)


def _simes(p: Floats, share: Floats) -> Floats:
    """Smallest p over the weight of all hypotheses with a p no larger."""
    spent = np.where(p[:, None, :] <= p[:, :, None], share, 0.0).sum(axis=2)
    return _over(p, spent).min(axis=1)


def _over(p: Floats, share: Floats) -> Floats:
    """``p`` over its share of the level; infinite, never significant, where that is none."""
    quotient = np.full(p.shape, np.inf)
    np.divide(p, share, out=quotient, where=share > 0)
    return quotient


def equal_graph(hypotheses: int) -> tuple[Floats, Floats]:
    """Equal weights, and equal shares to all others: the graph of Holm."""
    weights = np.full(hypotheses, 1 / hypotheses)
    others = 1.0 - np.eye(hypotheses)
    return weights, others / max(hypotheses - 1, 1)


def chain_graph(hypotheses: int) -> Floats:
    """Each hypothesis hands its whole level to the next: the transitions of fallback."""
    return np.eye(hypotheses, k=1)


def holm(p: Floats) -> Floats:
    """Step down from the smallest p: Holm, Scand J Stat 1979."""
    hypotheses = p.shape[1]
    order = np.argsort(p, axis=1)
    steps = np.take_along_axis(p, order, axis=1) * np.arange(hypotheses, 0, -1)
    return _in_place(np.minimum(np.maximum.accumulate(steps, axis=1), 1.0), order)


def hochberg(p: Floats) -> Floats:
    """Step up from the largest p: Hochberg, Biometrika 1988.

    Needs p-values that are independent or positively dependent.
    """
    order = np.argsort(-p, axis=1)
    steps = np.take_along_axis(p, order, axis=1) * np.arange(1, p.shape[1] + 1)
    return _in_place(np.minimum(np.minimum.accumulate(steps, axis=1), 1.0), order)


def _in_place(ordered: Floats, order: NDArray[np.intp]) -> Floats:
    back = np.empty_like(ordered)
    np.put_along_axis(back, order, ordered, axis=1)
    return back

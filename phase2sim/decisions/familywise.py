"""What the rules for several hypotheses share: from adjusted p-values to verdicts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import GO, STOP, UNDECIDED
from phase2sim.core.errors import BadValue
from phase2sim.decisions.closed_tests import MOST_HYPOTHESES
from phase2sim.decisions.significance import verdict

ANY = "at_least_one"


def judge(
    p: Floats, one_sided_alpha: float, adjust: Callable[[Floats], Floats]
) -> NDArray[np.int8]:
    """Verdicts (trial, analysis + 1): each analysis after adjustment, then at least one of them.

    A failed analysis stays UNDECIDED, and helps no other: to the others it is a p of 1.
    """
    failed = np.isnan(p)
    adjusted = adjust(np.where(failed, 1.0, p))
    alone = verdict(np.where(failed, np.nan, adjusted), one_sided_alpha)
    any_go = (alone == GO).any(axis=1)
    otherwise = np.where(failed.any(axis=1), UNDECIDED, STOP)
    return np.column_stack([alone, np.where(any_go, GO, otherwise)]).astype(np.int8)


def check_number(key: str, given: int, analyses: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless a key has an entry for every analysis."""
    if given != len(analyses):
        raise BadValue(
            key,
            f"is for {given} analyses and there are {len(analyses)}: {', '.join(analyses)}."
            " Give one for each, in their order",
        )


def check_few(analyses: tuple[str, ...]) -> None:
    """Raise ``ValueError`` where a closed test would look at too many intersections."""
    if len(analyses) > MOST_HYPOTHESES:
        raise BadValue(
            "kind",
            f"is a closed test and there are {len(analyses)} analyses; it takes at most"
            f" {MOST_HYPOTHESES}. Use 'holm' or 'hochberg'",
        )


def check_weights(weights: tuple[float, ...]) -> None:
    """Raise ``ValueError`` unless the weights share out alpha."""
    if not weights or min(weights) < 0 or not 0 < sum(weights) <= 1 + 1e-9:
        raise BadValue(
            "weights",
            f"is {list(weights)}; none may be negative and their sum must be above 0 and at most 1",
        )

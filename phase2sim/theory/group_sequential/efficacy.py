"""Upper bounds of a group sequential test: by error spending, or of a classical shape.

The rules serve one treated arm, and several that share a control: ``Crossing`` tells them apart.
"""

from phase2sim.core.arrays import Floats
from phase2sim.core.errors import BadValue
from phase2sim.theory.group_sequential.classical_bounds import (
    HaybittlePeto,
    NoEfficacy,
    OBrienFleming,
    Pocock,
    PosteriorThresholds,
    Triangular,
    WangTsiatis,
)
from phase2sim.theory.group_sequential.efficacy_rule import ONE_ARM, Crossing, EfficacyRule
from phase2sim.theory.group_sequential.spending import SPENDINGS

# A spending function is a part of its own: its bounds follow the information of every look.
EFFICACIES: dict[str, type[EfficacyRule]] = {
    **{f"{name}_spending": part for name, part in SPENDINGS.items()},
    "obrien_fleming": OBrienFleming,
    "pocock": Pocock,
    "wang_tsiatis": WangTsiatis,
    "triangular": Triangular,
    "haybittle_peto": HaybittlePeto,
    "posterior": PosteriorThresholds,
    "none": NoEfficacy,
}


def efficacy_bounds(
    efficacy: EfficacyRule,
    information: Floats,
    one_sided_alpha: float,
    lower: Floats,
    crossing: Crossing = ONE_ARM,
) -> Floats:
    """Upper bounds on z of an efficacy rule or of an error-spending function.

    Parameters
    ----------
    efficacy : EfficacyRule
        A rule of classical shape, or a spending function.
    information : ndarray of float, (look,)
        Information fractions, rising to 1.
    one_sided_alpha : float
        One-sided type I error of all looks together, between 0 and 0.5.
    lower : ndarray of float, (look,)
        Lower bounds on z, below which a trial has stopped; -inf where a stop for futility is not to
        be relied on.
    crossing : Crossing, default ONE_ARM
        Probability to cross without an effect: of one arm, or of any of several.

    Returns
    -------
    ndarray of float, (look,)
        Upper bounds on z; inf at a look that never shows efficacy.

    Raises
    ------
    BadValue
        If the rule cannot have this level at these looks; its key is under ``efficacy``.

    References
    ----------
    Jennison and Turnbull (1999), Group Sequential Methods, chapters 2 and 7.

    Examples
    --------
    Pocock-type spending at half of the information and at the end (rpact 4.5.0):

    >>> import numpy as np
    >>> from phase2sim.theory.group_sequential.spending import PocockType
    >>> no_futility = np.full(2, -np.inf)
    >>> efficacy_bounds(PocockType(), np.array([0.5, 1.0]), 0.025, no_futility).round(6).tolist()
    [2.156999, 2.200977]
    """
    try:
        return efficacy.bounds(information, one_sided_alpha, lower, crossing)
    except BadValue as error:
        raise error.under("efficacy") from None

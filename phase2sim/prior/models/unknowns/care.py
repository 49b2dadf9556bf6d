"""Care and era in the model graph: what covariates of an arm do to the means of its patients."""

from collections.abc import Sequence

import numpy as np
import pymc as pm

from phase2sim.core.arrays import Floats
from phase2sim.evidence.care import share_of
from phase2sim.evidence.reported import CARE_MONTHS, Evidence, Normal, UnknownShare
from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.densities.quadrature import KNOTS_MONTHS
from phase2sim.prior.models.unknowns.evidence_arrays import Cells

# Share of what care does that is there at each knot: linear between knots, so exact everywhere.
RAMP: Floats = np.minimum(KNOTS_MONTHS / CARE_MONTHS, 1.0)
RAMP.flags.writeable = False


def care_shift(evidence: Evidence, layout: Cells, root_weight: Tensor) -> Tensor:
    """Declare effects of care in the current PyMC model; return the shift of each cell's mean.

    ``care_effect`` are the effects in the order of ``care_effects``, ``care_share`` the values of
    arms that do not say theirs. The shift is value times effect times the ramp, averaged over the
    enrolment times of the cell.

    Patients who enter before ``CARE_MONTHS`` also differ by how much of the effect has come in.
    That is left out of their variance at visits before then: for entry evenly over these months
    (2 fall + effect) effect / 12 at entry, where the mean falls by ``fall``. For HbA1c, with a fall
    of 4.1 and an effect of 0.45, it is 4 % of an SD of 2.1; nothing at later visits.
    """
    effects = care_effects(evidence, layout.endpoints)
    if not effects:
        return pt.zeros(layout.months.size)
    prior = [_prior(evidence, name, endpoint) for name, endpoint in effects]
    raw = pm.Normal("care_raw", shape=len(effects))
    size = pm.Deterministic(
        "care_effect", np.array([p.mean for p in prior]) + np.array([p.sd for p in prior]) * raw
    )
    ramp_average = pt.sum(root_weight**2 * (layout.basis @ RAMP), axis=1)  # (cell,)
    return ramp_average * pt.sum(_values(evidence, layout, effects) * size, axis=1)


def care_effects(evidence: Evidence, endpoints: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Covariate and endpoint of each effect of care that a fit of these endpoints has."""
    return tuple(
        (name, effect.endpoint)
        for name, covariate in evidence.care.items()
        for effect in covariate.effects
        if effect.endpoint in endpoints
    )


def _prior(evidence: Evidence, name: str, endpoint: str) -> Normal:
    return next(e.prior for e in evidence.care[name].effects if e.endpoint == endpoint)


def _values(
    evidence: Evidence, layout: Cells, effects: tuple[tuple[str, str], ...]
) -> Tensor | Floats:
    """Value (cell, effect) of the covariate in the cell's arm; 0 for cells of other endpoints."""
    arms = {(arm.study, arm.arm): arm for arm in evidence.arms}
    stated = np.zeros((len(layout.index), len(effects)))
    guesses: dict[tuple[str, str, str], UnknownShare] = {}  # by study, arm and covariate
    places: list[tuple[int, int, tuple[str, str, str]]] = []
    for cell, row in layout.index.items():
        for column, (name, endpoint) in enumerate(effects):
            if endpoint != cell.endpoint:
                continue
            match share_of(arms[cell.study, cell.arm], evidence.care[name]):
                case UnknownShare() as unknown:
                    guesses[cell.study, cell.arm, name] = unknown
                    places.append((row, column, (cell.study, cell.arm, name)))
                case share:
                    stated[row, column] = share
    if not guesses:
        return stated
    order = list(guesses)
    guessed = np.zeros((*stated.shape, len(order)))
    for row, column, key in places:
        guessed[row, column, order.index(key)] = 1.0
    return stated + pt.sum(guessed * _guess(list(guesses.values())), axis=2)


def _guess(guesses: list[UnknownShare]) -> Tensor:
    """Values of arms that do not say theirs."""
    alpha, beta = np.array([guess.beta for guess in guesses]).T
    return pm.Beta("care_share", alpha, beta)

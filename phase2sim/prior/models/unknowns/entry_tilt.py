"""How the entry of an arm is spread over its window, where the fit learns it.

The density of the months from diagnosis to entry is proportional to ``exp(tilt * position)``, with
the position from -1 at the earliest to 1 at the latest month. A tilt of 0 is an even spread.
"""

import numpy as np
import pymc as pm

from phase2sim.prior.models.densities.pytensor_names import Tensor, pt
from phase2sim.prior.models.unknowns.evidence_arrays import Cells
from phase2sim.prior.models.unknowns.settings import ENTRY_TILT_SD


def entry_tilt(layout: Cells) -> Tensor:
    """Declare the tilt of each learned arm; return that of every cell, (cell,)."""
    arms = layout.learned.shape[1]
    if not arms:
        return np.zeros(len(layout.learned))
    tilt = pm.Normal("entry_tilt", 0.0, ENTRY_TILT_SD, shape=arms)
    return pt.sum(layout.learned * tilt, axis=1)


def root_weights(layout: Cells, tilt: Tensor) -> Tensor:
    """Square root (cell, node) of the share of patients entering at each node."""
    if not layout.learned.shape[1]:
        return layout.root_weight
    first = layout.learned.argmax(axis=0)  # cell of each learned arm; all have the same nodes
    tilted = layout.root_weight[first] * pt.exp(tilt[first][:, None] * layout.position[first] / 2.0)
    root = tilted / pt.sqrt(pt.sum(tilted**2, axis=1))[:, None]
    cells_of_learned, arm = np.nonzero(layout.learned)
    given: Tensor = pt.as_tensor(layout.root_weight)
    return pt.set_subtensor(given[cells_of_learned], root[arm])

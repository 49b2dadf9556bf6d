"""The last value of each patient that was seen, visit by visit."""

import numpy as np

from phase2sim.core.arrays import Bools, Floats
from phase2sim.core.contracts import Trials
from phase2sim.core.kernels import kernel


def carried_forward(trials: Trials, endpoint: int) -> Floats:
    """Last value seen at or before each visit, (trial, visit, patient); baseline always is."""
    value = trials.value[:, endpoint]
    if not trials.has_gaps:
        return value
    carried = np.empty(value.shape)
    _carry(carried, value, trials.seen[:, endpoint])
    return carried


def flatten_trials(value: Floats) -> Floats:
    """Values (visit, patient) of all trials together."""
    return value.transpose(1, 0, 2).reshape(value.shape[1], -1)


@kernel
def _carry(carried: Floats, value: Floats, seen: Bools) -> None:
    for trial in range(value.shape[0]):
        carried[trial, 0] = value[trial, 0]
        for v in range(1, value.shape[1]):
            for p in range(value.shape[2]):
                last = value[trial, v, p] if seen[trial, v, p] else carried[trial, v - 1, p]
                carried[trial, v, p] = last

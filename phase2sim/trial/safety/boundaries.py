"""Stopping for harm: too many patients with an event, judged by a beta-binomial posterior."""

import numpy as np
from scipy import special

from phase2sim.core.arrays import Floats, Ints


def posterior_excess(
    events: Floats | Ints, patients: Floats | Ints, prior: tuple[float, float], limit: float
) -> Floats:
    """Posterior probability that the event rate exceeds ``limit``, under a Beta prior."""
    a, b = prior
    return np.asarray(special.betaincc(a + events, b + patients - events, limit), np.float64)


def events_that_stop(
    looks: Ints, prior: tuple[float, float], limit: float, certainty: float
) -> Ints:
    """Fewest events, by look, whose posterior excess is above ``certainty``.

    ``looks`` are numbers of patients; where not even an event in every patient stops the trial
    the answer is one more than there are patients.
    """
    fewest = [
        int(
            (posterior_excess(np.arange(n + 1), np.full(n + 1, n), prior, limit) <= certainty).sum()
        )
        for n in looks
    ]
    return np.array(fewest, np.int64)


def chance_of_stopping(looks: Ints, boundary: Ints, rate: float) -> Floats:
    """Exact probability (look,) of stopping first at each look, given the true event rate.

    Convolves the number of events among those who go on with the binomial of each stage.
    """
    going = np.ones(1)  # probability of each number of events so far, and not stopped
    stops, before = [], 0
    for patients, limit in zip(looks, boundary, strict=True):
        stage = -np.diff(at_least(np.arange(patients - before + 2), patients - before, rate))
        reached = np.convolve(going, stage)
        stops.append(float(reached[limit:].sum()))
        going, before = np.where(np.arange(len(reached)) < limit, reached, 0.0), int(patients)
    return np.array(stops)


def at_least(events: Ints, patients: Ints | int, rate: float) -> Floats:
    """Chance of so many events or more among the patients."""
    return np.asarray(special.bdtrc(events - 1.0, patients, rate), np.float64)


def expected_patients(looks: Ints, stopping: Floats) -> float:
    """Expected patients when the last look is the end of the trial."""
    at_end = 1.0 - stopping[:-1].sum()
    return float(looks[:-1] @ stopping[:-1] + looks[-1] * at_end)
